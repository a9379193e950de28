#!/usr/bin/env python3
"""Everything that needs torch and coremltools: converts MiniLM and the tiny Qwen3 in all ways and compares the results.

    .venv-coreml/bin/python models/coreml/tests/heavy.py [--out FOLDER] [--only WORD]
    .venv-coreml/bin/python models/coreml/tests/heavy.py --fixture      writes tests/data again

Run by hand; MiniLM's weights must be in vendor/weights (scripts/setup.py). Prints the table of README.md and ends with
1 if anything is not as it must be. Runs nothing on Core ML, on a Mac neither.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

os.environ.setdefault("TQDM_DISABLE", "1")

import torch

from coreml import convert, golden, manifest, neural_engine, pooling, source, spec, verify
from coreml.convert import Order
from coreml.errors import Refusal
from coreml.findings import Findings
from coreml.recipe import Profile
from coreml.tests import tiny

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
FIXTURE = Path(__file__).resolve().parent / "data" / "one-layer"


@dataclass(frozen=True)
class Model:
    name: str
    source: Path
    recipe: str
    lengths: str
    golden: Path


def models(place: Path) -> list[Model]:
    minilm = ROOT / "vendor" / "weights" / "all-minilm-l6-v2"
    profile = str(ROOT / "models" / "all-minilm-l6-v2.json")
    found = [Model("all-MiniLM-L6-v2", minilm, profile, "32,128", DATA / "minilm-golden.json")]
    for dims in tiny.INNER:
        folder = tiny.make(place / f"tiny-{dims}", dims)
        for recipe, lengths in (("official", "32,128"), ("papr-mean4", "32")):
            found.append(Model(f"tiny Qwen3 {dims}, {recipe}", folder, recipe, lengths, DATA / "qwen3-golden.json"))
    return found


def convert_quietly(order: Order) -> None:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            faults = convert.run(order)
    except Refusal:
        print(said.getvalue())
        raise
    if faults:
        raise Refusal(f"faults: {faults}", "see check.py")


def order_of(model: Model, out: Path, precision: str, multifunction: bool) -> Order:
    return Order(model.source, out, model.recipe, precision, model.lengths, multifunction, force=False)


def profile_of(model: Model) -> Profile:
    return convert.profile_of(model.recipe, source.read(model.source, Findings()))


def cases_of(model: Model) -> list[golden.Case]:
    profile = profile_of(model)
    return golden.read(model.golden, profile.recipe, model.source / "tokenizer.json")


def graphs(model: Model) -> list[str]:
    """The module with reference vectors, in both working types."""
    profile = profile_of(model)
    lengths = [int(length) for length in model.lengths.split(",")]
    failures = []
    for kind, length, report in verify.reports(model.source, profile, cases_of(model), lengths):
        print(
            f"| {model.name} | {kind} | {length} | {report.texts} | {report.least:.7f} | {report.mean:.7f} |",
            flush=True,
        )
        if report.least < verify.LEAST[kind]:
            failures.append(f"{model.name}, {kind}, {length} tokens: {report.line()}")
    return failures


def packages(model: Model, place: Path, precision: str, multifunction: bool) -> list[str]:
    """Written, checked, carried out."""
    began = time.monotonic()
    out = place / f"{model.name}-{precision}-{'one' if multifunction else 'each'}".replace(" ", "-").replace(",", "")
    convert_quietly(order_of(model, out, precision, multifunction))
    said = manifest.read(out)
    sizes = {entry["path"]: entry["bytes"] for entry in said["packages"]}
    reports = verify.package_reports(out, cases_of(model))
    functions = [f for entry in said["packages"] for f in spec.read(out / entry["path"]).functions.values()]
    counts = sorted({sum(neural_engine.computed(function.operations).values()) for function in functions})
    outside = sorted({sum(neural_engine.outside(function).values()) for function in functions})
    least = min(report.least for _, _, report in reports)
    mean = sum(report.mean * report.texts for _, _, report in reports) / sum(report.texts for _, _, report in reports)
    print(
        f"| {model.name} | {precision} | macOS {said['minimum_macos']} | {model.lengths.replace(',', ', ')} "
        f"| {' + '.join(f'{size / 1e6:.2f}' for size in sizes.values())} MB | {least:.6f} | {mean:.6f} "
        f"| {'/'.join(map(str, outside))} of {'/'.join(map(str, counts))} | {time.monotonic() - began:.0f} s |",
        flush=True,
    )
    wanted = verify.LEAST_OF_PACKAGES[precision]
    return [] if least >= wanted else [f"{model.name}, {precision}: cosine {least}, at least {wanted} is needed"]


def swapped(found: list[Model]) -> list[str]:
    """One recipe's graph against the other's vectors must be seen."""
    failures = []
    for one in found:
        others = [other for other in found if other.source == one.source and other.recipe != one.recipe]
        for other in others:
            profile = profile_of(one)
            for kind, length, report in verify.reports(one.source, profile, cases_of(other), [32]):
                print(
                    f"{one.name} against {other.recipe}'s vectors, {kind}: cosine at most {report.mean:.3f} in the mean"
                )
                if report.mean > 0.9:
                    failures.append(f"{one.name} passes for {other.recipe}, {kind}, {length} tokens")
    return failures


def large_numbers() -> list[str]:
    """Norms and means in half precision where squares and sums overflow it: as exact as with small numbers."""
    drawn = torch.Generator().manual_seed(0)
    tokens = (torch.rand(1, 512, 2560, generator=drawn) * 60000 - 20000).half()
    mask, weight = torch.ones(1, 512).half(), torch.ones(2560).half()
    eps = torch.tensor([1e-3])
    exact = tokens.double()
    pairs = {
        "norm": (
            pooling.rms_norm(tokens, weight, eps.half()),
            exact / (exact.square().mean(-1, keepdim=True) + 1e-6).sqrt(),
        ),
        "mean": (pooling.unit(pooling.masked_mean(tokens, mask)), exact.mean(1) / exact.mean(1).norm()),
    }
    failures = []
    for name, (found, wanted) in pairs.items():
        cosine = float(torch.nn.functional.cosine_similarity(found.double(), wanted, dim=-1).min())
        print(f"{name} of numbers up to 40000 in half precision: cosine at least {cosine:.7f}")
        if not cosine > 0.99999:
            failures.append(f"{name} of large numbers: {cosine}")
    return failures


def same_again(model: Model, place: Path) -> list[str]:
    """Two runs give the same bytes."""
    hashes = []
    for name in ("once", "again"):
        convert_quietly(order_of(model, place / name, "fp16", False))
        hashes.append([entry["sha256"] for entry in manifest.read(place / name)["packages"]])
    print(f"two runs of {model.name}: {'the same bytes' if hashes[0] == hashes[1] else 'other bytes'}")
    return [] if hashes[0] == hashes[1] else [f"{model.name}: two runs differ"]


def write_fixture(place: Path) -> None:
    folder = place / "one-layer"
    tiny.publish(folder, tiny.ONE_LAYER)
    if FIXTURE.exists():
        shutil.rmtree(FIXTURE)
    FIXTURE.parent.mkdir(exist_ok=True)
    convert_quietly(Order(folder, FIXTURE, "official", "fp16", "8", False, force=False))
    print(FIXTURE)


def main(line: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Converts small models in all ways and compares the results.")
    parser.add_argument("--out", type=Path, help="keep the packages here")
    parser.add_argument("--only", default="", help="models whose name has this word")
    parser.add_argument("--fixture", action="store_true", help="write the package of the light tests again")
    got = parser.parse_args(line)
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        place = got.out or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        if got.fixture:
            write_fixture(place)
            return 0
        found = [model for model in models(place) if got.only in model.name]
        print("| model | computed with | tokens | texts | least cosine | mean |\n|---|---|---|---|---|---|")
        for model in found:
            failures += graphs(model)
        failures += swapped(found)
        print("| model | precision | for | tokens | size | least cosine | mean | not on the engine | time |")
        print("|---|---|---|---|---|---|---|---|---|")
        for model in found:
            for precision in ("fp16", "int8", "4bit"):
                failures += packages(model, place, precision, multifunction=False)
                if "," in model.lengths:
                    failures += packages(model, place, precision, multifunction=True)
        failures += large_numbers()
        failures += same_again(found[-1], place)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    print(f"{len(failures)} failures" if failures else "all as it must be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
