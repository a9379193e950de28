"""The models: the project's own converter writes the published weights as the graphs the app runs."""

from __future__ import annotations

from collections.abc import Sequence

from . import shell
from .files import digest_of
from .pins import WEIGHTS
from .project import Project
from .report import AGAIN, say

NAME = "all-minilm-l6-v2"
# The built-in model, and the same in 8-bit integers: smaller and faster, for machines that need it.
BUILT_IN = {"fp32": f"vendor/models/{NAME}", "int8": f"vendor/models/{NAME}-int8"}
# Qwen3 with made-up weights, by recipe: a model of another family, for tests alone. Never bundled.
TINY = {
    "official": "vendor/test-models/tiny-qwen3-official",
    "papr-mean4": "vendor/test-models/tiny-qwen3-papr-mean4",
}


def convert(project: Project) -> None:
    """The built-in model. Runs the converter when its sources, the profile or the weights changed, or its output
    is not whole."""
    weights, profile = f"vendor/weights/{NAME}", f"models/{NAME}.json"
    for precision, out in BUILT_IN.items():
        words = ["--weights", weights, "--profile", profile, "--precision", precision]
        _write(project, out, words, [profile], repr(WEIGHTS.members))


def for_tests(project: Project) -> None:
    """The tiny models that tests change to. Their weights come out of the converter itself."""
    for recipe, out in TINY.items():
        _write(project, out, ["tiny-qwen3", "--recipe", recipe], [], "")


def _write(project: Project, out: str, words: Sequence[str], inputs: Sequence[str], more: str) -> None:
    """Makes the model folder `out`, unless it is there, whole, and made from the same."""
    formats = [f"src-tauri/crates/memory/src/{name}.rs" for name in ("recipe", "manifest", "fingerprint")]
    sources = ["models/converter", *formats, *inputs]
    stamp = project.stamp(
        f"model-{out.rsplit('/', 1)[-1]}",
        digest_of(project.root, [project.root / source for source in sources], repr((words, more))),
        project.root / out / "manifest.json",
        project.root / out,
    )
    if stamp.current():
        return
    say(f"Writing {out} (the first time, its converter is compiled: about a minute) ...")
    command = ["cargo", "run", "--quiet", "--release", "-p", "papr-convert", "--", *words, "--out", out]
    done = shell.run(command, cwd=project.root)
    if done.code != 0:
        raise shell.why(done, "the model could not be written.", "Mend what it says above. " + AGAIN)
    stamp.write()
