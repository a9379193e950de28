#!/usr/bin/env python3
"""Compares written packages with their manifest and recipe, on any system, with nothing but Python.

    python -m coreml.check FOLDER     or     python models/coreml/check.py FOLDER

FOLDER is what convert has written. Ends with 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from coreml import manifest, neural_engine, spec
from coreml.errors import Refusal
from coreml.recipe import Recipe, of_fields
from coreml.spec import Feature, Function, Package

LARGEST_INDEX = {"int16": 1 << 15, "uint16": 1 << 16, "int32": 1 << 31}
OPSETS = {"CoreML7": 8, "CoreML8": 9}


def expected(recipe: Recipe, length: int) -> tuple[list[Feature], list[Feature]]:
    """Inputs and outputs of a graph of this recipe."""
    tokens = (1, length)
    inputs = [Feature(recipe.input_ids, "int32", tokens), Feature(recipe.attention_mask, "int32", tokens)]
    return inputs, [Feature(recipe.output, "float32", (1, recipe.dims))]


def interface_faults(function: Function, recipe: Recipe, length: int) -> list[str]:
    """Where inputs and outputs are not those of the recipe."""
    faults = []
    wanted = expected(recipe, length)
    for kind, found, right in zip(("inputs", "outputs"), (function.inputs, function.outputs), wanted):
        if sorted(found, key=lambda one: one.name) != sorted(right, key=lambda one: one.name):
            faults.append(
                f"{function.name}: {kind} are {', '.join(one.line() for one in found) or 'none'}; "
                f"they must be {', '.join(one.line() for one in right)}"
            )
    if function.results != [recipe.output]:
        faults.append(f"{function.name}: the program gives {function.results}, not {recipe.output}")
    produced = {output.name: output for operation in function.operations for output in operation.outputs}
    last = produced.get(recipe.output)
    if last is not None and last.shape != (1, recipe.dims):
        faults.append(f"{function.name}: the program makes {list(last.shape)} numbers, not [1, {recipe.dims}]")
    return faults


def program_faults(function: Function) -> list[str]:
    """What would go wrong inside: open shapes, indices too narrow for the table they look into."""
    faults = []
    constants: dict[str, Feature] = {}
    results: dict[str, Feature] = {feature.name: feature for feature in function.inputs}
    for operation in function.operations:
        for output in operation.outputs:
            results[output.name] = output
            if -1 in output.shape:
                faults.append(f"{function.name}: {output.name} has no fixed shape: {list(output.shape)}")
            if operation.type == "const" or operation.type.startswith("constexpr_"):
                constants[output.name] = output
        if operation.type == "gather":
            table, indices = operation.inputs["x"][0], operation.inputs["indices"][0]
            if isinstance(table, str) and isinstance(indices, str) and table in constants:
                rows, dtype = constants[table].shape[0], results[indices].dtype
                if rows > LARGEST_INDEX.get(dtype, 0):
                    faults.append(f"{function.name}: {dtype} cannot count the {rows} rows of {table}")
    return faults


def package_faults(package: Package, recipe: Recipe, functions: dict[int, str]) -> list[str]:
    """All faults of a package whose `functions` are said to serve these lengths."""
    faults = []
    if package.macos not in ("14", "15"):
        faults.append(f"{package.path.name} is for macOS {package.macos}, not 14 or 15")
    if set(functions.values()) != set(package.functions):
        faults.append(
            f"{package.path.name} has the functions {sorted(package.functions)}, not {sorted(functions.values())}"
        )
    for length, name in functions.items():
        function = package.functions.get(name)
        if function is None:
            continue
        if OPSETS.get(function.opset, 99) > package.version:
            faults.append(f"{function.name}: operations of {function.opset} in specification {package.version}")
        faults += interface_faults(function, recipe, length) + program_faults(function)
    return faults


def lines(package: Package) -> list[str]:
    """What a package is, for people."""
    found = [f"{package.path.name}: specification {package.version}, macOS {package.macos} or later"]
    for function in package.functions.values():
        found.append(f"  {function.name} ({function.opset})")
        found += [f"    in  {feature.line()}" for feature in function.inputs]
        found += [f"    out {feature.line()}" for feature in function.outputs]
        counts = neural_engine.computed(function.operations)
        found.append(
            f"    {sum(counts.values())} operations: " + ", ".join(f"{n} {t}" for t, n in counts.most_common())
        )
        for (kind, why), count in sorted(neural_engine.outside(function).items()):
            found.append(f"    known not to run on the Neural Engine: {count} {kind} ({why})")
    return found


def check(folder: Path) -> tuple[list[str], list[str]]:
    """What lies in `folder`, line by line, and its faults."""
    said = manifest.read(folder)
    recipe = of_fields(said["recipe"], str(folder / manifest.NAME))
    told, faults = [], manifest.differences(folder, said)
    for entry in said["packages"]:
        package = spec.read(folder / entry["path"])
        functions = {one["tokens"]: one.get("name", "main") for one in entry["functions"]}
        told += lines(package)
        faults += package_faults(package, recipe, functions)
        if package.macos != said["minimum_macos"].split(".")[0]:
            faults.append(f"{entry['path']} is for macOS {package.macos}, the manifest says {said['minimum_macos']}")
    return told, faults


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Compares written packages with their manifest and recipe.")
    parser.add_argument("folder", type=Path, help="what convert has written")
    try:
        told, faults = check(parser.parse_args(arguments).folder)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    print("\n".join(told))
    for fault in faults:
        print(f"fault: {fault}", file=sys.stderr)
    print(f"{len(faults)} faults" if faults else "as the manifest and the recipe say")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
