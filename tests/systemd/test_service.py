"""`rotom daemon` with a real systemd: everything that an installed service goes through."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from systemd_surroundings import free_port

from rotom import __version__, exits
from rotom.service import units

pytestmark = pytest.mark.timeout(240)

UNITS = "/home/person/.config/systemd/user"


def pid_of(person: Any) -> int:
    return int(person.status()["pid"])


def test_from_a_clean_account_to_nothing(person):
    before = person.listed()
    assert person.rotom("daemon", "status", code=exits.NOT_INSTALLED) == (
        "The service is not installed: rotom daemon install\n"
    )
    said = person.install()
    assert f"address    {person.base}\n" in said
    assert said.endswith("Nobody is logged in yet; the service will take a login up at once:\n  rotom login\n")
    status = person.status()
    assert status["addresses"] == [person.base]
    assert (status["state"], status["socket"], status["at_login"], status["outdated"]) == ("running", True, True, False)
    assert status["files"] == [
        f"{UNITS}/{name}" for name in ("rotom.service", "rotom.socket", "rotom.service.d/10-sandbox.conf")
    ]
    assert person.http.get("/health").json() == {"status": "ok"}
    assert "rotom.service" in person.systemctl("status", "rotom.service")
    assert f"listening addresses={person.base}" in person.rotom("daemon", "logs")

    pid = status["pid"]
    person.install()
    assert pid_of(person) == pid  # nothing changed, nothing happened
    person.rotom("daemon", "reinstall")
    assert pid_of(person) != pid

    person.rotom("daemon", "stop")
    assert person.status(exits.STOPPED)["state"] == "stopped"
    with pytest.raises(httpx.ConnectError):
        person.http.get("/health")
    person.rotom("daemon", "start")
    assert person.http.get("/health").status_code == 200

    person.rotom("daemon", "uninstall")
    left = {path for path in person.listed() - before if not path.startswith("/home/person/.rotom")}
    assert left == set()
    assert "rotom.s" not in person.systemctl("list-units", "--all", "--plain")
    assert person.status(exits.NOT_INSTALLED)["files"] == []


def test_a_killed_one_is_started_again(served):
    pid = pid_of(served)
    served.runs("kill", "-9", str(pid))
    served.until_it_runs_again()
    status = served.status()
    assert (status["restarts"], status["pid"] != pid) == (1, True)
    assert served.ask("demo:text").status_code == 200  # the login is still there
    assert "restarts   1, after failures" in served.rotom("daemon", "status")


def test_one_that_is_stuck_is_killed_and_started_again(person):
    person.machine.write(
        f"{UNITS}/rotom.service.d/mine.conf", "[Service]\nWatchdogSec=1\nTimeoutAbortSec=1\nRestartSec=100ms\n"
    )
    person.install("--grace", "0")
    pid = pid_of(person)
    person.runs("kill", "-STOP", str(pid))
    person.until_it_runs_again()
    assert pid_of(person) != pid
    assert "rotom.service: Watchdog timeout" in person.journal()
    assert f"Left, since it is yours: {UNITS}/rotom.service.d/mine.conf" in person.rotom("daemon", "uninstall")


def test_a_reload_while_an_answer_is_streamed(served):
    pid = pid_of(served)
    served.rotom("config", "set", "model_fallback", "gpt-6-luna")
    with served.stream("demo:long rate=20 count=30") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: message_start"
        served.rotom("daemon", "reload")
        text = "\n".join(lines)
    assert text.count("event: content_block_delta") >= 30
    assert "event: message_stop" in text
    served.until(lambda: "reloaded configuration and credentials" in served.journal())
    assert pid_of(served) == pid
    question = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "demo:text"}]}
    answer = served.http.post("/v1/messages", json=question)
    assert answer.headers.get("x-rotom-model") == "gpt-6-luna", answer.text


@contextlib.contextmanager
def clients(ask: Callable[[], int]) -> Iterator[list[int]]:
    """Three clients that ask again and again, each time on a new connection; the statuses they got. None may be refused."""
    over, statuses = threading.Event(), []
    failed: list[BaseException] = []

    def one() -> None:
        try:
            while not over.is_set():
                statuses.append(ask())  # raises when it is refused
        except BaseException as exc:
            failed.append(exc)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    assert failed == []


def restarted_while_it_streams(person: Any, count: int, statuses: list[int]) -> str:
    """Restart the service while it streams an answer and others ask; the answer."""
    with person.stream(f"demo:long rate=20 count={count}") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: message_start"
        person.until(lambda: len(statuses) > 20)
        restart = threading.Thread(target=person.rotom, args=("daemon", "restart"))
        restart.start()
        text = "\n".join(lines)
        restart.join(40)
    before = len(statuses)
    person.until(lambda: len(statuses) > before + 20)
    return text


def test_a_restart_while_an_answer_is_streamed_refuses_nobody(served):
    pid = pid_of(served)

    def health() -> int:
        with httpx.Client(base_url=served.base, trust_env=False, timeout=30) as http:
            return http.get("/health").status_code

    with clients(health) as statuses:
        text = restarted_while_it_streams(served, 40, statuses)
    assert set(statuses) == {200}
    assert text.count("event: content_block_delta") >= 40
    assert "event: message_stop" in text
    assert pid_of(served) != pid
    assert served.ask("demo:text").status_code == 200


def test_an_upgrade_while_people_work(person):
    """The files are replaced under the service, as pip and dpkg do it, and some time later it is restarted."""
    lib, program = "/home/person/lib", "/home/person/.local/bin/rotom"
    person.runs("sh", "-c", f"mkdir {lib} && cp -r /srv/rotom/rotom {lib} && sed -i s,/srv/rotom,{lib}, {program}")
    person.log_in()
    person.install()
    chat = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "demo:text"}]}

    def question() -> int:
        return person.ask("demo:text", httpx.Client(base_url=person.base, trust_env=False, timeout=30)).status_code

    with clients(question) as statuses:
        person.until(lambda: len(statuses) > 5)
        newer = f's/^__version__ = .*/__version__ = "99.0"/\' {lib}/rotom/__init__.py'
        done = person.runs("sh", "-c", f"rm -r {lib}/rotom && cp -r /srv/rotom/rotom {lib} && sed -i '{newer}")
        assert done.returncode == 0, done.stderr
        assert f"# version {__version__} runs and 99.0 is installed: rotom daemon restart" in person.rotom(
            "daemon", "status"
        )
        refused = person.http.post("/v1/chat/completions", json=chat)  # nobody had asked that
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "upgraded")
        text = restarted_while_it_streams(person, 40, statuses)
    assert set(statuses) == {200}
    assert text.count("event: content_block_delta") >= 40
    assert "event: message_stop" in text
    assert person.status()["version"] == "99.0"
    assert person.http.post("/v1/chat/completions", json=chat).status_code == 200


def test_an_idle_one_ends_and_the_next_client_wakes_it(person):
    person.log_in()
    person.install("--idle-exit", "1")
    since = person.systemctl("show", "rotom.service", "-p", "ActiveEnterTimestampMonotonic", "--value")
    person.until(lambda: person.systemctl("is-active", "rotom.service") == "inactive\n")
    status = person.status()
    assert (status["up"], status["pid"], status["addresses"]) == (True, None, [person.base])
    ended = person.systemctl("show", "rotom.service", "-p", "ActiveExitTimestampMonotonic", "--value")
    assert int(ended) - int(since) > 12_500_000, "systemd would count it as failing, and refuse clients"
    assert "is asleep; systemd starts it when a client comes" in person.rotom("daemon", "status")
    assert person.ask("demo:text").status_code == 200
    assert "asleep" not in person.rotom("daemon", "status")


def test_without_a_socket(served):
    said = served.rotom("daemon", "reinstall", "--no-socket")
    assert "socket" not in said
    assert served.status()["socket"] is None
    assert served.systemctl("is-active", "rotom.socket") == "inactive\n"
    assert served.ask("demo:text").status_code == 200
    served.rotom("daemon", "reinstall")  # it remembers
    assert served.status()["socket"] is None
    served.install()
    assert served.status()["socket"] is True
    assert served.ask("demo:text").status_code == 200


def test_another_address_by_the_configuration(served):
    with httpx.Client(trust_env=False) as http:
        served.port, old = free_port(), served.base
        served.rotom("config", "set", "bind", f"127.0.0.1:{served.port}")
        served.rotom("daemon", "restart")
        assert "# it was installed for other settings" in served.rotom("daemon", "status")
        assert http.get(f"{old}/health").status_code == 200
        served.rotom("daemon", "reinstall")
        assert served.status()["outdated"] is False
        assert http.get(f"http://127.0.0.1:{served.port}/health").status_code == 200
        with pytest.raises(httpx.ConnectError):
            http.get(f"{old}/health")


def test_the_sandbox_holds_and_the_home_can_be_elsewhere(person):
    folder = "/home/person/else where/50%"
    person.rotom("daemon", "install", "--bind", f"127.0.0.1:{person.port}", ROTOM_HOME=folder)
    pid = pid_of(person)
    root = person.machine.root / "proc" / str(pid)
    status = (root / "status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "CapBnd:\t0000000000000000" in status
    mounts = dict(line.split()[4:6] for line in (root / "mountinfo").read_text().splitlines())
    assert mounts["/"].startswith("ro")
    assert mounts["/home"].startswith("ro")
    assert mounts[r"/home/person/else\040where/50%"].startswith("rw")
    assert person.status()["addresses"] == [person.base]  # without the variable, too
    assert "other settings" not in person.rotom("daemon", "status")
    person.rotom("daemon", "reinstall")
    assert person.status()["addresses"] == [person.base]


def test_a_home_that_the_sandbox_would_hide(person):
    said = person.install(ROTOM_HOME="/tmp/rotom-of-a-test")
    try:
        assert "without the sandbox, which does not work here: /tmp/rotom-of-a-test is hidden by it" in said
        assert person.status()["state"] == "running"
    finally:
        person.rotom("daemon", "uninstall")
        person.runs("rm", "-r", "/tmp/rotom-of-a-test")


def test_a_wrong_configuration_is_told_and_not_tried_again(served):
    config = "/home/person/.rotom/config.json"
    served.machine.write(config, '{"version": 1, "grace": "soon"}', 0o600)
    said = served.rotom("daemon", "restart", code=exits.CONFIG)
    assert "grace must be a number of seconds" in said
    assert "# the configuration is wrong: " in served.rotom("daemon", "status")
    assert served.ask("demo:text").status_code == 200  # it still runs
    served.systemctl("restart", "rotom.service")
    assert served.systemctl("is-active", "rotom.service") == "failed\n"
    show = served.systemctl("show", "rotom.service", "-p", "NRestarts,ExecMainStatus")
    assert sorted(show.split()) == ["ExecMainStatus=78", "NRestarts=0"]
    served.machine.write(config, json.dumps({"version": 1, "bind": f"127.0.0.1:{served.port}"}), 0o600)
    status = served.status(exits.STOPPED)
    assert (status["state"], status["why"]) == ("failed", "it ended with status 78: the configuration is wrong")
    assert any("grace must be a number of seconds" in line for line in status["log"])
    served.rotom("daemon", "start")


def test_a_program_that_is_gone_is_told(served):
    served.runs("mv", "/home/person/.local/bin/rotom", "/home/person/.local/rotom")
    served.runs("kill", str(pid_of_unit(served)))
    done = served.runs("/home/person/.local/rotom", "daemon", "restart")
    assert done.returncode == exits.UNAVAILABLE
    assert "its program cannot be run: rotom was moved or removed" in done.stderr
    assert done.stderr.endswith("       rotom daemon reinstall\n")
    assert served.runs("/home/person/.local/rotom", "daemon", "reinstall").returncode == 0


def pid_of_unit(person: Any) -> int:
    return int(person.systemctl("show", "rotom.service", "-p", "MainPID", "--value"))


def test_a_port_that_somebody_has_is_told_before(person):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", person.port))
        other.listen()
        said = person.install(code=exits.UNAVAILABLE)
    assert f"another program listens on 127.0.0.1:{person.port}\n" in said
    assert person.status(exits.NOT_INSTALLED)["files"] == []


def test_a_distribution_s_unit_gets_a_drop_in_only(person):
    person.machine.path("/run/systemd/user").mkdir(exist_ok=True)
    shipped = person.machine.path("/run/systemd/user/rotom.service")
    shipped.write_text(units.service(units.DISTRIBUTION))
    person.install()
    status = person.status()
    assert status["files"] == [
        f"{UNITS}/{name}" for name in ("rotom.socket", "rotom.service.d/rotom.conf", "rotom.service.d/10-sandbox.conf")
    ]
    assert status["other_files"] == ["/run/systemd/user/rotom.service"]
    assert (
        "ExecStart=/home/person/.local/bin/rotom serve\n"
        in person.machine.path(f"{UNITS}/rotom.service.d/rotom.conf").read_text()
    )
    assert person.http.get("/health").status_code == 200
    person.rotom("daemon", "uninstall")
    assert shipped.exists()
    assert not person.machine.path("/home/person/.config").exists()


def test_secrets_are_seen_nowhere(person):
    key = "planted-key-of-a-person-0123456789"
    person.log_in()
    said = person.install("--api-key", "-", given=f"{key}\n", HTTPS_PROXY=f"http://me:{key}@127.0.0.1:9")
    assert person.ask("demo:text").status_code == 401
    person.http.headers["x-api-key"] = key
    assert person.http.get("/v1/models").status_code == 200
    pid = pid_of(person)
    credentials = person.machine.root / "run/user/1000/credentials/rotom.service/api-key"
    assert credentials.read_text() == f"{key}\n"
    assert person.rotom("status", code=0)  # who asks here knows the key, too
    person.runs("kill", "-9", str(pid))
    person.until_it_runs_again()
    issued = person.simulated.issuer_state
    tokens = [*issued._access, *issued._refresh]
    assert len(tokens) >= 2
    folder = person.machine.path("/home/person/.config")
    seen = {
        "printed": said
        + person.rotom("daemon", "status")
        + person.rotom("daemon", "logs")
        + person.rotom("config", "show"),
        "units": "".join(path.read_text() for path in folder.rglob("*") if path.is_file()),
        "journal": person.runs("journalctl", "-q", "-o", "export").stdout + person.journal("-o", "json"),
        "show": person.systemctl("show", "rotom.service", "rotom.socket") + person.systemctl("status", "rotom.service"),
        "environment": person.systemctl("show-environment"),
        "processes": "".join(
            path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            for path in person.machine.path("/proc").glob("[0-9]*/cmdline")
        ),
        "config": person.machine.path("/home/person/.rotom/config.json").read_text(),
    }
    assert "rotom serve" in seen["processes"]
    for where, text in seen.items():
        for secret in (key, *tokens):
            assert secret not in text, where
    for name in ("api-key", "daemon.env"):
        file = person.machine.path(f"/home/person/.rotom/{name}")
        assert file.stat().st_mode & 0o777 == 0o600
        assert key in file.read_text()


def test_lines_have_their_priorities(person):
    person.install()
    lines = [json.loads(line) for line in person.journal("-o", "json").splitlines()]
    found = {line["MESSAGE"].split(" ")[0]: line["PRIORITY"] for line in lines if line.get("_COMM") == "rotom"}
    assert found["listening"] == "5"
    assert found["no"] == "4"
    assert not any(line["MESSAGE"].startswith("<") for line in lines)


def test_systemd_s_own_judgement(person):
    person.install()
    score = person.runs("systemd-analyze", "--user", "security", "--no-pager", "--threshold=20", "rotom.service")
    assert score.returncode == 0, score.stdout
    said = person.runs(
        "systemd-analyze", "--user", "verify", "--man=no", f"{UNITS}/rotom.service", f"{UNITS}/rotom.socket"
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
