#!/usr/bin/env python3
"""Make the sdist and the wheel of a commit, so that everybody who makes them gets the same bytes.

Usage: contrib/dist.py FOLDER

Prints a line for sha256sum(1) a file. What decides the bytes is the commit, SOURCE_DATE_EPOCH (by default, the time of the
commit) and the version of setuptools, which the wheel names inside; not the folder, the times, modes and owners of files
and the umask. Files that git does not know are left out. Needs git and the Python package `build`.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def main(folder: Path) -> None:
    """Make both into `folder`."""
    os.umask(0o022)
    folder.mkdir(parents=True, exist_ok=True)
    said = os.environ.get("SOURCE_DATE_EPOCH") or subprocess.check_output(
        ["git", "-C", HERE, "log", "-1", "--format=%ct"], text=True
    )
    epoch = int(said)
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    with tempfile.TemporaryDirectory() as work:
        tree = subprocess.check_output(["git", "-C", HERE, "archive", "--format=tar", "HEAD"])
        sources = unpack(io.BytesIO(tree), Path(work, "commit"))
        sdist = build("--sdist", sources, Path(work, "out"))
        settle(sdist, epoch)
        (sources,) = unpack(sdist.open("rb"), Path(work, "sdist")).iterdir()
        wheel = build("--wheel", sources, Path(work, "out"))
        for made in (sdist, wheel):
            data = made.read_bytes()
            (folder / made.name).write_bytes(data)
            print(f"{hashlib.sha256(data).hexdigest()}  {made.name}")


def unpack(stream: io.BufferedIOBase, folder: Path) -> Path:
    """Unpack a tar archive, packed or not."""
    with stream, tarfile.open(fileobj=stream) as archive:
        archive.extractall(folder, filter="data")
    return folder


def build(what: str, sources: Path, out: Path) -> Path:
    """Build one of the two; the file. What the builder says is shown when it fails."""
    command = [sys.executable, "-m", "build", what, "--outdir", out, sources]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\ncontrib/dist.py: {what} failed")
    (made,) = out.glob("*.tar.gz" if what == "--sdist" else "*.whl")
    return made


def settle(sdist: Path, epoch: int) -> None:
    """Write an sdist anew, with nothing in it that another machine would write otherwise."""
    plain = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.size, info.mtime = member.type, member.linkname, member.size, epoch
            info.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(info, old.extractfile(member) if member.isfile() else None)
    with sdist.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=epoch) as packed:
        packed.write(plain.getvalue())


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
