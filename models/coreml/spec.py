"""What a written package says of itself: Core ML's specification read without Core ML, on any system.

Field numbers are those of Apple's published format (Model.proto, FeatureTypes.proto, MIL.proto).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from . import wire
from .errors import Refusal

FEATURE_TYPES = {65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8", 65552: "float16"}
TENSOR_TYPES = {
    1: "bool",
    2: "string",
    10: "float16",
    11: "float32",
    12: "float64",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    35: "uint4",
}
# Specification version: the macOS that reads it.
MACOS = {6: "12", 7: "13", 8: "14", 9: "15", 10: "26"}


@dataclass(frozen=True)
class Feature:
    """An input or output as an app sees it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def line(self) -> str:
        return f"{self.name}: {self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class Blob:
    """Where in which file of the package a tensor's bytes are."""

    file: str
    offset: int


@dataclass(frozen=True)
class Value:
    """A constant: numbers or text in the specification itself, or a place in the weights' file."""

    dtype: str
    shape: tuple[int, ...]
    content: Union[list[Any], bytes, Blob]


@dataclass(frozen=True)
class Operation:
    """One operation: arguments are names of other results, or constants."""

    type: str
    inputs: dict[str, list[Union[str, Value]]]
    attributes: dict[str, Value]
    outputs: list[Feature]


@dataclass(frozen=True)
class Function:
    """One function of the program; `inputs` and `outputs` as an app sees them."""

    name: str
    opset: str
    inputs: list[Feature]
    outputs: list[Feature]
    operations: list[Operation]
    results: list[str]


@dataclass(frozen=True)
class Package:
    path: Path
    version: int
    default: str
    functions: dict[str, Function]
    metadata: dict[str, str]

    @property
    def macos(self) -> str:
        return MACOS.get(self.version, f"? (specification {self.version})")


def read(path: Path) -> Package:
    """Reads `<name>.mlpackage`."""
    model = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    try:
        data = model.read_bytes()
    except OSError as error:
        raise Refusal(f"{path} is no package: {error}", "give a folder that ends in .mlpackage") from error
    return parse(data, path)


def parse(data: bytes, path: Path) -> Package:
    """Reads the bytes of `model.mlmodel`."""
    try:
        model = wire.fields(data)
        description = wire.fields(wire.last(model, 2, b""))
        program = wire.mapping(wire.fields(wire.last(model, 502, b"")), 2)
        described = {wire.text(entry, 1): entry for entry in map(wire.fields, description.get(20, []))}
        functions = {}
        for name, message in program.items():
            # With one function, inputs (1) and outputs (10) stand in the description itself.
            entry, outputs = (described[name], 3) if name in described else (description, 10)
            first = 2 if name in described else 1
            functions[name] = _function(name, message, _features(entry, first), _features(entry, outputs))
        metadata = wire.fields(wire.last(description, 100, b""))
        user = [wire.fields(entry) for entry in metadata.get(100, [])]
        return Package(
            path=path,
            version=wire.last(model, 1, 0),
            default=wire.text(description, 21) or "main",
            functions=functions,
            metadata={wire.text(entry, 1): wire.text(entry, 2) for entry in user},
        )
    except (wire.Malformed, UnicodeDecodeError, TypeError, AttributeError, struct.error) as error:
        raise Refusal(f"the specification of {path} cannot be read: {error}", "write the package again") from error


def _features(message: wire.Fields, number: int) -> list[Feature]:
    found = []
    for entry in map(wire.fields, message.get(number, [])):
        array = wire.fields(wire.last(wire.fields(wire.last(entry, 3, b"")), 5, b""))
        dtype = wire.last(array, 2, 0)
        shape = tuple(wire.integers(array, 1))
        if 21 in array or 31 in array:
            shape = (-1,) * len(shape)
        found.append(Feature(wire.text(entry, 1), FEATURE_TYPES.get(dtype, f"type {dtype}"), shape))
    return found


def _function(name: str, message: wire.Fields, inputs: list[Feature], outputs: list[Feature]) -> Function:
    opset = wire.text(message, 2)
    block = wire.mapping(message, 3).get(opset, {})
    return Function(
        name=name,
        opset=opset,
        inputs=inputs,
        outputs=outputs,
        operations=[_operation(wire.fields(entry)) for entry in block.get(3, [])],
        results=[result.decode("utf-8") for result in block.get(2, [])],
    )


def _operation(message: wire.Fields) -> Operation:
    inputs: dict[str, list[Union[str, Value]]] = {}
    for name, argument in wire.mapping(message, 2).items():
        bindings = [wire.fields(entry) for entry in argument.get(1, [])]
        inputs[name] = [
            wire.text(binding, 1) if 1 in binding else _value(wire.fields(wire.last(binding, 2, b"")))
            for binding in bindings
        ]
    outputs = []
    for entry in map(wire.fields, message.get(3, [])):
        dtype, shape = _type(wire.last(entry, 2, b""))
        outputs.append(Feature(wire.text(entry, 1), dtype, shape))
    attributes = {name: _value(value) for name, value in wire.mapping(message, 5).items()}
    return Operation(wire.text(message, 1), inputs, attributes, outputs)


def _type(data: bytes) -> tuple[str, tuple[int, ...]]:
    tensor = wire.fields(wire.last(wire.fields(data), 1, b""))
    shape = []
    for dimension in map(wire.fields, tensor.get(3, [])):
        constant: Optional[bytes] = wire.last(dimension, 1)
        shape.append(-1 if constant is None else int(wire.last(wire.fields(constant), 1, 0)))
    dtype = wire.last(tensor, 1, 0)
    return TENSOR_TYPES.get(dtype, f"type {dtype}"), tuple(shape)


def _value(message: wire.Fields) -> Value:
    dtype, shape = _type(wire.last(message, 2, b""))
    if 5 in message:
        blob = wire.fields(wire.last(message, 5, b""))
        return Value(dtype, shape, Blob(wire.text(blob, 1), wire.last(blob, 2, 0)))
    tensor = wire.fields(wire.last(wire.fields(wire.last(message, 3, b"")), 1, b""))
    return Value(dtype, shape, _numbers(tensor))


def _numbers(tensor: wire.Fields) -> Union[list[Any], bytes]:
    """Exactly one of the fields is there: floats, ints, bools, strings, long ints, doubles, bytes."""
    for number, content in tensor.items():
        values = wire.fields(content[-1])
        if number == 1:
            return wire.floats(values, 1)
        if number in (2, 5):
            return wire.integers(values, 1)
        if number == 3:
            return [bool(one) for one in wire.integers(values, 1)]
        if number == 4:
            return [one.decode("utf-8") for one in values.get(1, [])]
        if number == 7:
            return bytes(wire.last(values, 1, b""))
    return []
