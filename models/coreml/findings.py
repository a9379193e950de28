"""What a conversion comes upon that is no failure by itself, in two kinds.

Naming and precision are benign: they change no vector that anyone could notice. Shapes and types are structural:
the vectors could look right and be wrong. Of a library's warnings only those in `BENIGN` are the first kind; one
that nobody has judged counts as structural.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .errors import Refusal

# (pattern, why it is benign).
BENIGN: tuple[tuple[str, str], ...] = (
    (
        r"Failed to load _ML\w+: No module named 'coremltools\.libcoremlpython'",
        "running needs macOS, writing does not",
    ),
    (r"version \S+ has not been tested with coremltools", "versions are pinned and results compared"),
    (r"has been renamed to '[^']+' in the Core ML model", "naming"),
    (r"(?i)saving value type of \w+ into a builtin type of \w+, might lose precision", "precision"),
)
BENIGN_CATEGORIES = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)


def judge(text: str, category: type = UserWarning) -> str:
    """The reason why a warning is benign, or the empty string."""
    for pattern, reason in BENIGN:
        if re.search(pattern, text):
            return reason
    return "versions are pinned" if issubclass(category, BENIGN_CATEGORIES) else ""


@dataclass
class Findings:
    """All that was found, each once, in order."""

    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def benign(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def structural(self, text: str) -> None:
        if text not in self.faults:
            self.faults.append(text)

    def sort(self, text: str, category: type = UserWarning) -> None:
        """Puts a library's warning where it belongs."""
        line = " ".join(text.split())
        reason = judge(line, category)
        if reason:
            self.benign(f"{line} ({reason})")
        else:
            self.structural(line)

    def settle(self, force: bool) -> list[str]:
        """Lines to print. Refuses structural findings, unless `force`."""
        if self.faults and not force:
            raise Refusal(
                "structural findings, which could make vectors that look right and are wrong:\n"
                + "\n".join(f"  - {fault}" for fault in self.faults),
                "compare weights and config.json with the publisher's; --force goes on after you have looked",
            )
        return [f"note: {note}" for note in self.notes] + [f"forced past: {fault}" for fault in self.faults]


class _Ear(logging.Handler):
    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.WARNING)
        self.findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        self.findings.sort(record.getMessage())


@contextmanager
def listening(findings: Findings) -> Iterator[None]:
    """Catches what is warned of and logged meanwhile, from anywhere in this process."""
    ear = _Ear(findings)
    loggers = [logging.getLogger(name) for name in ("", "coremltools", "torch")]
    kept = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [ear], False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        for logger, handlers, propagate in kept:
            logger.handlers, logger.propagate = handlers, propagate
        for warning in caught:
            findings.sort(str(warning.message), warning.category)
