"""The program ``llm`` against the demonstration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.clients

MODELS = """
- model_id: rotom
  model_name: gpt-5.5
  api_base: {base}/v1
  supports_tools: true
  supports_schema: true
- model_id: rotom-whole
  model_name: gpt-5.5
  api_base: {base}/v1
  can_stream: false
"""


def run(demo: Any, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "extra-openai-models.yaml").write_text(MODELS.format(base=demo.base))
    environ = {**os.environ, "LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "rotom"}
    return subprocess.run(
        [sys.executable, "-m", "llm", *words], env=environ, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize("model", ["rotom", "rotom-whole"])
def test_a_prompt(demo: Any, tmp_path: Path, model: str) -> None:
    said = run(demo, tmp_path, "-m", model, "-s", "be brief", "Reply with the single word OK")
    assert (said.stdout.strip(), said.returncode) == ("OK", 0), said.stderr


def test_a_schema(demo: Any, tmp_path: Path) -> None:
    said = run(demo, tmp_path, "-m", "rotom", "--schema", "title, subtitle", "make a title")
    assert '"title"' in said.stdout, said.stderr


def test_a_tool(demo: Any, tmp_path: Path) -> None:
    function = "def get_weather(city: str) -> str:\n    return 'sunny in ' + city\n"
    said = run(demo, tmp_path, "-m", "rotom", "--functions", function, "demo:tool_once")
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip()


def test_a_failure_is_told(demo: Any, tmp_path: Path) -> None:
    said = run(demo, tmp_path, "-m", "rotom", "demo:usage_limit")
    assert said.returncode != 0
    assert "limit" in said.stderr
