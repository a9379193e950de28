"""What ends a command on purpose."""

from __future__ import annotations


class Refusal(Exception):
    """Something is not as it must be. Says what happened, and what to do about it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}\nWhat to do: {todo}")
        self.what = what
        self.todo = todo
