#!/usr/bin/env python3
"""Starts the app; where there is no display, the same search in the terminal. `setup.py run` comes first."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

WINDOW = ["cargo", "run", "--release", "--features", "custom-protocol", "--bin", "papr-desktop"]
TERMINAL = ["cargo", "run", "--release", "-p", "papr-cli", "--", "demo"]


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Linux says so in its environment; a Mac and Windows always have one."""
    return not platform.startswith("linux") or any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def main() -> int:
    window = has_display(sys.platform, os.environ)
    if not window:
        print(
            "There is no display here (DISPLAY and WAYLAND_DISPLAY are not set), "
            "so the same search runs in this terminal.",
            flush=True,
        )
    try:
        return subprocess.call(WINDOW if window else TERMINAL, cwd=Path(__file__).resolve().parents[1])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
