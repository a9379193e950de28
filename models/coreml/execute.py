"""Carries out a written package operation by operation, with torch, from the bytes of its files.

It stands in for Core ML where there is no Mac: what is compared with reference vectors is then the package itself,
after every step of the conversion, and not the module it was made of. Half precision is torch's; Core ML's processors
round in other places and replace functions by tables, so this proves the program and its weights, not a device.
Whatever operation or type it does not know, it refuses.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, silu

from .errors import Refusal
from .spec import Blob, Function, Operation, Package, Value

NUMPY = {
    "bool": np.bool_,
    "float16": np.float16,
    "float32": np.float32,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "uint8": np.uint8,
    "uint16": np.uint16,
}
CAST = {
    "fp16": torch.float16,
    "fp32": torch.float32,
    "int32": torch.int32,
    "int16": torch.int16,
    "uint16": torch.int32,
    "bool": torch.bool,
}
# A blob's record: a mark, its type, its size in bytes, where its data begin.
RECORD, MARK = struct.Struct("<IIQQ"), 0xDEADBEEF


def refuse(what: str) -> Refusal:
    return Refusal(what, "extend models/coreml/execute.py, or compare on a Mac")


class Program:
    """One function of a package, to be called with ids and mask. `input_ids` is what it calls the first."""

    def __init__(self, package: Package, name: str, input_ids: str) -> None:
        self.function: Function = package.functions[name]
        self.input_ids = input_ids
        self.folder = package.path / "Data" / "com.apple.CoreML"
        self.files: dict[str, np.memmap[Any, Any]] = {}
        self.constants = {
            operation.outputs[0].name: self.constant(operation)
            for operation in self.function.operations
            if operation.type == "const"
        }
        for operation in self.function.operations:
            if operation.type.startswith("constexpr_"):
                self.constants[operation.outputs[0].name] = self.unpacked(operation)

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        values = dict(self.constants)
        for feature in self.function.inputs:
            values[feature.name] = ids if feature.name == self.input_ids else mask
        for operation in self.function.operations:
            if operation.type == "const" or operation.type.startswith("constexpr_"):
                continue
            step = STEPS.get(operation.type)
            if step is None:
                raise refuse(f"operation {operation.type} is not known here")
            result = step(Arguments(operation, values, self))
            output = operation.outputs[0]
            if tuple(result.shape) != output.shape:
                raise refuse(f"{output.name} is {list(result.shape)}, the package says {list(output.shape)}")
            values[output.name] = result
        return values[self.function.results[0]]

    def constant(self, operation: Operation) -> Any:
        return self.value(operation.attributes["val"])

    def value(self, value: Value) -> Any:
        """A constant as a tensor, or as text."""
        if value.dtype == "string":
            return value.content[0] if isinstance(value.content, list) else ""
        if isinstance(value.content, Blob):
            return torch.from_numpy(self.array(value))
        if isinstance(value.content, bytes):
            array = np.frombuffer(value.content, NUMPY[value.dtype])
        else:
            array = np.array(value.content, NUMPY[value.dtype])
        array = array if array.size != 1 or value.shape != () else array.reshape(())
        return torch.from_numpy(np.broadcast_to(array, value.shape).copy())

    def array(self, value: Value) -> Any:
        """The numbers of a blob; of those in 4 bits, one a byte."""
        blob = value.content
        assert isinstance(blob, Blob)
        if blob.file not in self.files:
            path = self.folder / Path(blob.file.replace("@model_path/", ""))
            self.files[blob.file] = np.memmap(path, np.uint8, "r")
        data = self.files[blob.file]
        mark, _, size, start = RECORD.unpack(bytes(data[blob.offset : blob.offset + RECORD.size]))
        if mark != MARK:
            raise refuse(f"no record at {blob.offset} of {blob.file}")
        found = data[start : start + size]
        if value.dtype == "uint4":
            found = np.stack([found & 15, found >> 4], axis=1).reshape(-1)[: int(np.prod(value.shape))]
            return np.array(found).reshape(value.shape)
        return np.array(found).view(NUMPY[value.dtype]).reshape(value.shape)

    def packed(self, operation: Operation, name: str) -> Any:
        """An argument of a compressed constant: an attribute until macOS 14, a constant from 15 on."""
        if name in operation.attributes:
            value = operation.attributes[name]
            return self.array(value) if isinstance(value.content, Blob) else self.value(value).numpy()
        if name not in operation.inputs:
            raise refuse(f"{operation.type} has no {name}")
        binding = operation.inputs[name][0]
        if isinstance(binding, Value):
            return self.array(binding) if isinstance(binding.content, Blob) else self.value(binding).numpy()
        return self.constants[binding].numpy()

    def unpacked(self, operation: Operation) -> Tensor:
        shape, dtype = operation.outputs[0].shape, NUMPY[operation.outputs[0].dtype]

        def take(name: str) -> Any:
            return self.packed(operation, name)

        if operation.type == "constexpr_affine_dequantize":
            data, scale, zero = take("quantized_data"), take("scale"), take("zero_point")
            along = [1] * len(shape)
            if scale.size > 1:
                along[int(take("axis"))] = scale.size
            offset = zero.astype(np.float32)
            offset = offset.reshape(along) if zero.size > 1 else offset.reshape(())
            numbers = (data.astype(np.float32) - offset) * scale.astype(np.float32).reshape(along)
        elif operation.type == "constexpr_blockwise_shift_scale":
            if "offset" in operation.inputs:
                raise refuse(f"{operation.type} with an offset")
            data, scale = take("data"), take("scale").astype(np.float32)
            for axis, (whole, blocks) in enumerate(zip(data.shape, scale.shape)):
                scale = np.repeat(scale, whole // blocks, axis=axis)
            numbers = data.astype(np.float32) * scale
        elif operation.type == "constexpr_lut_to_dense" and "shape" in operation.attributes:
            numbers = self.palette(take("lut"), take("indices"), shape)
        elif operation.type == "constexpr_lut_to_dense":
            numbers = grouped(take("lut"), take("indices"))
        else:
            raise refuse(f"operation {operation.type} is not known here")
        return torch.from_numpy(numbers.astype(dtype).reshape(shape))

    @staticmethod
    def palette(table: Any, packed: Any, shape: tuple[int, ...]) -> Any:
        """Indices laid one behind the other without regard to bytes, lowest bit first."""
        width = int(np.log2(table.size))
        bits = np.unpackbits(packed.view(np.uint8), bitorder="little")[: int(np.prod(shape)) * width]
        indices = (bits.reshape(-1, width) << np.arange(width)).sum(axis=1)
        return table.reshape(-1)[indices].reshape(shape)


def grouped(table: Any, indices: Any) -> Any:
    """A palette for each group: the table's axes are those of the indices, then entries, then 1."""
    groups = table.shape[: indices.ndim]
    places = []
    for axis, (whole, count) in enumerate(zip(indices.shape, groups)):
        along = [1] * indices.ndim
        along[axis] = whole
        places.append((np.arange(whole) // (whole // count)).reshape(along))
    return table[tuple(places) + (indices, 0)]


class Arguments:
    """The arguments of one operation, by name."""

    def __init__(self, operation: Operation, values: dict[str, Any], program: Program) -> None:
        self.operation, self.values, self.program = operation, values, program

    def many(self, name: str) -> list[Any]:
        return [self.of(binding) for binding in self.operation.inputs[name]]

    def of(self, binding: Union[str, Value]) -> Any:
        return self.values[binding] if isinstance(binding, str) else self.program.value(binding)

    def get(self, name: str, default: Any = None) -> Any:
        return self.many(name)[0] if name in self.operation.inputs else default

    def __getitem__(self, name: str) -> Any:
        return self.many(name)[0]

    def whole(self, name: str, default: int = 0) -> int:
        return int(self.get(name, default))

    def wholes(self, name: str) -> list[int]:
        return [int(one) for one in self[name].reshape(-1)]


def reduced(one: Arguments, by: Callable[[Tensor, int], Tensor]) -> Tensor:
    found, axes = one["x"], [axis % one["x"].dim() for axis in one.wholes("axes")]
    for axis in axes:
        found = by(found, axis)
    if not bool(one.get("keep_dims", torch.tensor(False))):
        for axis in sorted(axes, reverse=True):
            found = found.squeeze(axis)
    return found


def squeezed(one: Arguments) -> Tensor:
    found = one["x"]
    for axis in sorted((axis % found.dim() for axis in one.wholes("axes")), reverse=True):
        found = found.squeeze(axis)
    return found


def expanded(one: Arguments) -> Tensor:
    found, axes = one["x"], one.wholes("axes")
    for axis in sorted(axis % (found.dim() + len(axes)) for axis in axes):
        found = found.unsqueeze(axis)
    return found


def gathered(one: Arguments) -> Tensor:
    if one.whole("batch_dims") or one.whole("axis"):
        raise refuse("gather along another axis than the first")
    return one["x"][one["indices"].long()]


def normalised(one: Arguments) -> Tensor:
    if one.wholes("axes") not in ([-1], [one["x"].dim() - 1]):
        raise refuse("layer_norm over other axes than the last")
    return layer_norm(one["x"], one["gamma"].shape, one["gamma"], one["beta"], float(one["epsilon"]))


def multiplied(one: Arguments) -> Tensor:
    x, y = one["x"], one["y"]
    x = x.transpose(-1, -2) if bool(one.get("transpose_x", False)) else x
    return x @ (y.transpose(-1, -2) if bool(one.get("transpose_y", False)) else y)


def exact_gelu(one: Arguments) -> Tensor:
    if one.get("mode", "EXACT") != "EXACT":
        raise refuse(f"gelu {one['mode']}")
    return gelu(one["x"])


STEPS: dict[str, Callable[[Arguments], Tensor]] = {
    "abs": lambda one: one["x"].abs(),
    "add": lambda one: one["x"] + one["y"],
    "cast": lambda one: one["x"].to(CAST[one["dtype"]]),
    "clip": lambda one: one["x"].clamp(float(one["alpha"]), float(one["beta"])),
    "concat": lambda one: torch.cat(one.many("values"), one.whole("axis")),
    "expand_dims": expanded,
    "gather": gathered,
    "gelu": exact_gelu,
    "greater_equal": lambda one: one["x"] >= one["y"],
    "inverse": lambda one: 1.0 / (one["x"] + float(one.get("epsilon", 1e-4))),
    "layer_norm": normalised,
    "linear": lambda one: linear(one["x"], one["weight"], one.get("bias")),
    "matmul": multiplied,
    "maximum": lambda one: torch.maximum(one["x"], one["y"]),
    "mul": lambda one: one["x"] * one["y"],
    "real_div": lambda one: one["x"] / one["y"],
    "reduce_max": lambda one: reduced(one, lambda x, axis: x.amax(axis, keepdim=True)),
    "reduce_mean": lambda one: reduced(one, lambda x, axis: x.mean(axis, keepdim=True)),
    "reduce_sum": lambda one: reduced(one, lambda x, axis: x.sum(axis, keepdim=True)),
    "reshape": lambda one: one["x"].reshape(one.wholes("shape")),
    "select": lambda one: torch.where(one["cond"], one["a"], one["b"]),
    "silu": lambda one: silu(one["x"]),
    "softmax": lambda one: one["x"].softmax(one.whole("axis", -1)),
    "sqrt": lambda one: one["x"].sqrt(),
    "square": lambda one: one["x"] * one["x"],
    "squeeze": squeezed,
    "sub": lambda one: one["x"] - one["y"],
    "transpose": lambda one: one["x"].permute(one.wholes("perm")),
}
