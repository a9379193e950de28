"""Tables of 16 numbers for weights of 4 bits.

Half precision has 65,536 numbers, so the weights of a tensor are counted by their bits, and Lloyd's algorithm (1982)
moves 16 centres over the counts: seconds where clustering the weights one by one takes hours, and the same result in
every run. Two beginnings are tried, equal shares and equal distances, and the better end is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ENTRIES = 16
MOST_ROUNDS = 200


def counted(weight: Any) -> tuple[Any, Any]:
    """The numbers that occur, ascending, and how often."""
    bits = weight.astype(np.float16, copy=False).reshape(-1).view(np.uint16)
    counts = np.bincount(bits, minlength=1 << 16)
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    there = np.flatnonzero(counts)
    order = there[np.argsort(numbers[there], kind="stable")]
    return numbers[order], counts[order].astype(np.float64)


def settled(numbers: Any, counts: Any, centres: Any) -> tuple[Any, float]:
    """The centres after Lloyd's rounds, ascending, and the sum of the squared errors."""
    weights = np.concatenate([[0.0], np.cumsum(counts)])
    sums = np.concatenate([[0.0], np.cumsum(counts * numbers)])
    for _ in range(MOST_ROUNDS):
        edges = np.searchsorted(numbers, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(numbers)]])
        inside = np.diff(weights[edges])
        moved = np.where(inside > 0, np.diff(sums[edges]) / np.maximum(inside, 1), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, numbers)
    return centres, float((counts * (numbers - centres[nearest]) ** 2).sum())


def table(weight: Any) -> tuple[Any, Any]:
    """16 numbers of half precision, and for every weight which of them is nearest, in one row of bytes."""
    numbers, counts = counted(weight)
    shares = np.cumsum(counts) / counts.sum()
    by_share = numbers[np.minimum(np.searchsorted(shares, (np.arange(ENTRIES) + 0.5) / ENTRIES), len(numbers) - 1)]
    by_distance = np.linspace(numbers[0], numbers[-1], ENTRIES)
    centres, _ = min((settled(numbers, counts, start) for start in (by_share, by_distance)), key=lambda end: end[1])
    entries = np.sort(centres).astype(np.float16)
    middles = (entries[1:].astype(np.float64) + entries[:-1].astype(np.float64)) / 2
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    places = np.searchsorted(middles, np.nan_to_num(every)).astype(np.uint8)
    bits = weight.astype(np.float16, copy=False).reshape(-1).view(np.uint16)
    return entries.astype(weight.dtype), places[bits]
