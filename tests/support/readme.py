"""The commands and settings that README.rst tells people to paste, and where each is tried."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.rst"

PROGRAMS = (
    r"(?:\.venv/bin/|\.ci/|rotom |pipx |uv |claude |codex |npm |man "
    r"|echo |openssl |pytest |eval |curl |export |loginctl )"
)


def blocks():
    """The literal blocks, without their indent."""
    text = README.read_text(encoding="utf-8")
    found = re.findall(r"::\n\n((?:(?:    .*)?\n)+)", text)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() for block in found]


def settings():
    """The blocks that are TOML, as tables."""
    return [table for block in blocks() if (table := _toml(block)) is not None]


def _toml(block):
    try:
        return tomllib.loads(block)
    except tomllib.TOMLDecodeError:
        return None


def commands():
    """The commands of the other blocks, and those in sentences."""
    text = README.read_text(encoding="utf-8")
    shell = [block for block in blocks() if _toml(block) is None and "─" not in block]
    found = re.findall(r"# fish: (.*)", text)
    found += [re.sub(r"\s+# .*", "", line) for block in shell for line in block.splitlines() if line]
    found += [words for words in re.findall(r"``([^`]+)``", text) if re.match(PROGRAMS, words)]
    return list(dict.fromkeys(found))


WHERE = {
    # command: "here" (tests/cli/test_readme.py), "clients" (tests/clients/test_readme.py), or the file that has it run
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/rotom serve --demo": ".ci/run",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest -q -n 2": ".ci/run",
    "npm install -g @anthropic-ai/claude-code": ".ci/clients",
    ".ci/run": "itself",
    ".ci/full": "itself",
    "pytest -m slow tests/clients": ".ci/full",
    "export ANTHROPIC_BASE_URL=http://127.0.0.1:14550": "clients",
    "export ANTHROPIC_AUTH_TOKEN=rotom": "clients",
    "export ANTHROPIC_MODEL=gpt-5.5": "clients",
    "export CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000": "clients",
    'claude -p "Reply with the single word OK"': "clients",
    'rotom launch claude --model gpt-5.5 -- -p "Reply with the single word OK"': "clients",
    'rotom launch codex -- exec "Reply with the single word OK"': "clients",
    'rotom launch openai -- llm -m gpt-5.5 "Reply with the single word OK"': "clients",
    "echo rotom | codex login --with-api-key": "clients",
    ".venv/bin/rotom launch --demo claude": "here",
    ".venv/bin/rotom serve --demo --list": "here",
    "rotom login": "here",
    "rotom launch claude": "here",
    "rotom launch": "here",
    "rotom env": "here",
    "rotom serve": "here",
    "rotom status": "here",
    "rotom models": "here",
    "rotom doctor": "here",
    "rotom login --account work": "here",
    "rotom use work": "here",
    "rotom launch --list": "here",
    'eval "$(rotom env claude)"': "here",
    "claude": "here",
    "rotom env claude | source": "here",
    "rotom config set grok_origin auto": "here",
    "rotom login --provider NAME --base-url URL": "here",
    "rotom daemon install": "tests/systemd/test_service.py",
    "rotom daemon status": "tests/systemd/test_service.py",
    "rotom daemon restart": "tests/systemd/test_service.py",
    "loginctl enable-linger $USER": "tests/systemd/test_boot.py",
    "rotom daemon uninstall": "tests/systemd/test_service.py",
    "rotom logout --all": "here",
    "rotom help": "here",
    "rotom update": ".ci/packages",
    "pipx install .": ".ci/packages",
    "pipx ensurepath": ".ci/packages",
    "pipx uninstall rotom-gateway": ".ci/packages",
    "uv tool install .": ".ci/packages",
    "rotom login --import": "tests/cli/test_login.py",
    "openssl rand -hex 24 | rotom config set api_key -": "here",
    "man ./man/rotom.1": "here",
    "man ./man/rotom-daemon.1": "here",
    "man ./man/rotom-config.5": "here",
    "man ./man/rotom-api.7": "here",
}
