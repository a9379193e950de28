"""The built-in model: the project's own converter writes the published weights as the graph the app runs."""

from __future__ import annotations

from . import shell
from .files import digest_of
from .pins import WEIGHTS
from .project import Project
from .report import AGAIN, say

NAME = "all-minilm-l6-v2"


def convert(project: Project) -> None:
    """Runs the converter when its sources, the profile or the weights changed, or its output is not whole."""
    weights, profile, out = f"vendor/weights/{NAME}", f"models/{NAME}.json", f"vendor/models/{NAME}"
    recipe = project.root / "src-tauri" / "crates" / "memory" / "src" / "recipe.rs"
    inputs = [project.root / "models" / "converter", project.root / profile, recipe]
    stamp = project.stamp(
        f"model-{NAME}",
        digest_of(project.root, inputs, repr(WEIGHTS.members)),
        project.root / out / "manifest.json",
        project.root / out,
    )
    if stamp.current():
        return
    say("Writing the built-in model (the first time, its converter is compiled: about a minute) ...")
    done = shell.run(
        [
            "cargo",
            "run",
            "--quiet",
            "--release",
            "-p",
            "papr-convert",
            "--",
            "--weights",
            weights,
            "--profile",
            profile,
            "--out",
            out,
        ],
        cwd=project.root,
    )
    if done.code != 0:
        raise shell.why(done, "the model could not be written.", "Mend what it says above. " + AGAIN)
    stamp.write()
