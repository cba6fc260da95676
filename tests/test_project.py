"""The project as a whole: what points where, what is written where, and that the papers say what the program does."""

import ast
import configparser
import importlib
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rotom
from rotom import cli, exits
from rotom.cli import usage
from rotom.cli.completion import FILES
from rotom.config import SETTINGS
from rotom.providers import Token, Window
from rotom.status import LoginStatus, document

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rotom"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Imports ---------------------------------------------------------------------------------------------------------------

CORE = (
    *(
        "problem",
        "seldom",
        "accounts",
        "receipt",
        "turn",
        "sse",
        "elements",
        "multipart",
        "drawing",
        "fold",
        "catalogue",
        "tokens",
        "config",
        "values",
        "paths",
    ),
    *("log", "term", "exits"),
)
EVERYTHING = ("",)
MAY_IMPORT = {
    # part: (parts of rotom, other packages)
    **dict.fromkeys(CORE, (CORE, ())),
    "plain": (("problem",), ("trio",)),
    "wire": (("problem",), ("trio",)),
    "dialects": ((*CORE, "dialects"), ()),
    "providers": ((*CORE, "providers"), ()),
    "status": ((*CORE, "providers"), ()),
    "supervisor": ((), ("trio",)),
    "running": ((*CORE, "state"), ()),
    "service": ((*CORE, "running", "state"), ()),
    "state": ((*CORE, "providers", "state"), ("cryptography",)),
    "server": (("problem", "sse", "plain", "wire", "server"), ("h11", "trio", "trio_websocket")),
    "upstream": (
        (*CORE, "plain", "wire", "providers", "state", "upstream"),
        ("h11", "httpx", "trio", "trio_websocket", "cryptography"),
    ),
    "places": ((), ("trio",)),
    "clients": ((), ()),
    "claude_settings": ((), ()),
    "shells": ((*CORE, "clients"), ()),
    "mdoc": ((), ()),
    "manual": (("installation", "mdoc", "term"), ()),
    "installation": ((), ()),
    "gateway": ((*CORE, "places", "plain", "providers", "state", "status", "upstream"), ("httpx", "trio")),
    "batching": ((*CORE, "plain", "dialects", "gateway", "state"), ("trio",)),
    "routes": (
        (*CORE, "batching", "plain", "dialects", "gateway", "providers", "server", "state", "status", "routes"),
        ("trio",),
    ),
    "simulator": ((*CORE, "plain", "server", "simulator"), ("trio", "h11", "trio_websocket", "docopt", "cryptography")),
    "banner": (EVERYTHING, ()),
    "serve": (EVERYTHING, ("trio",)),
    "doctor": (EVERYTHING, ("trio", "httpx", "h11", "trio_websocket")),
    "cli": (EVERYTHING, ("docopt", "trio", "httpx")),
    "__main__": (("cli",), ()),
}
"""Who may import whom: parts that stand higher import what is below them, never the other way round. `server` never heard
of a model, `upstream` never heard of a client, and everything that translates works without trio."""


def imports(path):
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *([base] if base else [])]
                )
            if base == "rotom":
                yield from (f"rotom.{alias.name}" for alias in node.names)
            else:
                yield base


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downwards(path):
    part = name_of(path).partition(".")[2].partition(".")[0]
    if not part:
        assert list(imports(path)) == [], "setup.cfg reads the version from it"
        return
    ours, others = MAY_IMPORT[part]
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "rotom":
            target = rest.split(".")[0]
            assert ours == EVERYTHING or target in (*ours, part, "__version__"), f"{name_of(path)} imports {name}"
        elif top not in sys.stdlib_module_names:
            assert top in others, f"{name_of(path)} imports {name}"


def test_nothing_that_windows_lacks_is_imported_by_loading_a_module():
    lacking = {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "readline", "syslog"}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not lacking & set(names), name_of(path)


# Papers ----------------------------------------------------------------------------------------------------------------


def plain(page):
    """A man page without what only mdoc needs, so that words can be looked for."""
    text = (ROOT / "man" / page).read_text(encoding="utf-8")
    return re.sub(r"\\&", "", text)


COMMANDS_PAGE, SETTINGS_PAGE, ROUTES_PAGE = "rotom.1", "rotom-config.5", "rotom-api.7"
PAGES_OF_COMMANDS = {"daemon": "rotom-daemon.1"}
"""Commands that have a page of their own."""


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_and_option_is_in_the_manual(command):
    doc = importlib.import_module(f"rotom.cli.{command}").__doc__ or ""
    text = plain(COMMANDS_PAGE)
    assert re.search(rf"^\.It Cm {command}\b", text, re.MULTILINE)
    section = re.split(rf"^\.It Cm {command}\b", text, flags=re.MULTILINE)[1]
    if command in PAGES_OF_COMMANDS:
        text = section = plain(PAGES_OF_COMMANDS[command])
    for option in usage.options(doc):
        if option in ("-h", "--help"):
            continue
        assert re.search(rf"Fl {re.escape(option[1:])}\b", text), f"{command} {option}"
        if option != "--auth-file":  # said once, for all
            assert re.search(rf"Fl {re.escape(option[1:])}\b", section), f"{command} {option} in its own section"
    for verb in re.findall(rf"^\s+rotom {command} ([a-z][a-z-]*)", doc, re.MULTILINE):
        assert re.search(rf"^\.It Cm {verb}\b", section, re.MULTILINE), f"{command} {verb}"


def test_the_manual_names_no_option_that_does_not_exist():
    known = {"-V", "--version", "-h", "--help"}
    for command in cli.COMMANDS:
        known |= set(usage.options(importlib.import_module(f"rotom.cli.{command}").__doc__ or ""))
    for page in (COMMANDS_PAGE, SETTINGS_PAGE, ROUTES_PAGE, *PAGES_OF_COMMANDS.values()):
        assert {f"-{flag}" for flag in re.findall(r"\bFl (-?[A-Za-z][a-z-]*)", plain(page))} <= known, page


@pytest.mark.parametrize("file", FILES.values())
def test_the_completions_name_every_command_verb_option_and_setting_and_nothing_else(file):
    text = (PACKAGE / "completions" / file).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^\s*#.*", "", text)
    docs = {command: importlib.import_module(f"rotom.cli.{command}").__doc__ or "" for command in cli.COMMANDS}
    known = {"--version"}
    for command, doc in docs.items():
        known |= {option for option in usage.options(doc) if option.startswith("--")}
        for verb in (command, *re.findall(rf"^\s+rotom {command} ([a-z][a-z-]*)", doc, re.MULTILINE)):
            assert re.search(rf"(?<![\w-]){verb}(?![\w-])", text), verb
    for setting in SETTINGS.values():
        assert not setting.filed or re.search(rf"\b{setting.name}\b", text), setting.name
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    named |= {f"--{name}" for name in re.findall(r"(?m)^complete .* -l (\S+)", text)}
    assert named == known


def test_serve_has_every_flag_that_a_setting_has():
    doc = importlib.import_module("rotom.cli.serve").__doc__ or ""
    assert {setting.flag for setting in SETTINGS.values() if setting.flag} <= set(usage.options(doc))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_is_in_the_manual_with_its_variable_flag_and_default(setting):
    text = plain(SETTINGS_PAGE)
    names = [f"Ev {' , '.join(setting.environment)}"]
    if setting.flag:
        names.append(f"Fl {setting.flag[1:]}")
    head = f".It Cm {setting.name} Pq {' , '.join(names)}"
    assert f"{head}\n" in text
    body = text.split(f"{head}\n")[1].split("\n.It ")[0].split("\n.Ss ")[0]
    default = setting.default
    assert "Default:" in body
    if isinstance(default, bool):
        assert f"Default: {'yes' if default else 'no'}." in body
    elif isinstance(default, float | int):
        shown = f"{default // (1 << 20)}M" if setting.name in ("max_body", "answers_bytes") else f"{default:g}"
        assert f"Default: {shown}." in body
    elif isinstance(default, str) and "/" + rotom.__version__ not in default:
        assert default in body.split("Default:")[1]


def test_the_manual_names_no_setting_that_does_not_exist():
    heads = re.findall(r"^\.It Cm ([a-z_]+) Pq", plain(SETTINGS_PAGE), re.MULTILINE)
    assert heads
    assert set(heads) == set(SETTINGS)
    assert len(heads) == len(set(heads))


def test_every_variable_that_is_read_is_in_the_manual():
    text = "".join(map(plain, (COMMANDS_PAGE, SETTINGS_PAGE, *PAGES_OF_COMMANDS.values())))
    of_settings = {variable for setting in SETTINGS.values() for variable in setting.environment}
    for path in MODULES:
        if "simulator" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        for name in re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z][A-Z0-9_]+)\"", source):
            if name not in {"HOME", "PATH", "WT_SESSION"} | of_settings:
                assert re.search(rf"\b{name}\b", text), f"{name_of(path)} reads {name}"


FILE = re.compile(r"[\w.@-]+\.(?:json|toml|db|log|env|conf|service|socket|plist)|api-key")
OTHERS_FILES = {
    *("settings.json", "settings.local.json", "managed-settings.json", "config.toml"),  # of clients, which are read
    *("pipx_metadata.json", "uv-receipt.toml", "direct_url.json"),  # of installers
}


def test_every_file_is_in_the_manual():
    pages = [plain(page) for page in (COMMANDS_PAGE, *PAGES_OF_COMMANDS.values())]
    sections = "".join(page.split(".Sh FILES")[1].split(".Sh ")[0] for page in pages if ".Sh FILES" in page)
    listed = re.findall(r"^\.(?:It )?Pa (\S+)", sections, re.MULTILINE)
    named = set()
    for path in MODULES:
        if "simulator" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and FILE.fullmatch(node.value):
                named.add(node.value)
    assert {"auth.json", "serve.json", "rotom.db", "rotom.service", "daemon.env", "api-key"} <= named
    assert {name for name in named - OTHERS_FILES if not any(one.endswith("/" + name) for one in listed)} == set()


def test_every_exit_status_is_in_the_manual_with_its_meaning():
    section = plain(COMMANDS_PAGE).split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    listed = dict(re.findall(r"^\.It (\d+)\n(.*)\n", section, re.MULTILINE))
    assert {int(number) for number in listed} == set(exits.MEANINGS)
    for number, meaning in exits.MEANINGS.items():
        assert meaning.split(",")[0].split(":")[0].lower() in " ".join(listed[str(number)].lower().split())


def test_every_signal_is_in_the_manual():
    source = (PACKAGE / "serve.py").read_text(encoding="utf-8")
    section = plain(COMMANDS_PAGE).split(".Sh SIGNALS")[1].split(".Sh ")[0]
    signals = set(re.findall(r"\bsignal\.(SIG[A-Z]+[0-9]*)\b", source))
    assert signals >= {"SIGTERM", "SIGINT", "SIGHUP"}
    assert signals <= set(re.findall(r"SIG[A-Z]+[0-9]*", section))


def test_every_route_is_in_the_manual_and_no_other():
    from rotom.routes import routes

    table = {(route.method, re.sub(r"\{.*", "", route.path)) for route in routes(None, SimpleNamespace(store=None))}
    section = plain(ROUTES_PAGE).split(".Ss Routes")[1].split(".Ss ")[0]
    listed = set(re.findall(r"^\.It Li (GET|POST|DELETE) (\S+)", section, re.MULTILINE))
    assert listed == table


def test_the_status_document_is_in_the_manual_as_it_is():
    section = plain(ROUTES_PAGE).split(".Ss Status")[1]
    shown = json.loads(section.split(".Bd -literal -offset indent\n")[1].split(".Ed")[0])
    token = Token("x", expires_at=2.0, account_id="a", email="e", plan="plus")
    true = document([LoginStatus("openai", "t", token, (Window(300, 37.0, 2.0),), 1.0)], 1.0)
    assert list(shown) == list(true)
    for name in ("token", "account"):
        assert list(shown[name]) == list(true[name])
    assert list(shown["windows"][0]) == list(true["windows"][0])
    assert list(shown["providers"][0]) == list(true["providers"][0])


def test_the_news_begin_with_this_version():
    titles = re.findall(r"^(\d+\.\d+\.\d+)\b.*\n-+$", (ROOT / "NEWS.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert titles[0] == rotom.__version__


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("debian/changelog", r"^rotom \((\S+)-0rotom1\)"),
        ("rpm/rotom.spec", r"^Version: +(\S+)$"),
        ("arch/PKGBUILD", r"^pkgver=(\S+)$"),
    ],
)
def test_the_packagings_are_of_this_version(file, pattern):
    found = re.search(pattern, (ROOT / "contrib" / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found[1] == rotom.__version__


def test_the_packagings_need_the_six_packages():
    spec = (ROOT / "contrib/arch/PKGBUILD").read_text(encoding="utf-8")
    wanted = re.search(r"^depends=\(python (.*)\)$", spec, re.MULTILINE)[1].split()
    six = ("cryptography", "docopt-ng", "h11", "httpx", "trio", "trio-websocket")
    assert sorted(wanted) == [f"python-{name}" for name in six]
    control = (ROOT / "contrib/debian/control").read_text(encoding="utf-8")
    assert all(f" python3-{name} <!nocheck>" in control for name in six)


def test_the_runtime_needs_six_packages_and_no_other():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = re.findall(r"^([a-z0-9-]+) >=", setup["options"]["install_requires"], re.MULTILINE)
    assert sorted(wanted) == ["cryptography", "docopt-ng", "h11", "httpx", "trio", "trio-websocket"]
    assert setup["metadata"]["license"] == "LGPL-3.0-only"


def test_the_readme_has_the_two_commands():
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    assert "    python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/rotom serve --demo\n" in readme
    assert re.search(
        r"^    python3 -m venv \.venv && \.venv/bin/pip install -e '\.\[test\]' && .*pytest", readme, re.MULTILINE
    )


# Sources ---------------------------------------------------------------------------------------------------------------


def written():
    tops = ("rotom", "tests", "man", "contrib", ".ci")
    for top in tops:
        yield from (path for path in (ROOT / top).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    yield from (path for path in ROOT.iterdir() if path.suffix in (".rst", ".cfg", ".toml"))


def test_no_file_names_the_machine_it_was_written_on():
    here = str(ROOT)
    for path in written():
        assert here not in path.read_text(encoding="utf-8", errors="replace"), path


def test_nothing_is_left_for_later():
    for path in MODULES:
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text(encoding="utf-8")), name_of(path)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


TESTED_ELSEWHERE = {
    "rotom": "test_project",
    "rotom.__main__": "cli.test_init",
    "rotom.problem": "cli.test_init",
    "rotom.paths": "test_config",
    "rotom.gateway.answer": "gateway.test_gateway",
    "rotom.simulator.codex": "simulator.test_simulator",
    "rotom.gateway.asking": "gateway.test_gateway",
    "rotom.batching.forms": "batching.test_openai",
    "rotom.batching.pauses": "batching.test_batching",
    "rotom.routes.relay": "routes.test_generate",
    "rotom.gateway.speech": "routes.test_speech",
    "rotom.upstream.handshake": "upstream.test_duplex",
    "rotom.doctor.contract.command": "cli.test_doctor",
    "rotom.exits": "cli.test_init",
    "rotom.cli.usage": "cli.test_init",
    "rotom.cli.setup": "cli.test_env",
}
"""Module -> the test that covers it, where that is not the one of its own name."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_has_its_test(path):
    name = name_of(path)
    tests = ROOT / "tests"
    if name in TESTED_ELSEWHERE:
        assert (tests / (TESTED_ELSEWHERE[name].replace(".", "/") + ".py")).is_file(), name
        return
    *folders, last = name.split(".")[1:]
    if path.name == "__init__.py":
        found = list(tests.joinpath(*folders, last).glob("**/test_*.py"))
    else:
        stem = last.split("_")  # openai_dress.py may be covered by test_openai.py, which tests the parts as one
        found = [tests.joinpath(*folders, f"test_{'_'.join(stem[:n])}.py") for n in range(1, len(stem) + 1)]
    assert any(test.is_file() for test in found), f"{name} has no test in tests/{'/'.join(folders)}"
