"""A stand-in for macOS's launchctl that really runs the job: `install` puts it first on a PATH.

State lives in $FAKE_LAUNCHCTL: one JSON file a loaded job, and calls.jsonl with every call. It answers with the messages
and the exit statuses of the real one. Unlike launchd it does not restart what ends: tests see how it ended instead.
"""

import json
import os
import pathlib
import plistlib
import signal
import subprocess
import sys


def install(folder, environ, *, domain="gui"):
    """Make a launchctl in `folder`/bin, and have the variables say so; only sessions of the kind `domain` exist."""
    program = folder / "bin" / "launchctl"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    program.chmod(0o755)
    environ["PATH"] = f"{program.parent}:{environ['PATH']}"
    environ["FAKE_LAUNCHCTL"] = str(folder / "launchd")
    environ["FAKE_LAUNCHCTL_DOMAIN"] = domain


class Fake:
    """One call."""

    def __init__(self):
        self.state = pathlib.Path(os.environ["FAKE_LAUNCHCTL"])
        self.state.mkdir(parents=True, exist_ok=True)
        self.uid = os.getuid()
        self.domain = f"{os.environ['FAKE_LAUNCHCTL_DOMAIN']}/{self.uid}"

    def run(self, words):
        with (self.state / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps(words) + "\n")
        match words:
            case ["bootstrap", domain, plist]:
                self.bootstrap(domain, plist)
            case ["bootout", target]:
                job = self.job(target) or self.fail(3, "Boot-out failed: 3: No such process")
                self.stop(job)
                self.file(target).unlink()
            case ["kickstart", target]:
                job = self.job(target) or self.fail(113, f"Could not find service in domain for user gui: {self.uid}")
                if self.pid(job) is None:
                    self.spawn(self.file(target), job)
            case ["kill", name, target]:
                job = self.job(target)
                pid = self.pid(job) if job else None
                if pid is None:
                    self.fail(3, "No process to signal.")
                os.kill(pid, getattr(signal, name))
            case ["print", target] if target.count("/") == 2:
                job = self.job(target) or self.fail(113, "Bad request.\nCould not find service in domain")
                self.show(target, job)
            case ["print", domain]:
                if domain != self.domain:
                    self.fail(125, "Could not print domain: 125: Domain does not support specified action")
                print(f"{domain} = {{\n}}")
            case ["enable" | "disable", target]:
                pass
            case _:
                self.fail(64, f"Unrecognized subcommand: {' '.join(words)}")

    def bootstrap(self, domain, plist):
        if domain != self.domain:
            self.fail(125, "Bootstrap failed: 125: Domain does not support specified action")
        try:
            document = plistlib.loads(pathlib.Path(plist).read_bytes())
        except (OSError, ValueError):
            self.fail(5, "Bootstrap failed: 5: Input/output error")
        target = f"{domain}/{document['Label']}"
        if self.job(target):
            self.fail(5, "Bootstrap failed: 5: Input/output error")  # what is loaded already
        if pathlib.Path(plist).stat().st_mode & 0o022:
            self.fail(5, "Bootstrap failed: 5: Input/output error")  # what others can change
        self.spawn(self.file(target), {"plist": document, "path": plist, "runs": 0})

    def spawn(self, file, job):
        plist = job["plist"]
        keeper = [sys.executable, "-c", KEEPER, str(file.with_suffix(".status")), *plist["ProgramArguments"]]
        known = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "XPC_SERVICE_NAME": plist["Label"]}
        with open(plist["StandardOutPath"], "ab") as output, open(plist["StandardErrorPath"], "ab") as errors:
            process = subprocess.Popen(
                keeper,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=known | plist["EnvironmentVariables"],
                start_new_session=True,
            )
        file.with_suffix(".status").unlink(missing_ok=True)
        job["keeper"], job["runs"] = process.pid, job["runs"] + 1
        file.write_text(json.dumps(job))
        process.returncode = 0  # it goes on without us

    def pid(self, job):
        """The job's process: the keeper's child."""
        try:
            children = pathlib.Path(f"/proc/{job['keeper']}/task/{job['keeper']}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def stop(self, job):
        pid = self.pid(job)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)

    def show(self, target, job):
        pid = self.pid(job)
        status = self.file(target).with_suffix(".status")
        print(f"{target} = {{\n\tactive count = {int(pid is not None)}\n\tpath = {job['path']}")
        print(f"\tstate = {'running' if pid is not None else 'not running'}\n\truns = {job['runs']}")
        if pid is not None:
            print(f"\tpid = {pid}")
        print(f"\tlast exit code = {status.read_text() if status.exists() else '(never exited)'}\n}}")

    def file(self, target):
        return self.state / f"{target.rsplit('/', 1)[1]}.json"

    def job(self, target):
        file = self.file(target)
        return json.loads(file.read_text()) if target.startswith(self.domain) and file.exists() else None

    def fail(self, status, message):
        print(message, file=sys.stderr)
        sys.exit(status)


KEEPER = """
import pathlib, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
pathlib.Path(sys.argv[1]).write_text(str(status))
"""


if __name__ == "__main__":
    Fake().run(sys.argv[1:])
