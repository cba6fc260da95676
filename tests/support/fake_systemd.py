"""A stand-in for systemd's programs, for what a real one cannot be brought to do in a moment: other releases, broken buses,
sandboxes that fail. `install` puts it first on a PATH; the tests under tests/systemd have the real one.

State is one JSON document, $FAKE_SYSTEMD: what tests set, and under "calls" every call that changes something.
"""

import json
import os
import pathlib
import sys

PROGRAMS = ("systemctl", "systemd-run", "journalctl", "loginctl")


def install(folder, environ, **state):
    """Make the programs in `folder`/bin, and have the variables say so; the file of the state."""
    for name in PROGRAMS:
        program = folder / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {__file__} {name} "$@"\n')
        program.chmod(0o755)
    environ["PATH"] = f"{folder / 'bin'}:{environ['PATH']}"
    file = folder / "systemd.json"
    environ["FAKE_SYSTEMD"] = str(file)
    defaults = {"version": 252, "unit_path": [], "units": {}, "sandbox": 0, "linger": "no", "start": {}, "calls": []}
    file.write_text(json.dumps(defaults | state))
    return file


def run(program, words):
    file = pathlib.Path(os.environ["FAKE_SYSTEMD"])
    state = json.loads(file.read_text())
    words = [word for word in words if word != "--user"]
    names = [word for word in words[1:] if not word.startswith("-")]
    options = dict(word.partition("=")[::2] for word in words if word.startswith("--"))
    if program == "journalctl":
        print(state.get("journal", ""), end="")
        return 0
    if program == "loginctl":
        print(state["linger"])
        return 0
    if program == "systemd-run":
        state["calls"].append([program, *words])
        file.write_text(json.dumps(state))
        return state["sandbox"]
    if words == ["--version"]:
        print(f"systemd {state['version']} ({state['version']}.1-1)")
        return 0
    if state.get("bus"):
        print(state["bus"], file=sys.stderr)
        return 1
    if words[0] == "show":
        if not names:
            print({"--property=UnitPath": " ".join(state["unit_path"])}.get(words[1], state["version"]))
            return 0
        known = {"ActiveState": "inactive"} | state["units"].get(names[0], {})
        print("\n".join(f"{name}={known.get(name, '')}" for name in options["--property"].split(",")))
        return 0
    state["calls"].append(words)
    status = 0
    for name in names:
        unit = state["units"].setdefault(name, {})
        if words[0] in ("start", "restart"):
            unit.update({"ActiveState": "active", "MainPID": "4711", "NRestarts": "0"} | state["start"])
            status = 1 if unit["ActiveState"] != "active" else status
        elif words[0] == "stop" or "--now" in options:
            unit.update({"ActiveState": "inactive", "MainPID": "0"})
        if words[0] in ("enable", "disable"):
            unit["UnitFileState"] = words[0] + "d"
    file.write_text(json.dumps(state))
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
