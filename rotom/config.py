"""The configuration: one table of settings, and where each value came from.

The table is the `Config` class: each field carries its reader, help and whether it is secret, so that the environment
names, the flags, the file's keys, `rotom config show` and the tests of the manual all come from the same lines.
Flags win over the environment, that over ``config.json``, that over defaults; an empty environment variable counts as
not set, and null in the file as not there.

What is not here: how values are read (values.py), and writing the file (cli/config.py). The running Config is never
changed: a reload makes a new one.
"""

# ruff: noqa: RUF009 - _setting() makes a dataclass field

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rotom import __version__, paths, values
from rotom.problem import Kind, Problem

VERSION = 1
"""The schema version of config.json."""

Reader = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting beside its value.

    Fields:
      name: the key in config.json and the attribute of Config.
      read: word or JSON value -> value, or ValueError with the rest of a sentence.
      help: one line for people.
      flag: the option of `rotom serve`, or None; environment: its variables, the first is its own.
      secret: never shown; filed: whether it may stand in config.json.
    """

    name: str
    read: Reader
    help: str
    default: Any = None
    flag: str | None = None
    environment: tuple[str, ...] = ()
    secret: bool = False
    filed: bool = True


def _setting(
    read: Reader, default: Any, help: str, *, flag: bool = False, secret: bool = False, also: tuple[str, ...] = ()
) -> Any:
    # A field of Config; `also` names foreign environment variables that are understood when ours is not set.
    return field(default=default, repr=not secret, metadata={"setting": (read, help, flag, secret, also)})


_hosts = values.several(values.host)
_origins = values.several(values.origin)
_addresses = values.several(values.address, empty=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting with its value. A relative `auth_file` or `key_file` lies in `home`."""

    home: Path = _setting(values.path, Path(), "the folder of everything that rotom keeps")
    auth_file: Path = _setting(values.path, Path("auth.json"), "the credentials file", flag=True)
    bind: tuple[str, ...] = _setting(_addresses, ("127.0.0.1:14550",), "addresses to listen on", flag=True)
    api_key: str | None = _setting(values.text, None, "the local key that clients must send", flag=True, secret=True)
    api_key_file: Path | None = _setting(values.path, None, "a file with the local key", flag=True)
    provider: str | None = _setting(values.word, None, "serve this provider only", flag=True)
    model_fallback: str | None = _setting(values.text, None, "the model for names that only Anthropic hosts", flag=True)
    model_small: str | None = _setting(
        values.text, None, "the model for such names that stand for a small model (haiku)", flag=True
    )
    model_aliases: tuple[str, ...] = _setting(
        values.aliases, (), "what names of models mean: NAME=MODEL each, with * for any characters in NAME"
    )
    endpoints: tuple[str, ...] = _setting(
        values.endpoints, (), "other Responses endpoints: NAME=URL each, such as local=http://127.0.0.1:8080/v1"
    )
    endpoint_models: tuple[str, ...] = _setting(
        values.endpoint_models, (), "models of endpoints that do not list them: NAME=MODEL each"
    )
    websocket: bool = _setting(values.switch, True, "serve the Responses API on WebSockets, too")
    strict: bool = _setting(values.switch, False, "refuse fields that cannot be honoured", flag=True)
    allow_host: tuple[str, ...] = _setting(_hosts, (), "further Host names that clients may use", flag=True)
    allow_origin: tuple[str, ...] = _setting(_origins, (), "web origins that may call from a browser", flag=True)
    max_body: int = _setting(values.size, 64 << 20, "the longest request body", flag=True)
    max_connections: int = _setting(values.number(1), 1024, "connections served at once")
    head_timeout: float = _setting(values.seconds(), 30.0, "seconds for a request's head to arrive")
    body_timeout: float = _setting(values.seconds(), 60.0, "seconds of silence while a request's body arrives")
    keepalive_timeout: float = _setting(values.seconds(), 300.0, "seconds an idle connection is kept")
    send_timeout: float = _setting(values.seconds(), 120.0, "seconds for a client to take what is sent")
    connect_timeout: float = _setting(values.seconds(), 15.0, "seconds to connect to a provider")
    first_byte_timeout: float = _setting(values.seconds(), 300.0, "seconds for a provider to begin its answer")
    idle_timeout: float = _setting(values.seconds(), 300.0, "seconds of silence in a provider's answer")
    upstream_transport: str = _setting(
        values.choice("auto", "http", "websocket"), "http", "how turns go to a provider that takes WebSockets"
    )
    ping_interval: float = _setting(values.seconds(), 10.0, "seconds of silence after which a client gets a ping")
    provider_concurrency: int = _setting(values.number(1), 1024, "requests in flight at a provider")
    batch_concurrency: int = _setting(values.number(1), 2, "requests of batches that run at once")
    batch_reserve: int = _setting(values.number(1, 100), 80, "percent of a rate limit at which batches pause")
    answers_bytes: int = _setting(values.size, 256 << 20, "memory for earlier answers that clients may go on from")
    answers_count: int = _setting(values.number(0), 1000, "earlier answers that are kept")
    answers_age: float = _setting(
        values.seconds(), 86400.0, "seconds an earlier answer is kept since it was last of use"
    )
    grace: float = _setting(
        values.seconds(zero=True), 25.0, "seconds that running answers get to finish at a stop", flag=True
    )
    idle_exit: float = _setting(
        values.seconds(zero=True),
        0.0,
        "seconds without clients after which a server ends whose sockets the service manager holds",
        flag=True,
    )
    log_format: str = _setting(values.choice("text", "json"), "text", "the form of log lines", flag=True)
    log_level: str = _setting(
        values.choice("debug", "info", "notice", "warning", "error"),
        "info",
        "the least important lines logged",
        flag=True,
    )
    key_source: str = _setting(
        values.choice("auto", "file", "keyring"), "auto", "where the key of the credentials file is kept"
    )
    key_file: Path | None = _setting(values.path, None, "the file with the key of the credentials file")
    ca_file: Path | None = _setting(
        values.path, None, "certificate authorities to trust, as PEM", also=("SSL_CERT_FILE",)
    )
    openai_base_url: str = _setting(
        values.url, "https://chatgpt.com/backend-api/codex", "the origin and path of the Codex service"
    )
    openai_issuer: str = _setting(values.url, "https://auth.openai.com", "the OAuth issuer of the Codex login")
    openai_originator: str = _setting(values.text, "rotom", "who we say we are to the Codex service")
    openai_user_agent: str = _setting(values.text, f"rotom/{__version__}", "the user agent sent to the Codex service")
    openai_client_version: str = _setting(
        values.text, "0.169.0", "the client version sent to the Codex service; it decides which models are offered"
    )
    grok_base_url: str = _setting(values.url, "https://api.x.ai/v1", "the address of xAI's public API")
    grok_proxy_url: str = _setting(
        values.url,
        "https://cli-chat-proxy.grok.com/v1",
        "the address of the service behind xAI's own command line client",
    )
    grok_origin: str = _setting(
        values.choice("api", "proxy", "auto"),
        "api",
        "which of the two answers: auto changes from api to proxy when refused",
    )
    grok_issuer: str = _setting(values.url, "https://auth.x.ai", "the OAuth issuer of the Grok login")
    grok_referrer: str = _setting(values.text, "rotom", "who we say we are when a Grok login is made")
    grok_plan: str = _setting(values.text, "generic", "the plan that is asked for when a Grok login is made")
    grok_user_agent: str = _setting(values.text, f"rotom/{__version__}", "the user agent sent to xAI")
    grok_client_version: str = _setting(
        values.text, "1.0.41", "the client version sent to xAI's proxy, which refuses old ones"
    )
    grok_token_auth: str = _setting(values.text, "xai-grok-cli", "the kind of token that xAI's proxy is told")

    chatgpt_base_url: str = _setting(
        values.url, "https://api.openai.com/v1", "the public API, for logins by Sign in with ChatGPT"
    )
    chatgpt_issuer: str = _setting(values.url, "https://auth.openai.com", "the issuer of Sign in with ChatGPT")

    def __post_init__(self) -> None:
        if self.home == Path():
            object.__setattr__(self, "home", paths.home(os.environ))
        for name in ("auth_file", "api_key_file", "key_file", "ca_file"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, self.home / value)


def _settings() -> dict[str, Setting]:
    table = {}
    for entry in fields(Config):
        read, help, flag, secret, also = entry.metadata["setting"]
        table[entry.name] = Setting(
            name=entry.name,
            read=read,
            help=help,
            default=entry.default,
            flag="--" + entry.name.replace("_", "-") if flag else None,
            environment=("ROTOM_" + entry.name.upper(), *also),
            secret=secret,
            filed=entry.name != "home",
        )
    return table


SETTINGS: Mapping[str, Setting] = _settings()
"""Name -> setting, in the order of Config."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where it came from.

    Fields:
      sources: name -> "flag", "environment NAME", "file PATH" or "default".
      file: the config.json that was looked for; it need not exist.
      flags: the flags it was loaded with, for the next load.
    """

    config: Config
    sources: Mapping[str, str]
    file: Path
    flags: Mapping[str, object] = field(default_factory=dict, repr=False)

    def again(self, environ: Mapping[str, str]) -> Loaded:
        """The same flags over what the environment and the file say now."""
        return load(self.flags, environ, self.file)


def load(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None) -> Loaded:
    """The configuration in force.

    Arguments:
      flags: what docopt gives (``{"--bind": "..."}``) or names (``{"bind": "..."}``); None and False are "not given",
        and keys that are no setting are left alone.
      file: another config.json than the one in the state folder.

    Raises:
      Problem: with code ``config`` when a value or the file is not good; it names the setting and the source.
    """
    given = {
        key.removeprefix("--").replace("-", "_"): value for key, value in flags.items() if value not in (None, False)
    }
    home = paths.home(environ)
    if file is None:
        file = paths.config_file(home)
    filed = read_file(file)
    result: dict[str, Any] = {"home": home}
    sources = {"home": "environment ROTOM_HOME" if environ.get("ROTOM_HOME") else "default"}
    for name, setting in SETTINGS.items():
        if not setting.filed:
            continue
        variable = next((variable for variable in setting.environment if environ.get(variable)), None)
        if setting.flag and name in given:
            result[name], sources[name] = _read(setting, given[name], f"the option {setting.flag}"), "flag"
        elif variable:
            result[name] = _read(setting, environ[variable], f"the environment variable {variable}")
            sources[name] = f"environment {variable}"
        elif filed.get(name) is not None:
            result[name], sources[name] = _read(setting, filed[name], str(file)), f"file {file}"
        else:
            sources[name] = "default"
            continue
        if isinstance(result[name], Path) and not sources[name].startswith("file "):
            result[name] = result[name].absolute()
    if filed.get("api_key"):
        paths.check_private(file, "the configuration")
    if _rank(sources["api_key_file"]) > _rank(sources["api_key"]) > 0:
        # --api-key-file on the command line means that file, whatever an older source says of a key.
        del result["api_key"]
        sources["api_key"] = "default"
    return Loaded(Config(**result), sources, file, dict(flags))


def _rank(source: str) -> int:
    return ("default", "file", "environment", "flag").index(source.partition(" ")[0])


def _read(setting: Setting, value: object, where: str) -> Any:
    try:
        return setting.read(value)
    except ValueError as exc:
        raise Problem(Kind.INVALID, f"{where}: {setting.name} {exc}", code="config", param=setting.name) from None


def read_file(file: Path) -> dict[str, Any]:
    """The settings in a config.json, not yet read one by one; empty when there is no such file.

    Raises:
      Problem: with code ``config``: not readable, not JSON, of a newer version, of another program, or an unknown key.
    """
    document = read_ours(file)
    for name in document:
        check_name(name, file)
    return document


def read_ours(file: Path) -> dict[str, Any]:
    """What a config.json of this program holds, keys that are not known among it.

    Raises:
      Problem: with code ``config``: not readable, not JSON, of a newer version, or of another program.
    """
    document = read_document(file)
    if document is None:
        return {}
    version = document.pop("version", None)
    if not isinstance(version, int) or isinstance(version, bool):
        raise Problem(
            Kind.CONFLICT,
            f"{file} is not a configuration of this program: it has no version number. The Rust program of the same "
            "name keeps such a file there; it was left as it is",
            code="config",
            hint="to keep a copy of it beside it and use what fits: rotom config reset --take-over",
        )
    if version > VERSION:
        raise Problem(
            Kind.CONFLICT,
            f"{file} was written by a newer rotom (version {version} of the file, this one knows {VERSION}); "
            "it was left as it is",
            code="config",
            hint="use the newer rotom, or point ROTOM_HOME to another folder",
        )
    return document


def read_document(file: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None when there is no file."""
    paths.check_trusted(file, "the configuration")
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise Problem(Kind.INVALID, f"{file} cannot be read: {exc.strerror}", code="config") from exc
    except (ValueError, RecursionError) as exc:
        hint = "correct it, or move it away"
        raise Problem(Kind.INVALID, f"{file} is not JSON: {exc}", code="config", hint=hint) from exc
    if not isinstance(document, dict):
        raise Problem(Kind.INVALID, f"{file} must hold a JSON object", code="config")
    return document


def check_name(name: str, file: Path | None = None) -> Setting:
    """The setting of that name, if it is one that a file may hold.

    Arguments:
      file: the one that it was found in; None: a person named it.

    Raises:
      Problem: with code ``config``, naming the nearest known one.
    """
    setting = SETTINGS.get(name)
    if setting is not None and setting.filed:
        return setting
    where = "" if file is None else f"{file}: "
    hint = "all settings: rotom config show" if file is None else f"take it out: rotom config reset {name}"
    if setting is not None:
        message = f"{where}{name} can only be set by {setting.environment[0]} in the environment"
        raise Problem(Kind.INVALID, message, code="config", param=name, hint=hint)
    from difflib import get_close_matches  # asked for seldom

    near = get_close_matches(name.lower().replace("-", "_"), [key for key, known in SETTINGS.items() if known.filed], 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    message = f"{where}there is no setting {name!r}{meant}"
    raise Problem(Kind.INVALID, message, code="config", param=name, hint=hint)


def resolve_api_key(config: Config, environ: Mapping[str, str]) -> str | None:
    """The local key that clients must send, or None when there is none.

    In order: the setting itself, the file that `api_key_file` names, the service manager's credential ``api-key`` in
    $CREDENTIALS_DIRECTORY.

    Raises:
      Problem: with code ``config`` when the file is missing, empty, or open to others.
    """
    if config.api_key is not None:
        return config.api_key
    if config.api_key_file is not None:
        paths.check_private(config.api_key_file, "the API key file")
        return _key_in(config.api_key_file)
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(folder) / "api-key"  # the service manager vouches for the modes in there
        if credential.exists():
            return _key_in(credential)
    return None


def _key_in(file: Path) -> str:
    try:
        return values.text(file.read_bytes()[:4096].decode("ascii").strip())
    except OSError as exc:
        raise Problem(Kind.INVALID, f"the API key file {file} cannot be read: {exc.strerror}", code="config") from exc
    except ValueError:
        raise Problem(
            Kind.INVALID, f"the API key file {file} must hold the key as one line of plain ASCII", code="config"
        ) from None
