"""``rotom serve``: everything that runs while it serves, under one nursery.

Theory of operation: `assemble` makes the gateway and what it stands on from a configuration (the commands that ask
providers without serving use it too). `_run` opens the addresses first, so that a wrong one is told before anything else
happens, then starts the background tasks, then accepts. Signals: the first SIGTERM or SIGINT begins the drain, a second
one ends everything at once; SIGHUP reads configuration and credentials again, and a bad new configuration changes
nothing. The demonstration is the same program: the simulator is started beside it, its home is a temporary folder, and it
logs in through the real code path.

What is not here: the server (server/), what it serves (routes/), and what is printed (banner.py).
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from rotom import running
from rotom.banner import banner
from rotom.batching import Batching
from rotom.catalogue import Catalogue, Model
from rotom.config import Config, Loaded, load, resolve_api_key
from rotom.exits import OK, TEMPORARY
from rotom.gateway import Gateway
from rotom.log import Log, form_for
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Authorize, DeviceCode, Token
from rotom.providers.registry import all_providers, no_provider
from rotom.routes import DIALECTS, Application
from rotom.routes.guard import Rules, require_key
from rotom.running import noted
from rotom.server import Limits, listen
from rotom.server.drain import Drain
from rotom.service import LABEL
from rotom.state.vault import Vault, open_vault
from rotom.supervisor import LEAST_SECONDS, Supervisor
from rotom.term import Terminal
from rotom.upstream.client import make_client
from rotom.upstream.keeper import Keeper
from rotom.upstream.logins import Say
from rotom.upstream.models import ModelLists

if TYPE_CHECKING:
    from rotom.simulator import Simulator

Note = Callable[[Config, Iterable[str]], AbstractContextManager[None]]

MOST_FILES = 65536

OF_REAL_LOGINS = (
    *(
        "ROTOM_HOME",
        "ROTOM_AUTH_FILE",
        "ROTOM_PROVIDER",
        "ROTOM_KEY_",
        "ROTOM_OPENAI_",
        "ROTOM_CHATGPT_",
        "ROTOM_ENDPOINT",
        "ROTOM_GROK_",
        "ROTOM_ENDPOINT",
    ),
    "CREDENTIALS_",
)
"""Beginnings of variables that must not reach into the demonstration."""
TRIED = ("ROTOM_GROK_ORIGIN",)
"""But this says nothing of a real login, and what it does may be tried there."""


def serve(loaded: Loaded, demo: bool = False, note: Note = noted) -> int:
    """Serve until a signal says stop; the exit status.

    Arguments:
      note: is told where it listens, and that it does no longer; by default, whoever looks for a server of this home is.

    Raises:
      Problem: when it cannot start.
    """
    log = Log(sys.stderr, form_for(sys.stderr, loaded.config.log_format, os.environ), loaded.config.log_level)
    _allow_many_files()
    logging.getLogger("trio.serve_listeners").addHandler(_AcceptTrouble(log))
    return trio.run(partial(_demo if demo else _run, loaded, os.environ, log, note), strict_exception_groups=True)


def _allow_many_files() -> None:
    """Raise the soft limit on open files to the hard one: the usual soft 1024 is less than max_connections needs."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _settle() -> None:
    """Give back what the start took, once it is over: its garbage, and the memory that the C library holds for it.

    What is left lives as long as the process, so the collector need not look at it again.
    """
    await trio.sleep(1)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 20, 20)  # a short turn makes a few hundred objects, and nearly all of them die by themselves
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


class _AcceptTrouble(logging.Handler):
    """Trio says ten times a second, with a traceback, that no more connections can be accepted. One line will do."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.ERROR)
        self._log = log
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + 60
            self._log.error("no more connections can be accepted for now: too many open files")


@asynccontextmanager
async def assemble(
    config: Config,
    environ: Mapping[str, str],
    say: Say = lambda level, sentence: None,
    vault: Vault | None = None,
) -> AsyncIterator[Gateway]:
    """The gateway of a configuration; its keeper runs inside the block, so that renewals have an owner.

    Arguments:
      say: is told what a person should know, of the logins above all: (level, sentence).
      vault: where the logins are; None: as the settings say, with nobody to ask for a passphrase.

    Raises:
      Problem: for a provider that is not known; and, plain, what the block raises.
    """
    everyone = all_providers(config)
    wanted = {name: p for name, p in everyone.items() if config.provider in (None, name, *p.aliases)}
    if not wanted:
        raise no_provider(config.provider or "", everyone.values(), "config")
    async with make_client(config, environ) as client, helpers() as nursery:
        keeper = Keeper(vault or open_vault(config, environ), client, wanted, say=say)
        await nursery.start(keeper.run)
        yield Gateway(config, wanted, keeper, client, ModelLists(config, client, keeper, wanted), say, nursery)


async def _demo(loaded: Loaded, environ: MutableMapping[str, str], log: Log, note: Note) -> int:
    """Serve the simulator's accounts from a home that is gone afterwards."""
    from tempfile import TemporaryDirectory

    from rotom import simulator

    with TemporaryDirectory(prefix="rotom-demo-") as home:
        async with helpers() as nursery:
            simulated = simulator.Simulator()
            await nursery.start(simulator.serve, simulated)
            ours = {n: value for n, value in environ.items() if n in TRIED or not n.startswith(OF_REAL_LOGINS)}
            ours |= {"ROTOM_HOME": home, **simulated.environment()}
            flags = {name: value for name, value in loaded.flags.items() if name != "--auth-file"}
            here = load(flags, ours, Path(home) / "config.json")
            await _log_in(here.config, ours, simulated)
            return await _run(here, ours, log, note, demo=True)


async def _log_in(config: Config, environ: Mapping[str, str], simulated: Simulator) -> None:
    """Log in to all that is played and that there is, as `rotom login` does, with a person who consents at once."""
    from rotom.upstream.flows import play

    async def person(step: Authorize | DeviceCode) -> str:
        return simulated.consent(step.url)

    vault = open_vault(config, environ)
    async with make_client(config, environ) as client:
        for name, provider in all_providers(config).items():
            if name in simulated.plays:
                redirect = f"http://127.0.0.1:{provider.callback_ports[0]}{provider.callback_path}"
                token = await play(client, provider.login(redirect), person=person)
                await trio.to_thread.run_sync(vault.save, name, token)


async def _run(
    loaded: Loaded, environ: MutableMapping[str, str], log: Log, note: Note = noted, demo: bool = False
) -> int:
    config = loaded.config
    supervisor, handed = Supervisor(environ), listen.inherited(environ)
    addresses = listen.bound(handed) or listen.addresses(config.bind)
    rules = _rules(config, environ, addresses)
    require_key(all(address.loopback for address in addresses), rules.key)
    listeners = handed or await _opened(config, addresses)
    drain = Drain()

    def say(level: str, sentence: str) -> None:
        getattr(log, level)(sentence)

    async with assemble(config, environ, say) as gateway, helpers() as house:
        batching = Batching(gateway, log, DIALECTS)
        app = Application(gateway, batching, rules, log)
        reload = partial(_reload, loaded, environ, log, app, supervisor, addresses)
        await house.start(_signals, drain, house.cancel_scope, reload, log)
        await house.start(gateway.lists.run)
        await house.start(batching.run, drain.wait, config.grace)
        house.start_soon(_settle)
        house.start_soon(gateway.tidy)
        bound = listen.bound(listeners)
        limits = Limits(
            body=config.max_body,
            head_seconds=config.head_timeout,
            body_seconds=config.body_timeout,
            keepalive_seconds=config.keepalive_timeout,
            send_seconds=config.send_timeout,
            connections=config.max_connections,
        )
        known = await gateway.keeper.logins()
        fallback = _fallback(await gateway.catalogue(), log)
        if sys.stderr.isatty():
            used = gateway.keeper.in_use.values()
            logins = [(gateway.keeper.provider(name).title, *_owner(known[name].token)) for name in used]
            columns = Terminal(sys.stderr).columns
            print(banner(loaded, logins, fallback, bound, demo=demo, columns=columns), file=sys.stderr)
        else:
            log.notice(
                "listening",
                addresses=[f"http://{address}" for address in bound],
                providers=tuple(known) or "none",
                **({"demo": True} if demo else {}),
            )
            if not known:
                log.warning("no provider is logged in: run 'rotom login'; requests are answered 401 until then")
        if handed:
            _tell_of_binds(loaded, bound, log)
        elif config.idle_exit:
            log.info("idle_exit has no effect: the service manager does not hold the sockets")
        if handed and config.idle_exit:
            least = LEAST_SECONDS if supervisor.there else 0.0
            house.start_soon(_end_when_idle, drain, batching, config.idle_exit, least, log)
        managed = bool(handed) or supervisor.there or environ.get("XPC_SERVICE_NAME") == LABEL
        if managed:
            house.start_soon(_end_when_upgraded, app.upgraded, drain, log)
        house.start_soon(_tell_of_the_end, drain, supervisor)
        await house.start(supervisor.run, partial(_state, app, bound))
        with note(config, map(str, bound)):
            supervisor.ready()
            await listen.serve(listeners, app, limits, drain, config.grace)
        await batching.ended.wait()
    log.notice("stopped")
    return TEMPORARY if managed and not handed and app.upgraded.is_set() else OK


async def _opened(config: Config, addresses: Sequence[listen.Address]) -> list[trio.SocketListener]:
    """The listeners; where a server of this home has the address already, that is said."""
    try:
        return await listen.open_listeners(addresses)
    except Problem as problem:
        here = running.find(config) if problem.code == "bind_failed" else None
        if here is None or not {str(address) for address in addresses} & {*here.addresses}:
            raise
        message = f"rotom serves on {', '.join(here.addresses)} already, as process {here.pid}"
        raise Problem(Kind.UNAVAILABLE, message, code="bind_failed", hint="rotom status") from problem


def _rules(config: Config, environ: Mapping[str, str], addresses: Sequence[listen.Address]) -> Rules:
    hosts = {listen.Address(host, 0).host.lower() for host in config.allow_host}
    ours = {address.host.lower() for address in addresses}
    return Rules(resolve_api_key(config, environ), frozenset(hosts | ours), frozenset(config.allow_origin))


def _tell_of_binds(loaded: Loaded, bound: Sequence[listen.Address], log: Log) -> None:
    """The service manager's sockets are served, whatever the configuration wishes for: say so where that differs."""
    wanted = set(map(str, listen.addresses(loaded.config.bind)))
    if wanted != set(map(str, bound)) and loaded.sources["bind"] != "default":
        log.warning(
            f"bind ({', '.join(loaded.config.bind)}) has no effect: the service manager holds the sockets, "
            f"which are {', '.join(map(str, bound))}; 'rotom daemon reinstall' gives it the new ones"
        )


def _state(app: Application, bound: Sequence[listen.Address]) -> str:
    """What the service manager shows of us."""
    number = len(app.gateway.keeper.known)
    accounts = "no account" if not number else "1 account" if number == 1 else f"{number} accounts"
    requests = f"{app.served} requests answered" + (f", {app.running} running" if app.running else "")
    return f"{accounts}; {requests}; on {', '.join(map(str, bound))}"


async def _end_when_upgraded(upgraded: trio.Event, drain: Drain, log: Log) -> None:
    """Make way for the version whose files lie where ours did, once somebody needs what we cannot load any more. The
    service manager starts it: for the next client where it holds the sockets, and else because of our exit status."""
    await upgraded.wait()
    if not drain.begun:
        log.notice("stopping: rotom was upgraded; the service manager starts the new version")
        drain.begin()


async def _tell_of_the_end(drain: Drain, supervisor: Supervisor) -> None:
    await drain.wait()
    supervisor.stopping()


async def _end_when_idle(drain: Drain, batching: Batching, seconds: float, least: float, log: Log) -> None:
    """Begin the end once there were no clients for so long and there is nothing to do in the background.

    Arguments:
      least: seconds from now in which it does not end in any case.
    """
    await trio.sleep(least)
    while True:
        await drain.quiet(seconds)
        with suppress(Problem):  # a database that cannot be read now: later
            if not await batching.unfinished() and not drain.connections:
                log.notice(f"stopping: no client for {seconds:g} s; the service manager starts rotom for the next one")
                drain.begin()
                return
        await trio.sleep(seconds)


def _fallback(catalogue: Catalogue, log: Log) -> Model | None:
    """The fallback model. One that is not known is told and no reason to stop: the next list may have it."""
    for sentence in catalogue.lost():
        log.warning(sentence)
    try:
        return catalogue.fallback()
    except Problem as problem:
        log.warning(problem.message)
        return None


def _owner(token: Token | None) -> tuple[str | None, str | None]:
    if token is None:
        return "its login cannot be opened: see 'rotom status'", None
    return token.email, token.plan and f"plan {token.plan}"


async def _signals(
    drain: Drain,
    everything: trio.CancelScope,
    reload: partial[None],
    log: Log,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    wanted = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    with trio.open_signal_receiver(*wanted) as arriving:
        task_status.started()
        async for number in arriving:
            if hasattr(signal, "SIGHUP") and number == signal.SIGHUP:
                reload()
            elif not drain.begun:
                log.notice("stopping: running answers are finished first; a second signal ends at once")
                drain.begin()
            else:
                log.notice("stopped at once")
                everything.cancel()


def _reload(
    loaded: Loaded,
    environ: Mapping[str, str],
    log: Log,
    app: Application,
    supervisor: Supervisor,
    addresses: Sequence[listen.Address],
) -> None:
    """Take what may change while it serves: keys, allowed hosts and origins, the fallback, limits of time, the log."""
    supervisor.reloading()
    try:
        config = loaded.again(environ).config
        rules = _rules(config, environ, addresses)
        require_key(all(address.loopback for address in addresses), rules.key)
    except Problem as problem:
        log.error(f"the new configuration is not good, so the old one stays: {problem.message}")
        return
    finally:
        supervisor.ready()
    app.rules = rules
    app.gateway.reload(config)
    log.configure(form_for(sys.stderr, config.log_format, environ), config.log_level)
    log.notice("reloaded configuration and credentials")
