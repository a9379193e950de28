"""What the set-up says, and how it fails."""

from __future__ import annotations

AGAIN = "Run the same command again; finished steps are kept."


class Failure(Exception):
    """The set-up cannot go on: what happened, and what the person at the machine can do about it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"Set-up stopped: {self.what}\nWhat to do: {self.todo}"


class Unreachable(Failure):
    """A package could not be fetched because the network, or the index behind it, did not answer."""


def say(line: str) -> None:
    """One line of progress, at once even when the output is a pipe."""
    print(line, flush=True)


def disk_full(where: object) -> Failure:
    return Failure(
        f"the disk is full (while writing {where}).", f"Free about 6 GB for the whole build. {AGAIN}"
    )
