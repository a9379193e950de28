#!/usr/bin/env python3
"""Type-checks the code for macOS on any system where Rust's standard library for it is installed.

A check never links, but one dependency compiles Objective-C on the way: a stand-in compiler that writes
empty objects is enough for it. Wrong code behind `cfg(target_os = "macos")` is found; what only Apple's
SDK knows is not.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = "aarch64-apple-darwin"
STAND_IN = """#!/bin/sh
# Answers every compilation with an empty object file.
while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then : > "$2"; fi
    shift
done
"""


def main() -> int:
    if not installed():
        print(f"check-mac: skipped, since {TARGET} is not installed here (rustup target add {TARGET}).")
        return 0
    environment = dict(os.environ) if sys.platform == "darwin" else {**os.environ, **stand_ins()}
    command = ["cargo", "check", "--workspace", "--features", "custom-protocol", "--target", TARGET]
    return subprocess.call(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def installed() -> bool:
    asked = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", TARGET],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        check=False,
    )
    return asked.returncode == 0 and any(Path(asked.stdout.strip()).glob("libstd-*"))


def stand_ins() -> "dict[str, str]":
    compiler = ROOT / "target" / "check-mac" / "cc"
    compiler.parent.mkdir(parents=True, exist_ok=True)
    compiler.write_text(STAND_IN, "utf-8")
    compiler.chmod(0o755)
    name = TARGET.replace("-", "_")
    # The library that the bundle carries is only there on a Mac.
    return {
        f"CC_{name}": str(compiler),
        f"AR_{name}": "ar",
        "TAURI_CONFIG": '{"bundle":{"macOS":{"frameworks":[]}}}',
    }


if __name__ == "__main__":
    sys.exit(main())
