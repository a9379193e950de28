"""The two things no package manager of this project brings: ONNX Runtime's library, the model's weights."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from . import pins
from .files import digest_of, sha256_of, whole
from .project import Project
from .report import Failure
from .wheels import fetch

LICENCES = Path(__file__).parent / "licences"
SYSTEMS = {"Darwin": "macOS"}
MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}


def runtime(project: Project) -> None:
    """ONNX Runtime's shared library. Whoever brings an own one (`ORT_DYLIB_PATH`) needs none from here."""
    if not Path(os.environ.get("ORT_DYLIB_PATH", "")).is_file():
        place(project, runtime_for(platform.system(), platform.machine(), platform.mac_ver()[0]))


def runtime_for(system: str, machine: str, macos: str = "") -> pins.Parcel:
    """The parcel for a machine, as Python's `platform` names it."""
    name = f"{SYSTEMS.get(system, system)} {MACHINES.get(machine.lower(), machine.lower())}"
    too_old = name.startswith("macOS") and macos and int(macos.split(".")[0]) < 14
    if name in pins.RUNTIMES and not too_old:
        return pins.RUNTIMES[name]
    raise Failure(
        f"there is no ONNX Runtime {pins.ONNXRUNTIME} pinned for {name}{' ' + macos if too_old else ''}.",
        f"Supported are {', '.join(pins.RUNTIMES)} (macOS from 14 on). Elsewhere, build or install "
        f"ONNX Runtime {pins.ONNXRUNTIME} and set ORT_DYLIB_PATH to its library.",
    )


def weights(project: Project) -> None:
    """The weights of the built-in model, as their authors published them."""
    place(project, pins.WEIGHTS)


def place(project: Project, parcel: pins.Parcel) -> None:
    """Makes `vendor/<folder>` hold the parcel's files, every one of them with its pinned checksum."""
    folder = project.vendor / parcel.folder
    texts = sorted((LICENCES / parcel.texts).iterdir()) if parcel.texts else []
    stamp = project.stamp(
        folder.name if parcel.texts is None else f"weights-{folder.name}",
        digest_of(LICENCES, texts, repr(parcel)),
        *(folder / file.name for file in (*parcel.members, *texts)),
    )
    if stamp.current():
        return
    if not all(_right(folder / member.name, member) for member in parcel.members):
        fetch(project, parcel, folder)
    for text in texts:
        with whole(folder / text.name) as file:
            file.write(text.read_bytes())
    stamp.write()


def _right(path: Path, member: pins.Member) -> bool:
    return path.is_file() and path.stat().st_size == member.size and sha256_of(path) == member.sha256
