"""The benchmark: see README.rst beside it."""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import load
import trio

HERE = Path(__file__).parent
ROTOM = str(Path(sys.executable).with_name("rotom"))
MESSAGES, CHAT, RESPONSES = "/v1/messages", "/v1/chat/completions", "/v1/responses"


def start(stack: ExitStack, *words: str) -> tuple[int, int]:
    """Start a helper that prints its port; (pid, port)."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process.pid, int(process.stdout.readline())


def home(upstream: int, folder: str) -> dict[str, str]:
    """The environment of a rotom that is logged in to the upstream."""
    from rotom.config import load as load_config
    from rotom.providers import Token
    from rotom.state.vault import open_vault

    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTOM_")}
    environ |= {
        "ROTOM_HOME": folder,
        "ROTOM_OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/backend-api/codex",
        "ROTOM_OPENAI_ISSUER": f"http://127.0.0.1:{upstream}",
        "ROTOM_BIND": "127.0.0.1:0",
        "ROTOM_LOG_FORMAT": "text",
    }
    vault = open_vault(load_config({}, environ).config, environ)
    vault.save(
        "openai", Token("bench-access", "bench-refresh", time.time() + 86400, "account", "user@example.com", "plus")
    )
    return environ


def start_rotom(stack: ExitStack, environ: dict[str, str]) -> tuple[int, int, float]:
    """(pid, port, seconds from the start to the first answer)."""
    log = tempfile.TemporaryFile("a+")  # noqa: SIM115 - both ends share one position: it must not matter
    began = time.monotonic()
    process = subprocess.Popen([ROTOM, "serve"], env=environ, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGTERM)
    while True:
        log.seek(0)
        if found := re.search(r"listening addresses=http://127\.0\.0\.1:(\d+)", log.read()):
            break
        if process.poll() is not None:
            log.seek(0)
            sys.exit(log.read())
        time.sleep(0.001)
    port = int(found[1])
    trio.run(load.fetch, port, "/health")
    return process.pid, port, time.monotonic() - began


def cpu(pid: int) -> float:
    """CPU seconds of all threads so far, in nanosecond steps."""
    return sum(int(f.read_text().split()[0]) for f in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def memory(pid: int) -> float:
    """Resident KiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


class Bench:
    def __init__(self, targets: dict[str, tuple[int | None, int]], upstream: int, rounds: int) -> None:
        self.targets, self.upstream, self.rounds = targets, upstream, rounds

    def rounds_of(
        self, run: Callable[..., "trio.abc.Awaitable"], path: str
    ) -> dict[str, list[tuple[load.Seen, float, float]]]:
        """Every target in turn, `rounds` times: (seen, CPU seconds, wall seconds)."""
        out: dict[str, list[tuple[load.Seen, float, float]]] = {name: [] for name in self.targets}
        for _ in range(self.rounds):
            for name, (pid, port) in self.targets.items():
                before, began = cpu(pid) if pid else 0.0, time.monotonic()
                seen = trio.run(partial(run, port, path))
                out[name].append((seen, (cpu(pid) if pid else 0.0) - before, time.monotonic() - began))
                for error in sorted(set(seen.errors))[:3]:
                    print(f"  ERROR {name}: {error}")
        return out

    def first_event(self, path: str) -> None:
        print(f"\nTime to the first event, one client, {path} (us)")
        results = self.rounds_of(partial(lambda port, path: load.many(port, path, "short", 1, 1, 200)), path)
        direct = load.median([load.percentile(seen.firsts, 0.5) for seen, _, _ in results["direct"]])
        for name, rows in results.items():
            p50 = load.median([load.percentile(seen.firsts, 0.5) for seen, _, _ in rows])
            p99 = load.median([load.percentile(seen.firsts, 0.99) for seen, _, _ in rows])
            used = load.median([spent / len(seen.firsts) * 1e3 for seen, spent, _ in rows if seen.firsts])
            print(f"  {name:10} p50 {p50:8.0f}  p99 {p99:8.0f}  added {p50 - direct:8.0f}  CPU ms/request {used:.2f}")

    def flood(self, path: str) -> None:
        print(f"\nFlood, 4 clients x 5 answers x 2,000 deltas, {path}")
        results = self.rounds_of(partial(lambda port, path: load.many(port, path, "flood 2000", 2000, 4, 5)), path)
        per = {
            name: load.median([spent / seen.events * 1e6 for seen, spent, _ in rows if seen.events])
            for name, rows in results.items()
        }
        for name, rows in results.items():
            speed = load.median([seen.events / wall for seen, _, wall in rows])
            ratio = f"  = {per[name] / per['relay']:.1f} x relay" if name not in ("direct", "relay") else ""
            print(f"  {name:10} CPU ms/1,000 events {per[name]:7.2f}  events/s {speed:9.0f}{ratio}")

    def paced(self, path: str, clients: int = 20, rate: int = 50, seconds: int = 6) -> None:
        print(f"\nPaced, {clients} streams of {rate} events/s, {path}")
        count = rate * seconds
        results = self.rounds_of(
            partial(lambda port, path: load.many(port, path, f"paced {rate} {count}", count, clients)), path
        )
        base: dict[str, float] = {}
        for name, rows in results.items():
            p50 = load.median([load.percentile(seen.latencies, 0.5) for seen, _, _ in rows])
            p99 = load.median([load.percentile(seen.latencies, 0.99) for seen, _, _ in rows])
            used = load.median([spent / seen.events * 1e6 for seen, spent, _ in rows if seen.events])
            if name == "relay":
                base = {"p50": p50, "p99": p99, "cpu": used}
            ratio = (
                f"  = {p50 / base['p50']:.2f} / {p99 / base['p99']:.2f} / {used / base['cpu']:.2f} x relay"
                if name not in ("direct", "relay")
                else ""
            )
            print(f"  {name:10} p50 {p50:7.0f} us  p99 {p99:7.0f} us  CPU ms/1,000 {used:7.1f}{ratio}")

    def hold(self, path: str, clients: int = 500) -> None:
        print(f"\n{clients} streams at once, one event a second, {path}")
        for name, (pid, port) in self.targets.items():
            if not pid:
                continue
            before, top = memory(pid), 0.0

            async def run(port: int = port, pid: int = pid) -> load.Seen:
                nonlocal top
                seen = load.Seen()
                async with trio.open_nursery() as nursery:
                    for _ in range(clients):
                        nursery.start_soon(load.stream, port, path, "paced 1 10", 10, seen)
                    await trio.sleep(8)
                    top = memory(pid)
                return seen

            seen = trio.run(run)
            print(
                f"  {name:10} {(top - before) / clients:6.1f} KiB a stream, errors {len(seen.errors)}, "
                f"first event p99 {load.percentile(seen.firsts, 0.99) / 1000:.0f} ms, event p99 "
                f"{load.percentile(seen.latencies, 0.99) / 1000:.1f} ms"
            )
            for error in sorted(set(seen.errors))[:3]:
                print(f"  ERROR {name}: {error}")

    def hang_up(self, path: str) -> None:
        print("\nFrom a hang-up of the client to the close of the upstream request (ms, median of 5)")
        for name, (_, port) in self.targets.items():
            figures = []
            for text, wait in (("paced 50 1000", 0.3), ("silent", 0.3), ("mute", 0.3)):
                times = [trio.run(load.hang_up, port, self.upstream, path, text, wait) for _ in range(5)]
                figures.append(load.median(times))
            print(
                f"  {name:10} streaming {figures[0]:.1f}  silent after the head {figures[1]:.1f}  "
                f"before it {figures[2]:.1f}"
            )


def start_up(environ: dict[str, str]) -> None:
    print("\nStart (median of 7)")
    times = []
    for _ in range(7):
        began = time.monotonic()
        subprocess.run([ROTOM, "--version"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - began)
    bare = []
    for _ in range(7):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.monotonic() - began)
    print(f"  rotom --version {load.median(times) * 1e3:.0f} ms (bare python {load.median(bare) * 1e3:.0f} ms)")
    with ExitStack() as stack:
        bare, four = (stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2))
        helper = subprocess.Popen([sys.executable, str(HERE / "logins.py"), four], stdout=subprocess.PIPE, text=True)
        stack.callback(helper.wait)
        stack.callback(helper.kill)
        settings = dict(word.split("=", 1) for word in helper.stdout.readline().split())
        for what, home in (("without a login", bare), ("with four logins", four)):
            firsts, sizes = [], []
            for _ in range(7):
                (Path(home) / "models.json").unlink(missing_ok=True)  # the lists are fetched at each start
                with ExitStack() as one:
                    pid, _, seconds = start_rotom(one, environ | settings | {"ROTOM_HOME": home})
                    firsts.append(seconds)
                    time.sleep(2)
                    sizes.append(memory(pid) / 1024)
            print(f"  {what}: first answer {load.median(firsts) * 1e3:.0f} ms, idle {load.median(sizes):.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="append", default=[], help="NAME=URL of another gateway on the same upstream")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with ExitStack() as stack:
        _, upstream = start(stack, str(HERE / "upstream.py"))
        relay = start(stack, str(HERE / "relay.py"), str(upstream))
        environ = home(upstream, stack.enter_context(tempfile.TemporaryDirectory()))
        rotom = start_rotom(stack, environ)
        targets: dict[str, tuple[int | None, int]] = {"direct": (None, upstream), "relay": relay, "rotom": rotom[:2]}
        for peer in given.peer:
            name, _, url = peer.partition("=")
            targets[name] = (None, int(url.rpartition(":")[2].strip("/")))
        bench = Bench(targets, upstream, given.rounds)
        parts: dict[str, Callable[[], None]] = {
            "first": partial(bench.first_event, MESSAGES),
            "flood": partial(bench.flood, MESSAGES),
            "flood-chat": partial(bench.flood, CHAT),
            "flood-responses": partial(bench.flood, RESPONSES),
            "paced": partial(bench.paced, MESSAGES),
            "hang-up": partial(bench.hang_up, MESSAGES),
            "hold": partial(bench.hold, MESSAGES),
            "start": partial(start_up, environ),
        }
        for name, part in parts.items():
            if not given.only or name in given.only:
                part()


if __name__ == "__main__":
    main()
