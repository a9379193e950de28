#!/usr/bin/env python3
"""Runs every test of the project and ends with one line: `N passed, N failed`.

    python scripts/run_tests.py                  the set-up's tests, the Core ML converter's, the interface's, the workspace's
    python scripts/run_tests.py interface rust   only these

`setup.py test` comes before it. All output is passed on as it comes; the sum is taken from each runner's
closing lines. What does not compile, crashes or runs no test at all counts as failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Count(NamedTuple):
    passed: int
    failed: int


class Suite(NamedTuple):
    command: Sequence[str]
    count: Callable[[str], Count]


def count_unittest(text: str) -> Count:
    """`Ran 12 tests in 0.1s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=2)`."""
    ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests?\b", text, re.MULTILINE))
    closing = re.findall(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?\s*$", text, re.MULTILINE)
    parts = {name: int(n) for name, n in re.findall(r"([a-z ]+)=(\d+)", closing[-1] if closing else "")}
    kinds = {name.strip(): n for name, n in parts.items()}
    failed = kinds.get("failures", 0) + kinds.get("errors", 0) + kinds.get("unexpected successes", 0)
    return Count(max(ran - failed - kinds.get("skipped", 0) - kinds.get("expected failures", 0), 0), failed)


def count_vitest(text: str) -> Count:
    """`Tests  1 failed | 13 passed (14)`; a file that did not load is only in `Test Files  1 failed`."""

    def last(label: str) -> dict[str, int]:
        lines = re.findall(rf"^\s*{label}  +(.*)$", text, re.MULTILINE)
        return {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed)", lines[-1] if lines else "")}

    tests, files = last("Tests"), last("Test Files")
    return Count(tests.get("passed", 0), tests.get("failed", 0) or files.get("failed", 0))


RESULT = re.compile(
    r"test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; \d+ ignored; \d+ measured; \d+ filtered out"
)


def count_cargo(text: str) -> Count:
    """One `test result:` line a binary. Where cargo calls a binary failed that wrote none, it crashed."""
    passed = failed = 0
    silent = False
    for line in text.splitlines():
        if result := RESULT.match(line):
            passed, failed, silent = passed + int(result[1]), failed + int(result[2]), False
        elif re.match(r"\s+(Running|Doc-tests) \S", line):
            silent = True
        elif re.match(r"error: (test|doctest) failed", line) and silent:
            failed, silent = failed + 1, False
    return Count(passed, failed)


def settle(count: Count, code: int) -> Count:
    """The exit code has the last word; a runner that fails without naming a test, or runs none, counts 1."""
    if code == 0 and count.passed > 0:
        return Count(count.passed, 0)
    if (code != 0 and count.failed == 0) or count == Count(0, 0):
        return Count(count.passed, 1)
    return count


def total(counts: Sequence[Count]) -> Count:
    return Count(sum(count.passed for count in counts), sum(count.failed for count in counts))


def stream(command: Sequence[str]) -> tuple[int, str]:
    """Runs a command, passing its output on line by line; its exit code and that output without colours."""
    colours = {"FORCE_COLOR": "1", "CARGO_TERM_COLOR": "always"} if sys.stdout.isatty() else {}
    kept = []
    try:
        with subprocess.Popen(
            [shutil.which(command[0]) or command[0], *command[1:]],
            cwd=ROOT,
            env={**os.environ, **colours},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            for line in process.stdout or ():
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                kept.append(line.decode("utf-8", "replace"))
    except OSError as error:
        print(f"{command[0]} could not be started: {error}", flush=True)
        return 127, ""
    return process.returncode, ANSI.sub("", "".join(kept))


SUITES = {
    "scripts": Suite(
        [sys.executable, "-m", "unittest", "discover", "-s", "scripts", "-p", "test_*.py"], count_unittest
    ),
    "coreml": Suite(
        [sys.executable, "-m", "unittest", "discover", "-s", "models/coreml/tests", "-t", "models"],
        count_unittest,
    ),
    "interface": Suite(["npx", "--no", "vitest", "run"], count_vitest),
    "rust": Suite(
        ["cargo", "test", "--workspace", "--features", "custom-protocol", "--no-fail-fast"], count_cargo
    ),
}


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"There is no suite {', '.join(unknown)}; there are {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    counts = {}
    for name in names or SUITES:
        print(f"\n== {name}: {' '.join(SUITES[name].command)}", flush=True)
        code, text = stream(SUITES[name].command)
        counts[name] = settle(SUITES[name].count(text), code)
    print("\n" + ", ".join(f"{name} {count.passed} of {sum(count)}" for name, count in counts.items()))
    passed, failed = total(list(counts.values()))
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
