"""Running other programs: their output is kept for the message, their standard input is closed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .report import AGAIN, Failure, Unreachable, disk_full

NETWORK_SIGNS = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Connection refused",
    "Connection reset",
    "Connection broken",
    "ConnectTimeout",
    "Read timed out",
    "ReadTimeoutError",
    "ProxyError",
    "getaddrinfo",
    "Network is unreachable",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "Could not resolve host",
    "failed to download",
    "network failure",
    "IncompleteRead",
)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
DISK_SIGNS = ("No space left on device", "ENOSPC", "not enough space on the disk")


class Result(NamedTuple):
    """How a program ended: its exit code and all it wrote."""

    code: int
    text: str

    def excerpt(self, first: int = 10, last: int = 6) -> str:
        """What it wrote first and last, indented, for a message: npm names the cause first, cargo last."""
        lines = [f"    {line}" for line in self.text.splitlines() if line.strip()]
        if len(lines) > first + last:
            lines[first:-last] = ["    ..."]
        return "\n".join(lines)


def find(tool: str) -> str | None:
    """The full path of a program on PATH (`npm.cmd` for `npm` on Windows)."""
    return shutil.which(tool)


def run(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Runs `command` to its end. A program that is not there ends with code 127, as in a shell."""
    try:
        done = subprocess.run(
            list(command),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return Result(127, str(error))
    return Result(done.returncode, ANSI.sub("", done.stdout))


def why(result: Result, what: str, todo: str) -> Failure:
    """What a program's output tells: a full disk, no network, or else `what` and the program's own words."""
    if any(sign in result.text for sign in DISK_SIGNS):
        return disk_full("temporary files of a program")
    if any(sign in result.text for sign in NETWORK_SIGNS):
        return Unreachable(
            f"{what} The network or the package index did not answer:\n{result.excerpt(0, 4)}",
            f"Check the connection (and proxy settings, if any). {AGAIN}",
        )
    return Failure(f"{what} It said:\n{result.excerpt()}", todo)
