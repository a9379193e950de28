"""From a torch module to an `.mlpackage`: the only file that knows coremltools. Writes on any system, runs nothing.

The files are made the same for the same weights and versions: coremltools draws identifiers at random and notes the
day, which would give every run other hashes.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import torch
from coremltools.proto import Model_pb2
from torch import nn

from . import palette
from .recipe import Recipe

Say = Callable[[str], None]
# Of smaller tensors nothing is to be gained: these are norms and biases.
LEAST_COMPRESSED = 2048
# What has weights; tables of angles and masks stay as they are.
COMPRESSED = ("linear", "gather")
DAY = "com.github.apple.coremltools.conversion_date"
NAMESPACE = uuid.UUID("6a0b4b2c-0c25-5b0e-9d1a-0a3d5f5f7a11")


@dataclass(frozen=True)
class Target:
    """Which macOS the package is for. Several functions in one package need macOS 15."""

    multifunction: bool

    @property
    def minimum_macos(self) -> str:
        return "15.0" if self.multifunction else "14.0"

    @property
    def coremltools(self) -> Any:
        return ct.target.macOS15 if self.multifunction else ct.target.macOS14


def traced(module: nn.Module, length: int) -> torch.jit.ScriptModule:
    ids = torch.zeros(1, length, dtype=torch.int32)
    with torch.no_grad():
        return torch.jit.trace(module, (ids, torch.ones_like(ids)), check_trace=False)


def converted(module: nn.Module, recipe: Recipe, length: int, target: Target) -> Any:
    """The program in half precision, with 32-bit numbers at its edge: whole ones in, real ones out."""
    tokens = (1, length)
    return ct.convert(
        traced(module, length),
        convert_to="mlprogram",
        minimum_deployment_target=target.coremltools,
        compute_precision=ct.precision.FLOAT16,
        compute_units=ct.ComputeUnit.CPU_AND_NE,
        skip_model_load=True,
        inputs=[
            ct.TensorType(recipe.input_ids, tokens, np.int32),
            ct.TensorType(recipe.attention_mask, tokens, np.int32),
        ],
        outputs=[ct.TensorType(recipe.output, dtype=np.float32)],
    )


def compressed(model: Any, precision: str, target: Target) -> Any:
    """The same program with its weights in fewer bits; what is computed with them stays in half precision."""
    if precision == "fp16":
        return model
    if precision == "int8":
        each: Any = cto.OpLinearQuantizerConfig(
            mode="linear_symmetric",
            dtype="int8",
            granularity="per_channel",
            weight_threshold=LEAST_COMPRESSED,
        )
        return cto.linear_quantize_weights(
            model, cto.OptimizationConfig(op_type_configs=dict.fromkeys(COMPRESSED, each))
        )
    whole: Any = {"mode": "custom", "lut_function": palette.table, "weight_threshold": LEAST_COMPRESSED}
    configs = {kind: cto.OpPalettizerConfig(**whole) for kind in COMPRESSED}
    if target.multifunction:
        # Tables for groups of channels are of macOS 15; before it, a tensor has one table. A vocabulary keeps one:
        # it is seldom a multiple of 16 words.
        configs["linear"] = cto.OpPalettizerConfig(**whole, granularity="per_grouped_channel", group_size=16)
    return cto.palettize_weights(model, cto.OptimizationConfig(op_type_configs=configs))


def function_name(length: int) -> str:
    return f"tokens_{length}"


def save(model: Any, path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
    model.save(str(path))


def joined(parts: dict[int, Path], path: Path) -> None:
    """One package with a function for each length; weights that are the same are kept once."""
    descriptor = ct.utils.MultiFunctionDescriptor()
    for length, part in parts.items():
        descriptor.add_function(str(part), src_function_name="main", target_function_name=function_name(length))
    descriptor.default_function_name = function_name(min(parts))
    if path.exists():
        shutil.rmtree(path)
    ct.utils.save_multifunction(descriptor, str(path))


def settle(path: Path, metadata: dict[str, str], license: str, name: str) -> None:
    """Says in the package what it is, and takes out what differs from run to run."""
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    spec = Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    about = spec.description.metadata
    about.shortDescription, about.license = name, license
    if DAY in about.userDefined:
        del about.userDefined[DAY]
    for key, value in metadata.items():
        about.userDefined[key] = value
    file.write_bytes(spec.SerializeToString(deterministic=True))

    listing = path / "Manifest.json"
    value = json.loads(listing.read_text())
    names = {key: str(uuid.uuid5(NAMESPACE, entry["path"])).upper() for key, entry in value["itemInfoEntries"].items()}
    value["itemInfoEntries"] = {names[key]: entry for key, entry in value["itemInfoEntries"].items()}
    value["rootModelIdentifier"] = names[value["rootModelIdentifier"]]
    listing.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    for entry in path.rglob("*"):
        entry.chmod(0o755 if entry.is_dir() else 0o644)


def write(
    module_of: Callable[[int], nn.Module],
    recipe: Recipe,
    lengths: list[int],
    precision: str,
    target: Target,
    folder: Path,
    scratch: Path,
    say: Say,
) -> dict[str, dict[int, Path]]:
    """Writes the packages; their names, and which functions each has as lengths in tokens."""
    parts: dict[int, Path] = {}
    for number, length in enumerate(lengths, 1):
        of = f"[{number}/{len(lengths)}] {length} tokens"
        say(f"{of}: converting")
        model = converted(module_of(length), recipe, length, target)
        if precision != "fp16":
            say(f"{of}: weights to {precision}")
            model = compressed(model, precision, target)
        parts[length] = (scratch if target.multifunction else folder) / f"model-{length}.mlpackage"
        say(f"{of}: writing {parts[length].name}")
        save(model, parts[length])
        del model
    if not target.multifunction:
        return {path.name: {length: path} for length, path in parts.items()}
    say("joining the lengths to one package")
    whole = folder / "model.mlpackage"
    joined(parts, whole)
    return {whole.name: {length: whole for length in parts}}
