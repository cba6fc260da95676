"""rotom: use a ChatGPT/Codex login from Claude Code and other tools, through a local server.

Usage:
  rotom <command> [options]
  rotom --help | --version

Commands:
  login       log in to a provider
  logout      revoke a login and remove it
  accounts    list the accounts that are logged in, and which are in use
  use         put another account of a provider in use
  serve       serve the logged-in providers on this machine
  launch      start Claude Code, the Codex CLI or another client with everything set
  env         print what a client's environment needs, for a shell
  status      show logins, token life and rate limits
  models      list the models
  batches     list message batches and how far they are; cancel one
  refresh     renew the tokens now
  config      show and change the configuration
  key         manage the key that encrypts the credentials
  daemon      have rotom run as a service: install, start, stop, status, logs
  doctor      look at everything that rotom needs, and say what to do
  update      bring rotom to its newest version
  completion  print completions for bash, zsh or fish
  help        open the manual: 'rotom help config', 'rotom help api'

To begin: 'rotom login', then 'rotom launch claude'. To try it without a login: 'rotom launch --demo claude'.

'rotom <command> --help' explains one command, 'rotom help' opens the manual: rotom(1), and with a topic behind it
rotom-daemon(1), rotom-config(5) or rotom-api(7). When something is wrong: 'rotom doctor'.
"""

# What is not here: what a command does (one module each, found by its name) and how arguments are read (usage.py).
# Nothing heavy is imported before it is needed: `rotom --version` is asked by scripts and must be quick.

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator

TYPE_CHECKING = False  # the module typing takes its time
if TYPE_CHECKING:
    from typing import NoReturn

COMMANDS = (
    "login",
    "logout",
    "accounts",
    "use",
    "serve",
    "launch",
    "env",
    "status",
    "models",
    "batches",
    "refresh",
    "config",
    "key",
    "daemon",
    "doctor",
    "update",
    "completion",
    "help",
)

outer_umask = 0o022
"""The mode mask that this program was started with, for programs that it starts."""


def program() -> NoReturn:
    """The ``rotom`` command: run the command line of this process and end it with its status."""
    leave(main())


def leave(status: int) -> NoReturn:
    """End this process, whatever its threads are doing.

    A thread that was abandoned when its task was cancelled may be in the middle of a library in C. OpenSSL takes itself
    apart in exit(3) without waiting for it: of a hundred ``rotom doctor >/dev/full`` two ended with SIGSEGV, in a thread
    that was reading the authorities (seen with Python 3.11.7 and OpenSSL 3.0). So nothing is taken apart under a thread.
    """
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue  # it was told before, as far as it could be
        os._exit(status)
    sys.exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run one command line; the exit status."""
    words = sys.argv[1:] if argv is None else argv
    return guarded(lambda: _run(words))


def guarded(command: Callable[[], int]) -> int:
    """Run what is a program of its own; the exit status. What ends it is told in words for a person."""
    try:
        _mend_streams()
        code = command()
        sys.stdout.flush()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 64
    except BaseException as exc:
        if os.environ.get("ROTOM_DEBUG") and not isinstance(exc, KeyboardInterrupt | BrokenPipeError):
            raise
        code = _fail(exc)
        if os.environ.get("XPC_SERVICE_NAME") == "com.rotom.daemon":
            from rotom.exits import HOPELESS, OK

            return OK if code in HOPELESS else code  # launchd would start again for ever what ends badly
    return code


def _mend_streams() -> None:
    """Make the three streams fit for any use: one that is closed leads nowhere, and what the encoding lacks is replaced."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # It takes the lowest number that is free, which is the closed one's: no file of ours will get into its place.
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115 - stays open
    if getattr(sys.stdout, "errors", None) == "strict":
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]


def _run(argv: list[str]) -> int:
    if argv in (["--version"], ["-V"]):
        from rotom import __version__

        print(f"rotom {__version__}")
        return 0
    global outer_umask
    outer_umask = os.umask(0o077)  # whatever a command writes is the person's own
    name = argv[0] if argv else ""
    if name in ("-h", "--help") or not name:
        from rotom.cli import usage

        stream = sys.stdout if name else sys.stderr
        print(usage.text(__doc__ or "", stream), file=stream)
        return 0 if name else 64
    from importlib import import_module

    from rotom.cli import usage

    if name.startswith("-"):
        raise usage.no_command(name)
    if name not in COMMANDS:
        raise usage.unknown(name, COMMANDS)
    module = import_module(f"rotom.cli.{name}")
    with usage.explained(module.__doc__ or "", argv):
        if usage.wants_help(argv):
            print(usage.text(module.__doc__ or ""))
            return 0
        return int(module.run(argv))


def _fail(exc: BaseException) -> int:
    """Tell what ended a command, in words for a person; the exit status."""
    from rotom.exits import INTERNAL, status
    from rotom.problem import Problem
    from rotom.term import Terminal, clean

    leaves = list(_leaves(exc))
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        if sys.stderr is not None and sys.stderr.isatty():
            print(file=sys.stderr)  # the prompt goes below the ^C
        return 130
    if all(isinstance(leaf, BrokenPipeError) for leaf in leaves):
        _give_up_output()  # `rotom models | head`: the reader has seen enough
        return 141
    cause = next((leaf for leaf in leaves if not isinstance(leaf, (Problem, OSError))), leaves[0])
    code = status(cause)
    if isinstance(cause, Problem):
        message, hint = cause.message, cause.hint
    elif isinstance(cause, OSError) and cause.filename is not None:
        message, hint = f"{os.fsdecode(cause.filename)}: {cause.strerror}", None
    elif isinstance(cause, OSError) and cause.errno in _OUTPUT:
        message, hint = f"the output cannot be written: {cause.strerror}", None
        _give_up_output()
    elif isinstance(cause, FileNotFoundError):  # only the working folder is looked for without a name
        message, hint = "the working folder is gone", "cd to another folder"
    else:
        code, message = INTERNAL, f"internal error: {type(cause).__name__} at {_place(cause)}"
        hint = "this is a bug; ROTOM_DEBUG=1 shows the details for a report"
    try:
        print(Terminal(sys.stderr).fold(f"rotom: {clean(message)}", 7), file=sys.stderr)
        if hint:
            print(
                f"       {clean(hint)}", file=sys.stderr
            )  # in one piece, whatever its length: it is there to be copied
        sys.stderr.flush()
    except OSError:
        _give_up_output(2)  # nobody can be told
    return code


_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)
"""What comes of writing to a stream, which has no name in the error."""


def _give_up_output(number: int = 1) -> None:
    """Let a stream that cannot be written lead nowhere. Otherwise Python tries once more at its exit, and complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _leaves(exc: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group of groups; Trio wraps what its nurseries raise."""
    if isinstance(exc, BaseExceptionGroup):
        for part in exc.exceptions:
            yield from _leaves(part)
    else:
        yield exc


def _place(exc: BaseException) -> str:
    """Where an exception was raised: file and line, without the message, which may quote anything."""
    trace = exc.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
