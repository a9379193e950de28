"""A look at memory and disk before a heavy step: better a refusal with numbers than a machine that stands still.

What systems call free memory lies under pressure. Counted here is what programs may have without pushing anything
else out. Every conversion must fit into memory and swap together. int8 and 4bit go through the weights again and
again, and would stand still if those were swapped out: of their need, a part must be memory that is truly there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .errors import Refusal

GB = 1_000_000_000
# Python, torch and coremltools with no model.
BASE = 700_000_000
# Bytes a weight at the height of a conversion, measured: README.md, Memory.
BYTES_A_WEIGHT = 7.5
# Of these, bytes a weight that must not be swap. int8: the lower end of the published 20 to 28 GB for four billion
# weights. 4bit: what a machine of 64 GB has left and one of 32 GB has not, as was published too.
UNSWAPPED_BYTES_A_WEIGHT = {"fp16": 0.0, "int8": 5.0, "4bit": 9.0}
STORED_BYTES_A_WEIGHT = {"fp16": 2.0, "int8": 1.0, "4bit": 0.5}
# macOS makes swap files as it needs them, and stops before the disk is full.
DISK_KEPT_FREE = 10 * GB


@dataclass(frozen=True)
class Machine:
    """Bytes that can be had now; `disk` where the packages go."""

    memory: int
    swap: int
    disk: int


@dataclass(frozen=True)
class Need:
    """Bytes a conversion takes at its height: `total` of memory and swap, of which `memory` is no swap."""

    precision: str
    total: int
    memory: int
    disk: int


def need(parameters: int, precision: str, lengths: int, multifunction: bool) -> Need:
    """For so many weights. Every length is converted by itself; a multi-function package holds the weights once."""
    memory = BASE + int(parameters * UNSWAPPED_BYTES_A_WEIGHT[precision])
    total = max(BASE + int(parameters * BYTES_A_WEIGHT), memory)
    stored = int(parameters * STORED_BYTES_A_WEIGHT[precision])
    whole = int(parameters * STORED_BYTES_A_WEIGHT["fp16"])
    # coremltools writes a model into a scratch folder and copies it: the last one is there twice.
    disk = lengths * stored + whole + (stored if multifunction else 0)
    return Need(precision, total, memory, disk)


def check(need: Need, machine: Machine) -> str:
    """What was found, for people. Refuses what does not fit."""
    there = machine.memory + machine.swap
    have = f"there are {gb(there)} GB ({gb(machine.memory)} GB of memory available, {gb(machine.swap)} GB of swap)"
    smaller = "" if need.precision == "fp16" else "or take --precision fp16, which may swap; "
    if need.memory > machine.memory:
        raise Refusal(
            f"{need.precision} needs {gb(need.memory)} GB of memory that is no swap; {have}",
            f"close other programs; {smaller}or convert on a larger machine and copy the package; --force goes on",
        )
    if need.total > there:
        raise Refusal(
            f"{need.precision} needs {gb(need.total)} GB of memory and swap; {have}",
            "close other programs, add swap, or convert on a larger machine and copy the package; --force goes on",
        )
    if need.disk > machine.disk:
        raise Refusal(
            f"{need.precision} needs {gb(need.disk)} GB on the disk; there are {gb(machine.disk)} GB",
            "make room, take fewer lengths, or --package multifunction; --force goes on",
        )
    slow = "; it will swap, which is slow" if need.total > machine.memory else ""
    return (
        f"needs {gb(need.total)} GB of memory and swap, {have}; "
        f"{gb(need.disk)} GB of disk, there are {gb(machine.disk)} GB{slow}"
    )


def gb(size: int) -> str:
    return f"{size / GB:.1f}"


def of_meminfo(text: str) -> tuple[int, int]:
    """Available memory and free swap of Linux' `/proc/meminfo`."""
    found = {name: int(value) * 1024 for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return found.get("MemAvailable", 0), found.get("SwapFree", 0)


def of_vm_stat(text: str) -> int:
    """Memory of macOS' `vm_stat` that can be had: free, inactive, speculative and purgeable pages."""
    size = re.search(r"page size of (\d+) bytes", text)
    pages = {name: int(value) for name, value in re.findall(r"^Pages ([\w ]+):\s+(\d+)\.$", text, re.MULTILINE)}
    wanted = ("free", "inactive", "speculative", "purgeable")
    return sum(pages.get(name, 0) for name in wanted) * (int(size[1]) if size else 4096)


def of_cgroup(limit: str, current: str, stat: str) -> Optional[int]:
    """What a container still allows; files it has read count as used there, and go when it needs more."""
    if not limit.strip().isdigit() or not current.strip().isdigit():
        return None
    reclaimable = re.search(r"^inactive_file (\d+)$", stat, re.MULTILINE)
    return max(int(limit) - int(current) + (int(reclaimable[1]) if reclaimable else 0), 0)


def this_machine(place: Path) -> Machine:
    """Memory and swap of this machine, and the disk of the nearest folder above `place` that exists."""
    while not place.exists() and place != place.parent:
        place = place.parent
    disk = shutil.disk_usage(place).free
    if sys.platform == "darwin":
        text = subprocess.run(["vm_stat"], capture_output=True, text=True, check=True).stdout
        swap = max(shutil.disk_usage("/").free - DISK_KEPT_FREE, 0)
        return Machine(of_vm_stat(text), swap, disk)
    if sys.platform.startswith("linux"):
        memory, swap = of_meminfo(Path("/proc/meminfo").read_text(encoding="ascii"))
        allowed = of_cgroup(*(_cgroup(name) for name in ("memory.max", "memory.current", "memory.stat")))
        return Machine(memory if allowed is None else min(memory, allowed), swap, disk)
    raise Refusal(
        f"the memory of {os.name} systems cannot be read here",
        "convert on macOS or Linux; coremltools has no build for other systems",
    )


def _cgroup(name: str) -> str:
    try:
        return (Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")
    except OSError:
        return ""
