"""Files: checksums, writes that are whole or absent, stamps of finished work, one set-up at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Callable

from .report import Failure, say

CHUNK = 1 << 20
DERIVED = {"node_modules", "dist", "target", "coverage", "__pycache__"}


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name complete and flushed, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def under(paths: Iterable[Path]) -> list[Path]:
    """Every file at or below `paths`, sorted; folders of derived files and what is not there are left out."""
    found = []
    for path in paths:
        if path.is_file():
            found.append(path)
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in DERIVED]
            found += [Path(folder, name) for name in names]
    return sorted(set(found))


def digest_of(root: Path, paths: Iterable[Path], *facts: str) -> str:
    """One sha256 over the names and contents of the files at or below `paths`, and over `facts`."""
    digest = hashlib.sha256()
    for path in under(paths):
        digest.update(f"{path.relative_to(root).as_posix()}\0{sha256_of(path)}\n".encode())
    for fact in facts:
        digest.update(f"{fact}\n".encode())
    return digest.hexdigest()


class Stamp:
    """The note that a step was done: the key of its inputs, and its outputs' sizes and times.

    A step whose stamp is current has nothing to do. Inputs are compared by content, outputs by size and time,
    which takes milliseconds: whoever writes or deletes an output by hand makes the step run once more.
    """

    def __init__(self, file: Path, key: str, outputs: Sequence[Path]) -> None:
        self.file, self.key, self.outputs = file, key, outputs

    def _facts(self) -> dict[str, object]:
        files = {str(index): self._listing(path) for index, path in enumerate(self.outputs)}
        return {"key": self.key, "outputs": files}

    @staticmethod
    def _listing(path: Path) -> dict[str, list[int]]:
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        stats = ((file, file.stat()) for file in files)
        return {os.path.relpath(file, path): [stat.st_size, stat.st_mtime_ns] for file, stat in stats}

    def current(self) -> bool:
        try:
            noted = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return all(path.exists() for path in self.outputs) and noted == self._facts()

    def write(self) -> None:
        """Notes that the step was done; a step that left an output out was not."""
        for path in self.outputs:
            if not path.exists():
                raise Failure(
                    f"a step ended well but left no {path}.",
                    "This is a fault of the project: please report it.",
                )
        with whole(self.file) as file:
            file.write(json.dumps(self._facts(), sort_keys=True).encode())


@contextlib.contextmanager
def alone(path: Path, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Waits until no other set-up works in this project. The lock goes with the process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        told = False
        while not _lock(file):
            if not told:
                say("Another set-up is at work in this folder; waiting for it ...")
                told = True
            pause(0.5)
        yield


def _lock(file: BinaryIO) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
