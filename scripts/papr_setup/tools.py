"""The compilers and interpreters a person must have: Rust and Node. They are checked, never installed."""

from __future__ import annotations

import re

from . import shell
from .pins import NODE
from .project import Project
from .report import Failure

Version = tuple[int, int]


def rust(project: Project) -> None:
    """cargo, and a rustc at least as new as the workspace asks for."""
    needed = rust_version((project.root / "Cargo.toml").read_text("utf-8"))
    todo = (
        f"Install Rust {_dotted(needed)} or newer with rustup ('rustup update stable' if you have rustup), "
        "open a new terminal and run the same command again."
    )
    for tool in ("cargo", "rustc"):
        if shell.find(tool) is None:
            raise Failure(f"{tool} was not found.", todo)
    found = version_in(shell.run(["rustc", "--version"], cwd=project.root).text)
    if found is None or found < needed:
        raise Failure(f"this is Rust {_dotted(found)}, and {_dotted(needed)} or newer is needed.", todo)


def rust_version(manifest: str) -> Version:
    """The `rust-version` of a Cargo.toml: the one place where it is decided."""
    found = re.search(r'^rust-version\s*=\s*"([\d.]+)"', manifest, re.MULTILINE)
    return (found and version_in(found.group(1))) or (1, 92)


def node(_project: Project) -> None:
    """Node new enough for Vite, with its npm."""
    todo = f"Install Node {NODE}, with npm, open a new terminal and run the same command again."
    if shell.find("node") is None:
        raise Failure(f"Node was not found; Node {NODE} is needed.", todo)
    found = version_in(shell.run([shell.find("node") or "node", "--version"]).text)
    if not node_will_do(found):
        raise Failure(f"this is Node {_dotted(found)}, and Node {NODE} is needed.", todo)
    if shell.find("npm") is None:
        raise Failure(f"Node {_dotted(found)} is here, but its package manager npm was not found.", todo)


def node_will_do(version: Version | None) -> bool:
    """What Vite and its plugins ask for: `^20.19 || >=22.12`."""
    return version is not None and ((20, 19) <= version < (21, 0) or version >= (22, 12))


def version_in(text: str) -> Version | None:
    """The first `major.minor` in a program's answer."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def _dotted(version: Version | None) -> str:
    return ".".join(map(str, version)) if version else "of unknown version"
