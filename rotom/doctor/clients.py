"""The clients on this machine: Claude Code and the Codex CLI. Which version, and whether their settings lead here.

Their files are read and never changed, and what is secret in them is compared and never told. Facts as tried with Claude
Code 2.1.330 and Codex CLI 0.169 (2026-11).

What is not here: starting them with everything set (`rotom launch`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rotom.catalogue import Catalogue
from rotom.claude_settings import LARGEST, variables
from rotom.claude_settings import documents as claude_documents
from rotom.config import resolve_api_key
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, warn
from rotom.doctor.python import numbers
from rotom.exits import CONFIG
from rotom.problem import Problem
from rotom.providers.loose import object_in
from rotom.running import Running
from rotom.server import listen
from rotom.sse import Json
from rotom.values import is_loopback

CLAUDE_TRIED, CODEX_TRIED = "2.1.330", "0.169.0"
VERSION_SECONDS = 10.0
WINDOW, COMPACT = "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_AUTO_COMPACT_WINDOW"
ELSEWHERE = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""Variables that make Claude Code ask another service, whatever its base URL is."""

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Names as variables usually have them."""

READ = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_MODEL",
    WINDOW,
    COMPACT,
    *ELSEWHERE,
)


def check(case: Case, running: Running | None, catalogue: Catalogue | None) -> list[Finding]:
    """Everything of this subject."""
    return [*claude(case, running, catalogue), *codex(case, running)]


# Claude Code -----------------------------------------------------------------------------------------------------------


def claude_settings(case: Case) -> list[tuple[Path, Mapping[str, Any]]]:
    """Claude Code's settings files that have a say where this was called."""
    with suppress(OSError):  # there may be no working folder any more
        return list(claude_documents({**case.environ, "HOME": str(case.person)}, Path.cwd()))
    return []


def claude_variables(case: Case) -> dict[str, tuple[str, str]]:
    """Variable -> (its value for Claude Code, where that comes from). Its settings win over the shell."""
    found = {name: (value, "the shell") for name in READ if (value := case.environ.get(name))}
    for path, document in claude_settings(case):
        for name, said in variables(document).items():
            if name in READ and isinstance(said, str | int | float):
                found[name] = (str(said), str(path))
    return {name: pair for name, pair in found.items() if pair[0]}


def claude(case: Case, running: Running | None, catalogue: Catalogue | None) -> Iterator[Finding]:
    """Claude Code."""
    found = claude_variables(case)
    yield _version(case, "claude", "Claude Code", CLAUDE_TRIED)
    for path, document in claude_settings(case):
        if document.get("apiKeyHelper"):
            yield warn("claude.helper", f"apiKeyHelper in {path} gives Claude Code another key", "take it out of there")
    url, where = found.get("ANTHROPIC_BASE_URL", ("", ""))
    if not url and shutil.which("claude", path=case.environ.get("PATH", "")) is None:
        return
    if not url:
        yield skip(
            "claude.url", "Claude Code is not set to use rotom here", "rotom launch claude, or: rotom env claude"
        )
        return
    yield _claude_url(case, running, url, where)
    for name in ELSEWHERE:
        if name in found and found[name][0].lower() not in ("0", "false", "no"):
            yield fail(
                "claude.elsewhere",
                f"{name} ({found[name][1]}) makes Claude Code ask another service",
                f"unset {name}",
                CONFIG,
            )
    yield from _claude_key(case, found)
    yield from _claude_window(found, catalogue)


def _claude_url(case: Case, running: Running | None, url: str, where: str) -> Finding:
    check, right = "claude.url", f"export ANTHROPIC_BASE_URL={_here(case, running)}"
    if re.search(r"/v1/*$", url):
        return fail(check, f"ANTHROPIC_BASE_URL ({where}) ends in /v1: Claude Code adds that itself", right, CONFIG)
    match _leads(case, running, url):
        case "here":
            return ok(check, f"Claude Code asks this rotom ({where})")
        case "tls":
            return fail(
                check,
                f"ANTHROPIC_BASE_URL ({where}) begins with https, and rotom speaks plain http here",
                right,
                CONFIG,
            )
        case "port":
            return warn(check, f"ANTHROPIC_BASE_URL ({where}) leads to another port than this rotom's", right)
        case _:
            return warn(check, f"ANTHROPIC_BASE_URL ({where}) leads to another machine", f"for this one: {right}")


def _claude_key(case: Case, found: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    token = found.get("ANTHROPIC_AUTH_TOKEN")
    other = found.get("ANTHROPIC_API_KEY")
    wanted = _local_key(case)
    if other is not None:
        yield warn(
            "claude.key",
            f"ANTHROPIC_API_KEY ({other[1]}) is sent, too" + (", and must be the local key then" if wanted else ""),
            "unset ANTHROPIC_API_KEY; ANTHROPIC_AUTH_TOKEN is enough",
        )
    if token is None and other is None:
        advice = "export ANTHROPIC_AUTH_TOKEN=" + ("the local key" if wanted else "rotom")
        yield fail(
            "claude.token", "ANTHROPIC_AUTH_TOKEN is not set: Claude Code asks for a login instead", advice, CONFIG
        )
    elif token is not None and wanted and token[0] != wanted:
        yield fail(
            "claude.token",
            f"ANTHROPIC_AUTH_TOKEN ({token[1]}) is not rotom's local key",
            "set it to the value of api_key; rotom config show says where that is",
            CONFIG,
        )
    elif token is not None:
        yield ok(
            "claude.token", f"ANTHROPIC_AUTH_TOKEN is set ({token[1]})" + (" and is the local key" if wanted else "")
        )


def _claude_window(found: Mapping[str, tuple[str, str]], catalogue: Catalogue | None) -> Iterator[Finding]:
    """The model, and how much it holds: for one that it does not know, Claude Code takes a million tokens for granted."""
    model = None
    name, where = found.get("ANTHROPIC_MODEL", ("", ""))
    if catalogue is not None:
        try:
            model = catalogue.resolve(name) if name else catalogue.fallback()
        except Problem as problem:
            yield warn("claude.model", f"ANTHROPIC_MODEL ({where}): {problem.message}", "rotom models")
        else:
            if name:
                yield ok("claude.model", f"Claude Code's model {name} is {model.id} of {model.provider}")
    size = model.context if model is not None and model.context else 272_000
    given = found.get(WINDOW) or found.get(COMPACT)
    if given is None:
        yield warn(
            "claude.window",
            f"{WINDOW} is not set: Claude Code would compact its conversation too late",
            f"export {WINDOW}={size}",
        )
    elif not given[0].isdigit():
        yield warn("claude.window", f"{WINDOW} ({given[1]}) is no number", f"export {WINDOW}={size}")
    elif model is not None and model.context and int(given[0]) > (model.max_context or model.context):
        yield warn(
            "claude.window", f"{WINDOW} is more than {model.id} holds ({size} tokens)", f"export {WINDOW}={size}"
        )
    else:
        yield ok("claude.window", f"Claude Code knows how much its model holds: {given[0]} tokens")


# Codex CLI -------------------------------------------------------------------------------------------------------------


def codex(case: Case, running: Running | None) -> Iterator[Finding]:
    """The Codex CLI."""
    yield _version(case, "codex", "Codex CLI", CODEX_TRIED)
    folder = case.environ.get("CODEX_HOME")
    path = (Path(folder) if folder else case.person / ".codex") / "config.toml"
    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= LARGEST):
            raise ValueError
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        yield fail(
            "codex.file", f"{path} cannot be read as TOML: Codex CLI does not start with it", "correct it", CONFIG
        )
        return
    chosen = document.get("model_provider")
    entry = object_in(object_in(document.get("model_providers")).get(chosen)) if isinstance(chosen, str) else {}
    if not entry and isinstance(document.get("openai_base_url"), str):
        entry = {"base_url": document["openai_base_url"], "wire_api": "responses"}
    url = entry.get("base_url")
    if not isinstance(url, str) or not url:
        yield skip("codex.url", "Codex CLI is not set to use rotom", "rotom launch codex")
        return
    yield from _codex_entry(case, running, entry, url, path)


def _codex_entry(case: Case, running: Running | None, entry: Json, url: str, path: Path) -> Iterator[Finding]:
    right = f'base_url = "{_here(case, running)}/v1"'
    leads = _leads(case, running, url)
    if leads == "elsewhere":
        yield skip("codex.url", f"Codex CLI asks another machine ({path})", f"for this one: {right}")
        return
    if leads == "tls":
        yield fail(
            "codex.url", f"base_url in {path} begins with https, and rotom speaks plain http here", right, CONFIG
        )
    elif leads == "port":
        yield warn("codex.url", f"base_url in {path} leads to another port than this rotom's", right)
    elif urlsplit(url).path.rstrip("/") not in ("/v1", ""):
        yield fail("codex.url", f"base_url in {path} leads to a path that rotom does not have", right, CONFIG)
    else:
        yield ok("codex.url", f"Codex CLI asks this rotom ({path})")
    if entry.get("wire_api", "chat") != "responses":
        yield fail("codex.wire", f"wire_api in {path} must be responses", 'wire_api = "responses"', CONFIG)
    wanted, variable = _local_key(case), entry.get("env_key")
    if wanted and not isinstance(variable, str) and "experimental_bearer_token" not in entry:
        yield fail(
            "codex.key", f"rotom wants its local key, and {path} names no env_key", 'env_key = "ROTOM_API_KEY"', CONFIG
        )
    elif isinstance(variable, str):
        value = case.environ.get(variable)
        if not value and _VARIABLE.fullmatch(variable) is None:  # not repeated: it may be the key
            sentence = f"env_key in {path} is not the name of a variable; the key itself does not belong there"
            yield fail("codex.key", sentence, 'env_key = "ROTOM_API_KEY"', CONFIG)
        elif not value:
            yield warn("codex.key", f"{variable}, which env_key names, is not set here", f"export {variable}=...")
        elif wanted and value != wanted:
            yield fail("codex.key", f"{variable} is not rotom's local key", "set it to the value of api_key", CONFIG)


# Both ------------------------------------------------------------------------------------------------------------------


def _version(case: Case, program: str, title: str, tried: str) -> Finding:
    check = f"{program}.version"
    path = shutil.which(program, path=case.environ.get("PATH", ""))
    if path is None:
        return skip(check, f"{title} is not on PATH")
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            timeout=VERSION_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(case.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return warn(check, f"{title} does not say its version", f"try: {program} --version")
    match = re.search(rb"\d+\.\d+\.\d+", done.stdout)
    if match is None:
        return warn(check, f"{title} does not say its version", f"try: {program} --version")
    version = match[0].decode()
    if numbers(version) < numbers(tried):
        return warn(check, f"{title} {version} is older than what rotom was tried with ({tried})", f"update {title}")
    return ok(check, f"{title} {version}")


def _local_key(case: Case) -> str | None:
    try:
        return resolve_api_key(case.config, case.environ)
    except Problem:
        return None  # told with the settings


def _addresses(case: Case, running: Running | None) -> list[tuple[str, int]]:
    """Where this rotom listens, or would."""
    texts = list(running.addresses) if running is not None else list(case.config.bind)
    with suppress(Problem):
        return [(address.host, address.port) for address in listen.addresses(texts)]
    return [("127.0.0.1", listen.DEFAULT_PORT)]


def _here(case: Case, running: Running | None) -> str:
    found = _addresses(case, running)
    port = next((port for host, port in found if is_loopback(host)), found[0][1] if found else listen.DEFAULT_PORT)
    return f"http://127.0.0.1:{port}"


def _leads(case: Case, running: Running | None, url: str) -> str:
    """Where an address leads: "here", "port" (another one of this machine), "tls" (here, but not by https), "elsewhere"."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "elsewhere"
    known = _addresses(case, running)
    named = [(other, number) for other, number in known if other == host or other in ("0.0.0.0", "::")]  # noqa: S104
    here = is_loopback(host) or bool(named) or host in case.config.allow_host
    if not here:
        return "elsewhere"
    if port not in {number for _, number in known}:
        return "port"
    return "tls" if parts.scheme == "https" else "here"
