"""How the value of a setting is read: a word from the command line or the environment, or a JSON value from the file.

Each reader takes either form and returns the value, or raises ValueError with the rest of a sentence that begins with
the setting's name ("bind must be ..."). Which settings there are, and where values come from, is config.py's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def text(value: object) -> str:
    """A non-empty line of visible ASCII: it may end up in a header."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("must be one line of plain ASCII")
    return value.strip()


def word(value: object) -> str:
    """A name such as a provider's, in lower case."""
    name = text(value).lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise ValueError("must be a name of letters, digits, '-', '_' and '.'")
    return name


def path(value: object) -> Path:
    """A path; ``~`` is the person's home. Relative ones are completed by config.py."""
    if not isinstance(value, Path) and (not isinstance(value, str) or not value.strip() or "\0" in value):
        raise ValueError("must be a path")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"must be a path; nobody's home is known for {str(value)!r}") from None


def choice(*words: str) -> Callable[[object], str]:
    """One of some words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value.strip().lower() in words:
            return value.strip().lower()
        raise ValueError(f"must be one of {', '.join(words)}")

    return read


def switch(value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    known = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
    found = known.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if found is None:
        raise ValueError("must be yes or no")
    return found


def aliases(value: object) -> tuple[str, ...]:
    """Names and the models that they mean, as ``NAME=MODEL`` each: a JSON object, a list, or separated by commas."""
    return several(_alias)(_pairs(value, "a model's name"))


def _alias(value: str) -> str:
    name, equals, model = (part.strip() for part in value.partition("="))
    good = re.compile(r"[\w.:/@+\[\]-]+", re.ASCII)
    if not equals or not good.fullmatch(name.replace("*", "x")) or not good.fullmatch(model):
        raise ValueError(f"must be NAME=MODEL such as claude-opus-*=gpt-6-astra, not {value!r}")
    return f"{name.lower()}={model}"


def endpoints(value: object) -> tuple[str, ...]:
    """Names and addresses, as ``NAME=URL`` each: a JSON object, a list, or separated by commas. A name counts once."""
    found = several(_endpoint)(_pairs(value, "an address"))
    names = [entry.partition("=")[0] for entry in found]
    if len(set(names)) < len(names):
        raise ValueError("must name each endpoint once")
    return found


def endpoint_models(value: object) -> tuple[str, ...]:
    """Models of endpoints, as ``NAME=MODEL`` each: a JSON object of lists, a list, or separated by commas."""
    if isinstance(value, dict):
        value = [f"{name}={model}" for name, models in value.items() for model in _listed(models)]
    return several(_endpoint_model)(value)


def _listed(models: object) -> list[object]:
    return models if isinstance(models, list) else [models]


def _endpoint(value: str) -> str:
    name, equals, address = (part.strip() for part in value.partition("="))
    if not equals or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name.lower()):
        raise ValueError(f"must be NAME=URL such as local=http://127.0.0.1:8080/v1, not {value!r}")
    try:
        return f"{name.lower()}={url(address)}"
    except ValueError as exc:
        raise ValueError(f"has a bad address for {name}: it {exc}") from None


def _endpoint_model(value: str) -> str:
    name, equals, model = (part.strip() for part in value.partition("="))
    if not equals or not name or not re.fullmatch(r"[A-Za-z0-9][\w.:/@+-]{0,127}", model, re.ASCII):
        raise ValueError(f"must be NAME=MODEL such as local=qwen3, not {value!r}")
    return f"{name.lower()}={model}"


def _pairs(value: object, what: str) -> object:
    """A JSON object of texts as a list of ``NAME=VALUE``; anything else as it is."""
    if not isinstance(value, dict):
        return value
    if not all(isinstance(inner, str) for inner in value.values()):
        raise ValueError(f"must have {what} for each name")
    return [f"{name}={inner}" for name, inner in value.items()]


def number(minimum: int, maximum: int | None = None) -> Callable[[object], int]:
    """A whole number of at least `minimum` and at most `maximum`."""

    def read(value: object) -> int:
        try:
            result = int(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
        except ValueError:
            result = None
        if result is None or result < minimum or (maximum is not None and result > maximum):
            most = "or more" if maximum is None else f"to {maximum}"
            raise ValueError(f"must be a whole number, {minimum} {most}")
        return result

    return read


def size(value: object) -> int:
    """A number of bytes: 67108864, "64M", "64MiB"; the units are powers of 1024."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 62:
        return value
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", value.strip().lower()) if isinstance(value, str) else None
    )
    bytes_ = float(match[1]) * _UNITS[match[2]] if match else 0.0
    result = int(bytes_) if bytes_ < 1 << 62 else 0
    if result <= 0:
        raise ValueError("must be a size such as 64M (bytes, or with K, M or G)")
    return result


def seconds(*, zero: bool = False) -> Callable[[object], float]:
    """A number of seconds; `zero` allows 0."""

    def read(value: object) -> float:
        try:
            result = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
        except (ValueError, OverflowError):
            result = math.nan
        if not math.isfinite(result) or result < 0 or (result == 0 and not zero):
            raise ValueError("must be a number of seconds" + (", 0 or more" if zero else " above 0"))
        return result

    return read


def several(one: Callable[[str], str], *, empty: bool = True) -> Callable[[object], tuple[str, ...]]:
    """Values separated by commas, or a JSON list of them; each is read by `one`, doubles count once."""

    def read(value: object) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
            raise ValueError("must be a list, or values separated by commas")
        result = tuple(dict.fromkeys(one(part.strip()) for part in parts if part.strip()))
        if not result and not empty:
            raise ValueError("must name at least one")
        return result

    return read


def address(value: str) -> str:
    """A place to listen: ``127.0.0.1:14550``, ``[::1]:14550``, ``localhost:14550`` or ``192.168.1.0/24:14550``."""
    host, colon, port = value.rpartition(":")
    try:
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError
        if host.startswith("[") and host.endswith("]"):
            ip_address(host[1:-1].partition("%")[0])
        elif "/" in host:
            if ip_network(host, strict=False).version != 4:
                raise ValueError
        elif not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host):
            raise ValueError
        elif re.fullmatch(r"[0-9.]+", host):
            ip_address(host)
    except ValueError:
        raise ValueError(
            f"must be HOST:PORT such as 127.0.0.1:14550, [::1]:14550 or 192.168.1.0/24:14550, not {value!r}"
        ) from None
    return value


def host(value: str) -> str:
    """A name or address by which clients may call this server, in lower case and without a port: it holds for any."""
    name = value.lower().removesuffix(".")
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", name):
            raise ValueError(f"must be host names such as box.lan, without a port, not {value!r}") from None
    return name


def origin(value: str) -> str:
    """A web origin as browsers send it: scheme, host and port, no path."""
    try:
        parts = urlsplit(value.lower())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"must be origins such as https://app.example.org, without a path, not {value!r}")
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(name: str) -> bool:
    """Whether a host name or address stands for this machine itself."""
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def url(value: object) -> str:
    """The base of a provider's addresses: https, or plain http to this machine; without a slash at the end."""
    address = text(value)
    try:
        parts = urlsplit(address)
        name = parts.hostname or ""
        parts.port  # noqa: B018  # raises ValueError when it is no number
    except ValueError:
        name, parts = "", urlsplit("")
    if not name or parts.scheme not in {"http", "https"}:
        raise ValueError("must be an https:// URL")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be a URL without user, query and fragment")
    if parts.scheme == "http" and not is_loopback(name):
        raise ValueError(
            "must be https:// (plain http would show the login to the network; it is allowed to loopback only)"
        )
    return address.rstrip("/")
