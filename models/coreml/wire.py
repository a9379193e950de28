"""Protocol buffers read without a schema: a message is its fields by number, each a list in the order of the bytes."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[int, list[Any]]


class Malformed(ValueError):
    """The bytes are no message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where the next one begins."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("a number does not end")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Fields:
    """Numbers as `int`, everything else as `bytes`."""
    found: Fields = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        value: Any
        if kind == 0:
            value, at = varint(data, at)
        else:
            if kind == 2:
                length, at = varint(data, at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise Malformed(f"wire type {kind}")
            if at + length > len(data):
                raise Malformed("a field is longer than its message")
            value, at = data[at : at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


def last(message: Fields, number: int, default: Any = None) -> Any:
    """A field that stands once; of several, the last counts."""
    return message[number][-1] if number in message else default


def text(message: Fields, number: int) -> str:
    value: bytes = last(message, number, b"")
    return value.decode("utf-8")


def signed(value: int) -> int:
    """A varint as the signed 64-bit number it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def integers(message: Fields, number: int) -> list[int]:
    """A repeated whole number, packed or not."""
    found = []
    for value in message.get(number, []):
        if isinstance(value, int):
            found.append(signed(value))
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            found.append(signed(one))
    return found


def floats(message: Fields, number: int) -> list[float]:
    """A repeated 32-bit number, packed or not."""
    return [one for value in message.get(number, []) for (one,) in struct.iter_unpack("<f", value)]


def mapping(message: Fields, number: int) -> dict[str, Fields]:
    """A map from strings to messages."""
    entries = [fields(entry) for entry in message.get(number, [])]
    return {text(entry, 1): fields(last(entry, 2, b"")) for entry in entries}
