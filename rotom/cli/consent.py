"""How a person consents to a login: in a browser that comes back to us, by pasting, or with a code on another device.

The browser's callback and the pasted answer are waited for at the same time, and whichever comes first counts: on a
remote machine the browser cannot come back, and the person pastes the address that it ended at.

What is not here: the dialogue with the provider (providers/), the callback's server (callback.py), reading the paste
(paste.py).
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Mapping

import trio

from rotom.cli.callback import Callback
from rotom.cli.paste import read_line
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode
from rotom.term import Terminal, clean, say, words

TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


def browser(environ: Mapping[str, str]) -> str | None:
    """What kind of browser there is: "window", "text" (in a terminal), or None.

    On a Mac or a Windows machine that is reached over ssh, a window would open where nobody sits.
    """
    if environ.get("BROWSER"):
        return "window"
    remote = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    if sys.platform in ("darwin", "win32"):
        return None if remote else "window"
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("WSL_DISTRO_NAME"):
        import webbrowser

        try:
            webbrowser.get()
        except webbrowser.Error:
            pass
        else:
            return "window"
    return "text" if any(shutil.which(name) for name in TEXT_BROWSERS) else None


class Consent:
    """Puts a flow's questions to a person; called with a step, it returns the answer.

    Arguments:
      callback: where the browser comes back to; None: it cannot.
      opens: whether to open a browser window.
      descriptor: where the person types; None: nowhere.
      terminal: how to print.
    """

    def __init__(self, callback: Callback | None, *, opens: bool, descriptor: int | None, terminal: Terminal) -> None:
        self._callback = callback
        self._opens = opens
        self._descriptor = descriptor
        self._terminal = terminal
        self._said = False

    async def __call__(self, step: Authorize | DeviceCode) -> str | None:
        if isinstance(step, DeviceCode):
            self._show_code(step)
            return None
        if step.complaint is not None:
            say(f"rotom: {step.complaint}", hang=7)
        if self._callback is not None:
            self._callback.state = step.state
        self._show_address(step)
        if self._opens and not self._said:
            await trio.to_thread.run_sync(_open, step.url, abandon_on_cancel=True)
        self._said = True
        return await self._answer()

    def _show_code(self, step: DeviceCode) -> None:
        code = self._terminal.paint("bold", clean(step.code))
        say(f"Open this address on any device, and type the code {code} there:\n\n{step.url}\n")
        say(f"Waiting; the code is good for {words(step.expires_in)}. Never give it to anybody else.")

    def _show_address(self, step: Authorize) -> None:
        if self._said:
            print(step.url, flush=True)
            return
        opened = "If no browser window opens, open" if self._opens else "Open"
        print(f"{opened} this address in a browser and consent there:\n\n{step.url}\n")
        if self._descriptor is not None:
            say("If the browser then cannot reach this machine, paste the address it ended at here:")
        sys.stdout.flush()

    async def _answer(self) -> str:
        answers: list[str] = []
        async with helpers() as nursery:
            finished = nursery.cancel_scope

            async def arrived(app: Callback) -> None:
                answers.append(await app.answer())
                finished.cancel()

            if self._callback is not None:
                nursery.start_soon(arrived, self._callback)
            pasted = None if self._descriptor is None else await read_line(self._descriptor, 1)
            if pasted is not None:
                answers.append(pasted)
            elif self._callback is not None:
                await trio.sleep_forever()  # nobody types here: the browser may still come back
        if not answers:
            raise Problem(
                Kind.UNAVAILABLE,
                "the login has no way back: the ports for the browser are taken and nobody can type here",
                hint="run: rotom login --device",
            )
        return answers[0]


def _open(url: str) -> None:
    """Open a browser window."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
