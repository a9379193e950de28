#!/usr/bin/env python3
"""Writes Core ML packages of a published model.

    python -m coreml.convert SOURCE OUT --recipe RECIPE [--precision fp16] [--length 32,128]
    python models/coreml/convert.py …                                the same from anywhere

SOURCE holds the published files: config.json, model.safetensors (or its parts and their index), tokenizer.json.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from coreml import check, manifest, memory, recipe, scratch, source
from coreml.errors import Refusal
from coreml.findings import Findings, listening
from coreml.recipe import Profile


@dataclass(frozen=True)
class Order:
    """What is to be written, read from the command line."""

    source: Path
    out: Path
    recipe: str
    precision: str
    length: str
    multifunction: bool
    force: bool


def say(text: str) -> None:
    print(text, flush=True)


def profile_of(name: str, published: source.Source) -> Profile:
    """The profile of `--recipe`: a file's, or one made of the published configuration."""
    if name not in recipe.NAMED:
        return recipe.read_profile(Path(name))
    if published.family != "qwen3":
        raise Refusal(
            f"--recipe {name} is of Qwen3, {published.folder} holds {published.family}",
            "give a profile, like models/all-minilm-l6-v2.json",
        )
    take = source.taker(published.config)
    end = published.config.get("eos_token_id")
    how = recipe.named(
        name,
        int(take("hidden_size")),
        min(512, int(take("max_position_embeddings"))),
        end if isinstance(end, int) else recipe.QWEN3_END,
    )
    model = published.folder.resolve().name
    return Profile(
        id=f"{model.lower()}-{name}",
        name=f"{model}, {name} recipe",
        license="see the source",
        source=model,
        languages=(),
        architecture={"family": "qwen3"},
        recipe=how,
    )


def arguments_of(line: list[str]) -> Order:
    parser = argparse.ArgumentParser(description="Writes Core ML packages of a published model.")
    parser.add_argument("source", type=Path, help="folder with the published files")
    parser.add_argument("out", type=Path, help="folder for packages, tokenizer and coreml.json")
    parser.add_argument("--recipe", required=True, help="official or papr-mean4 (Qwen3), or a profile of models/*.json")
    parser.add_argument("--precision", choices=recipe.PRECISIONS, default="fp16")
    parser.add_argument("--length", help="lengths in tokens, like 32,128,512 (default: 32, 128 and the recipe's own)")
    parser.add_argument(
        "--package",
        choices=("per-length", "multifunction"),
        default="per-length",
        help="a package for each length (macOS 14), or one with shared weights (macOS 15)",
    )
    parser.add_argument("--force", action="store_true", help="go on past too little memory and structural findings")
    got = parser.parse_args(line)
    return Order(
        got.source,
        got.out,
        got.recipe,
        got.precision,
        got.length or "",
        got.package == "multifunction",
        got.force,
    )


def preflight(order: Order, parameters: int, lengths: int) -> None:
    needed = memory.need(parameters, order.precision, lengths, order.multifunction)
    try:
        say(f"memory: {memory.check(needed, memory.this_machine(order.out))}")
    except Refusal as refusal:
        if not order.force:
            raise
        say(f"forced past: {refusal.what}")


def run(order: Order) -> list[str]:
    """Writes what is ordered; the faults that the check of the result found."""
    findings = Findings()
    published = source.read(order.source, findings)
    profile = profile_of(order.recipe, published)
    how = profile.recipe
    positions = int(source.taker(published.config)("max_position_embeddings"))
    lengths = recipe.lengths(order.length or recipe.usual_lengths(how), how, positions)
    if lengths[-1] < how.max_tokens:
        say(f"texts will be cut at {lengths[-1]} tokens, the recipe says {how.max_tokens}: this makes another space")
    refuse_occupied(order.out)
    freed = scratch.sweep(order.out.parent)
    if freed:
        say(f"removed {memory.gb(freed)} GB that an earlier run had left")
    preflight(order, published.parameters, len(lengths))
    order.out.parent.mkdir(parents=True, exist_ok=True)
    with scratch.space(order.out.parent) as space:
        fresh = space / "result"
        fresh.mkdir()
        packages, minimum_macos = packages_of(order, profile, published, lengths, fresh, space, findings)
        for line in findings.settle(order.force):
            say(line)
        for name in ("tokenizer.json", "LICENSE", "NOTICE"):
            if (order.source / name).is_file():
                shutil.copyfile(order.source / name, fresh / name)
        about = manifest.About(
            id=f"{profile.id}-coreml-{order.precision}",
            name=f"{profile.name} (Core ML, {order.precision})",
            license=profile.license,
            source=profile.source,
            languages=profile.languages,
            weights=published.weights_sha256(),
            precision=order.precision,
            minimum_macos=minimum_macos,
            recipe=recipe.cut_to(how, lengths[-1]),
        )
        manifest.write(fresh, manifest.build(fresh, about, packages))
        told, faults = check.check(fresh)
        for line in told:
            say(line)
        if faults and not order.force:
            raise Refusal(
                "the written package is not as it must be:\n  - " + "\n  - ".join(faults),
                "report it with these lines; nothing was put into " + str(order.out),
            )
        put(fresh, order.out)
    return faults


def packages_of(
    order: Order,
    profile: Profile,
    published: source.Source,
    lengths: list[int],
    folder: Path,
    space: Path,
    findings: Findings,
) -> tuple[list[manifest.Part], str]:
    """Everything that needs torch and coremltools."""
    say("loading torch and coremltools")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
    with listening(findings):
        try:
            from coreml import graph, package
            from coreml.weights import Weights, working_type
        except ImportError as error:
            raise Refusal(f"{error}", "make the virtual environment of models/coreml/README.md") from error
        weights = Weights(published, working_type(published.family), findings)
        target = package.Target(order.multifunction)

        def module_of(length: int) -> Any:
            return graph.module(weights, profile.recipe, length, profile.architecture)

        module_of(lengths[0])
        if findings.faults and not order.force:
            findings.settle(order.force)
        try:
            written = package.write(module_of, profile.recipe, lengths, order.precision, target, folder, space, say)
        except Exception as error:
            traceback.print_exc()
            raise Refusal(
                f"the conversion failed: {type(error).__name__}: {error}",
                "compare the versions with models/coreml/requirements.txt; if they agree, report the lines above",
            ) from error
        for name in written:
            package.settle(folder / name, metadata_of(order, profile), profile.license, profile.name)
    parts = [
        manifest.Part(name, {n: package.function_name(n) if order.multifunction else None for n in functions})
        for name, functions in written.items()
    ]
    return parts, target.minimum_macos


def metadata_of(order: Order, profile: Profile) -> dict[str, str]:
    pooling = profile.recipe.pooling
    return {
        "ai.papr.model": profile.id,
        "ai.papr.precision": order.precision,
        "ai.papr.pooling": pooling.method if pooling.layers == 1 else f"{pooling.method}({pooling.layers})",
    }


def refuse_occupied(out: Path) -> None:
    if out.exists() and not (out.is_dir() and ((out / manifest.NAME).is_file() or not any(out.iterdir()))):
        raise Refusal(f"{out} holds something else than packages of this converter", "give another folder")


def put(fresh: Path, out: Path) -> None:
    """Puts the finished folder in its place; what stood there goes only then."""
    refuse_occupied(out)
    old: Optional[Path] = None
    if out.exists():
        old = fresh.with_name("old")
        out.rename(old)
    fresh.rename(out)


def main(line: list[str], work: Callable[[Order], list[str]] = run) -> int:
    order = arguments_of(line)
    try:
        faults = work(order)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    for fault in faults:
        say(f"forced past: {fault}")
    say(f"written: {order.out}. It has not been run: that needs a Mac.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
