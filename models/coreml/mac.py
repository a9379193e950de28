#!/usr/bin/env python3
"""The whole check on a Mac with Apple silicon, in one command, with a report to send.

    python3 models/coreml/mac.py [--length 32,128,256]

Sets up what is missing, converts the built-in model for Core ML, runs the tests that need a Mac, and compares the
converted model with the reference vectors and with ONNX Runtime: cosines, distances, load and query times, the compute
plan's share of the Neural Engine. The report holds the machine, versions and numbers, and no text of a person's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "models" / "coreml"
VENV = ROOT / ".venv-coreml"
WORK = ROOT / "target" / "coreml"
REPORT = WORK / "report.txt"
PYTHON = "python3.11"
TEST = ["cargo", "test", "--release", "--package", "papr-embed"]
SHOWN = ["--nocapture", "--test-threads=1"]


def main() -> int:
    parser = argparse.ArgumentParser(description="The whole check of Core ML on a Mac, with a report.")
    parser.add_argument("--length", default="32,128,256", help="lengths in tokens; the last one must be 256")
    length: str = parser.parse_args().length
    if (sys.platform, platform.machine()) != ("darwin", "arm64"):
        print("error: this check needs a Mac with Apple silicon", file=sys.stderr)
        return 1
    WORK.mkdir(parents=True, exist_ok=True)
    with REPORT.open("w", encoding="utf-8") as report:
        failed = check(Report(report), length)
    print(f"\n{'FAILED: ' + failed if failed else 'all of it passed'}. The report to send: {REPORT}")
    return 1 if failed else 0


class Report:
    """Everything that is printed, also in a file."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def say(self, text: str) -> None:
        # A path of a person's home is nobody's business.
        text = text.replace(str(ROOT), ".").replace(str(Path.home()), "~")
        print(text, flush=True)
        print(text, file=self.file, flush=True)

    def run(self, what: str, command: "list[str]", **more: str) -> bool:
        self.say(f"\n== {what}")
        environment = {**os.environ, **more}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            self.say(line.rstrip())
        return process.wait() == 0


def check(report: Report, length: str) -> str:
    """Runs the steps in order; the name of the one that failed, or nothing."""
    report.say(f"Core ML check of {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, macOS {platform.mac_ver()[0]}")
    report.run("machine", ["sysctl", "-n", "machdep.cpu.brand_string", "hw.memsize", "hw.ncpu"])
    report.run("commit", ["git", "log", "-1", "--format=%h %cs"])
    python = VENV / "bin" / "python"
    packages = WORK / "minilm"
    pip = [str(VENV / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--only-binary=:all:"]
    convert = [str(python), str(HERE / "convert.py"), "vendor/weights/all-minilm-l6-v2", str(packages)]
    convert += ["--recipe", "models/all-minilm-l6-v2.json"]
    steps = [
        ("set-up", [sys.executable, "scripts/setup.py", "test"]),
        ("environment", [PYTHON, "-m", "venv", str(VENV)]),
        ("requirements", [*pip, "-r", str(HERE / "requirements.txt")]),
        ("conversion", [*convert, "--length", length]),
        ("specification", [sys.executable, str(HERE / "check.py"), str(packages)]),
        ("calls to Core ML", [*TEST, "--lib", "--", "native::", *SHOWN]),
        ("converted model", [*TEST, "--test", "core_ml", "--", *SHOWN]),
    ]
    for what, command in steps:
        if not report.run(what, command, PAPR_CORE_ML_FOLDER=str(packages)):
            return what
    return in_the_app(report, packages)


def in_the_app(report: Report, packages: Path) -> str:
    """The same model as the app has it: imported, verified, timed, in a data folder of its own."""
    model: str = json.loads((packages / "coreml.json").read_text(encoding="utf-8"))["id"]
    papr = ["cargo", "run", "--release", "--quiet", "--package", "papr-cli", "--bin", "papr", "--"]
    papr += ["--data-dir", str(WORK / "data"), "models"]
    steps = [
        ("papr models import", [*papr, "import", str(packages)]),
        ("papr models verify", [*papr, "verify", model]),
        ("papr models bench", [*papr, "bench", model]),
    ]
    return next((what for what, command in steps if not report.run(what, command)), "")


if __name__ == "__main__":
    sys.exit(main())
