"""The simulator as a program of its own."""

import signal
import subprocess
import sys
import urllib.request

import pytest


def test_it_serves_and_stops():
    command = [sys.executable, "-m", "rotom.simulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        lines = [program.stdout.readline() for _ in range(7)]
        settings = dict(line.removeprefix("export ").strip().split("=") for line in lines)
        with urllib.request.urlopen(settings["ROTOM_OPENAI_ISSUER"], timeout=10) as answer:
            assert b"simulator" in answer.read()
        with urllib.request.urlopen(f"{settings['ROTOM_GROK_ISSUER']}/device", timeout=10) as answer:
            assert answer.status == 200
        program.send_signal(signal.SIGINT)
        _, complaints = program.communicate(timeout=10)
    assert complaints == ""
    assert program.returncode == 0


@pytest.mark.parametrize("arguments", [["--list"]])
def test_it_lists_its_scenarios(arguments):
    command = [sys.executable, "-m", "rotom.simulator", *arguments]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    assert "demo:usage_limit" in shown
    assert "demo:x_search" in shown
