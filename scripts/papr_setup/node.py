"""The user interface: its npm packages by lock file, and the bundle that the app embeds."""

from __future__ import annotations

from . import shell
from .files import digest_of
from .project import Project
from .report import AGAIN, Failure, say

CONFIGURATION = ("package.json", "package-lock.json", "vite.config.*", "svelte.config.*", "tsconfig*.json")


def packages(project: Project) -> None:
    """`node_modules` exactly as `package-lock.json` says."""
    for name in ("package.json", "package-lock.json"):
        if not (project.root / name).is_file():
            raise Failure(
                f"{name} is missing, so this copy of the project is not complete.",
                f"Restore it: git checkout {name}",
            )
    # npm writes the inner lock last, so it stands for the folder.
    stamp = project.stamp(
        "npm",
        digest_of(project.root, [project.root / "package-lock.json"]),
        project.root / "node_modules" / ".package-lock.json",
    )
    if stamp.current():
        return
    say("Installing npm packages ...")
    _npm(project, ["ci"], "npm could not install the packages of package-lock.json.", AGAIN)
    stamp.write()


def bundle(project: Project) -> None:
    """`ui/dist`, built anew when a source of it has changed."""
    sources = [project.root / "ui", *project.existing(CONFIGURATION)]
    stamp = project.stamp("ui", digest_of(project.root, sources), project.root / "ui" / "dist")
    if stamp.current():
        return
    say("Building the user interface ...")
    _npm(project, ["run", "build"], "the user interface does not build.", "Mend what it says above. " + AGAIN)
    stamp.write()


def _npm(project: Project, arguments: list[str], what: str, todo: str) -> None:
    done = shell.run([shell.find("npm") or "npm", *arguments], cwd=project.root)
    if done.code != 0:
        raise shell.why(done, what, todo)
