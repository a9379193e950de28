"""Scratch space of this converter's own, so that what a cut run leaves behind can be found and removed.

coremltools writes whole models into the system's temporary folder and cleans up when the process ends well. Here they
go into a folder beside the result, named after the process; the next run removes those of processes that are gone.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = re.compile(r"\.coreml-scratch-(\d+)$")


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def sweep(parent: Path) -> int:
    """Removes what ended processes left in `parent`; the bytes that freed."""
    freed = 0
    for folder in parent.glob(".coreml-scratch-*"):
        match = NAME.search(folder.name)
        if match and folder.is_dir() and not folder.is_symlink() and not alive(int(match[1])):
            freed += size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return freed


@contextmanager
def space(parent: Path) -> Iterator[Path]:
    """A folder for everything temporary, this process's and its libraries'; gone afterwards."""
    folder = parent / f".coreml-scratch-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    variable = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if variable is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)
