#!/usr/bin/env python3
"""Compares the graph, and packages written of it, with reference vectors. Needs no Mac.

    python -m coreml.verify SOURCE --recipe RECIPE --golden FILE [--length 32,128] [--packages FOLDER]

The module that convert traces is computed by torch, at the fixed length, filled up: with 32-bit numbers, then with
weights and everything computed in half precision. With --packages, the operations of the written packages too are
carried out one by one, weights read from their files. How Core ML's own arithmetic differs, only a Mac can tell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import torch

from coreml import execute, golden, graph, manifest, recipe, source, spec
from coreml.convert import profile_of
from coreml.errors import Refusal
from coreml.findings import Findings
from coreml.golden import Case, Report
from coreml.recipe import Profile
from coreml.weights import Weights

LEAST = {"float32": 0.99999, "float16": 0.9999}
# Of packages, by the precision of their weights. What fewer bits cost depends on the model: 4bit is only told.
LEAST_OF_PACKAGES = {"fp16": 0.9999, "int8": 0.97, "4bit": 0.0}


def reports(folder: Path, profile: Profile, cases: list[Case], lengths: list[int]) -> list[tuple[str, int, Report]]:
    """Of each working type and length."""
    found = []
    for name in LEAST:
        findings = Findings()
        weights = Weights(source.read(folder, findings), getattr(torch, name), findings)
        for length in lengths:
            module = graph.module(weights, profile.recipe, length, profile.architecture)
            findings.settle(force=False)
            found.append((name, length, golden.compare(module, cases, length, profile.recipe.pad_token)))
    return found


def package_reports(packages: Path, cases: list[Case]) -> list[tuple[str, int, Report]]:
    """Of each package and length, as the manifest lists them."""
    said = manifest.read(packages)
    how = recipe.of_fields(said["recipe"], str(packages))
    found = []
    for entry in said["packages"]:
        package = spec.read(packages / entry["path"])
        for one in entry["functions"]:
            program = execute.Program(package, one.get("name", "main"), how.input_ids)
            found.append(
                (said["precision"], one["tokens"], golden.compare(program, cases, one["tokens"], how.pad_token))
            )
    return found


def main(line: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Compares the graph with reference vectors.")
    parser.add_argument("source", type=Path, help="folder with the published files")
    parser.add_argument("--recipe", required=True, help="official or papr-mean4 (Qwen3), or a profile of models/*.json")
    parser.add_argument("--golden", type=Path, required=True, help="a file like tests/data/minilm-golden.json")
    parser.add_argument("--length", default="", help="lengths in tokens (default: 32, 128 and the recipe's)")
    parser.add_argument("--packages", type=Path, help="a folder that convert has written")
    got = parser.parse_args(line)
    failed = False
    try:
        published = source.read(got.source, Findings())
        profile = profile_of(got.recipe, published)
        how = profile.recipe
        lengths = recipe.lengths(
            got.length or recipe.usual_lengths(how), how, int(published.config["max_position_embeddings"])
        )
        cases = golden.read(got.golden, how, got.source / "tokenizer.json")
        for name, length, report in reports(got.source, profile, cases, lengths):
            failed |= told(f"graph, {name}", length, report, LEAST[name])
        if got.packages is not None:
            for precision, length, report in package_reports(got.packages, cases):
                failed |= told(f"package, {precision}", length, report, LEAST_OF_PACKAGES[precision])
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    return 1 if failed else 0


def told(what: str, length: int, report: Report, least: float) -> bool:
    """Prints one line; whether it is a failure."""
    failed = report.least < least
    verdict = f"FAILED, at least {least} is needed" if failed else "ok"
    print(f"{what}, {length} tokens: {report.line()}: {verdict}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
