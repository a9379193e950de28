"""The order of the steps, and the one place where the set-up ends the process."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from . import model, node, system, tools, vendor
from .files import alone
from .project import Project
from .report import AGAIN, Failure, disk_full, say

Step = Callable[[Project], None]

ROOT = Path(__file__).resolve().parents[2]
TOOLS: tuple[Step, ...] = (tools.rust, tools.node)
INTERFACE: tuple[Step, ...] = (node.packages, node.bundle)
SEARCH: tuple[Step, ...] = (vendor.runtime, vendor.weights, model.convert)

PLANS: dict[str, tuple[Step, ...]] = {
    "check": (*TOOLS, system.for_building, *INTERFACE),
    "run": (*TOOLS, system.for_building, *INTERFACE, *SEARCH),
    "test": (*TOOLS, system.for_testing, *INTERFACE, *SEARCH, model.for_tests),
    "model": (tools.rust, *SEARCH),
}
PLANS["all"] = PLANS["test"]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Runs a plan. 0 when everything is there, 1 with a message when something is not."""
    parser = argparse.ArgumentParser(
        prog="setup.py", description="Puts on this machine what this project needs."
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="all",
        choices=sorted(PLANS),
        help="what to prepare for: run, test, check (the linters), model (search alone), or all, the default",
    )
    plan = PLANS[parser.parse_args(arguments).what]
    try:
        carry_out(plan, Project(root))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nSet-up interrupted. {AGAIN}", file=sys.stderr)
        return 130
    say("Set-up: ready.")
    return 0


def carry_out(plan: Sequence[Step], project: Project) -> None:
    """The steps in order, alone in this folder. What the file system refuses becomes a `Failure` too."""
    try:
        with alone(project.vendor / ".lock"):
            for step in plan:
                step(project)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full(error.filename or project.vendor) from error
        raise Failure(
            f"{error.filename or 'a file'}: {error.strerror or error}.",
            f"See that this folder and what is in it belong to you and can be written. {AGAIN}",
        ) from error
