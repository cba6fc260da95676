"""Modules that are loaded when something of them is used."""

import ast
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rotom
from rotom.problem import Problem
from rotom.seldom import Seldom

HERE = Path(rotom.__file__).parent


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that can be imported and is not."""
    (tmp_path / "seldom_used.py").write_text("VALUE = [1]\ndef double(n): return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "seldom_used"
    sys.modules.pop("seldom_used", None)


def test_it_is_the_module_from_the_first_use_on(module):
    seldom = Seldom(module)
    assert module not in sys.modules
    assert seldom.double(2) == 4
    assert seldom.VALUE is sys.modules[module].VALUE
    sys.modules[module].VALUE = [2]
    assert seldom.VALUE == [2]
    assert repr(seldom) == "Seldom('seldom_used')"


def test_what_is_not_there_is_an_ordinary_error(module):
    with pytest.raises(AttributeError, match="has no attribute 'triple'"):
        _ = Seldom(module).triple
    with pytest.raises(ModuleNotFoundError, match="no_such_module_here"):
        _ = Seldom("no_such_module_here").double


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ('"""Newer."""\n\n__version__ = "99.0"\n', "its files are version 99.0 now"),
        (None, "its files are gone"),
    ],
)
def test_files_of_another_version_are_not_loaded(tmp_path, monkeypatch, module, now, said):
    if now is not None:
        (tmp_path / "__init__.py").write_text(now)
    monkeypatch.setattr("rotom.seldom.__file__", str(tmp_path / "seldom.py"))
    with pytest.raises(Problem, match=said) as told:
        _ = Seldom(module if now is not None else "no_such_module_here").double
    assert (told.value.code, told.value.hint) == ("upgraded", "rotom daemon restart")
    (tmp_path / "__init__.py").write_text(f'__version__ = "{rotom.__version__}"\n')
    assert Seldom(module).double(2) == 4


def test_where_no_version_can_be_read_nothing_is_said(tmp_path, monkeypatch, module):
    monkeypatch.setattr("rotom.seldom.__file__", str(tmp_path / "archive.pyz" / "seldom.py"))
    (tmp_path / "archive.pyz").write_bytes(b"PK")
    assert Seldom(module).double(2) == 4


def test_two_threads_that_need_it_at_once(module):
    seldom, got, together = Seldom(module), [], threading.Barrier(8)

    def use():
        together.wait()
        got.append(seldom.double(3))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [6] * 8


def test_types_and_layers_are_checked_for_what_is_really_loaded():
    found = 0
    for path in HERE.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and node.orelse):
                continue
            imported = {}
            for said in node.body:
                assert isinstance(said, ast.ImportFrom), path
                imported |= {alias.asname or alias.name: f"{said.module}.{alias.name}" for alias in said.names}
            for line in node.orelse:
                match line:
                    case ast.Assign(
                        targets=[ast.Name(id=name)],
                        value=ast.Call(func=ast.Name(id="Seldom"), args=[ast.Constant(value=module)]),
                    ):
                        assert imported.pop(name) == module, path
                        found += 1
                    case _:
                        raise AssertionError(f"{path}:{line.lineno}: only a Seldom stands beside an import")
            modules = {name for name in imported.values() if not name.rpartition(".")[2][0].isupper()}
            assert not modules, f"{path}: {modules} are never loaded"
    assert found


def test_making_every_provider_loads_none_of_their_parts():
    code = (
        "import sys\n"
        "from rotom.config import Config\n"
        "from rotom.providers.registry import all_providers\n"
        "for provider in all_providers(Config()).values(): provider.builtin, provider.images, provider.speech\n"
        "print(*(name for name in sys.modules if name.startswith('rotom.providers.')))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    parts = {name.removeprefix("rotom.providers.").partition("_")[2] for name in loaded}
    assert parts <= {"", "identity", "models", "origins"}, parts
