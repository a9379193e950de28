"""The parts of the graph that both architectures share, written so that half precision holds every number.

Half precision ends at 65504, so squares overflow from 256 on: whatever is squared or summed is first divided by
its own largest magnitude. All shapes are fixed, and means are a sum and a division by the mask's sum: a traced mean
over a wrong axis goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .recipe import HALF_PRECISION_LARGEST, Recipe

# Fits half precision, as does its inverse.
LEAST_MAGNITUDE = 1e-4
# Far below any score; the exponential of it is 0 in every precision.
MASKED = -30000.0


def largest(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The largest magnitude over `dims`, kept as axes, and never so small that dividing by it overflows."""
    found = x.abs()
    for dim in dims:
        found = found.amax(dim=dim, keepdim=True)
    return found.clamp(LEAST_MAGNITUDE, HALF_PRECISION_LARGEST)


def rms_norm(x: Tensor, weight: Tensor, root_of_eps: Tensor) -> Tensor:
    """x / √(mean(x²) + ε) · weight over the last axis.

    With m = max|x| and y = x/m it equals y / √(mean(y²) + (√ε/m)²), where nothing exceeds the inputs. √ε is a tensor:
    a plain number divided by a tensor becomes Core ML's `inverse`, which adds 0.0001 to what it divides by.
    """
    most = largest(x, [-1])
    small = x / most
    eps = root_of_eps / most
    square = (small * small).mean(dim=-1, keepdim=True) + eps * eps
    return small / square.sqrt() * weight


def hold(x: Tensor) -> Tensor:
    """`x` within what half precision holds."""
    return x.clamp(-HALF_PRECISION_LARGEST, HALF_PRECISION_LARGEST)


def unit(x: Tensor) -> Tensor:
    """`[1, dims]` divided by its Euclidean norm."""
    small = x / largest(x, [-1])
    return small / (small * small).sum(dim=-1, keepdim=True).sqrt().clamp(LEAST_MAGNITUDE, HALF_PRECISION_LARGEST)


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """The sum over the tokens that are not filling, divided by their number: `[1, dims]`."""
    kept = tokens * mask.unsqueeze(-1)
    most = largest(kept, [1, 2])
    total = (kept / most).sum(dim=1)
    length = mask.sum(dim=1, keepdim=True).clamp(1.0, HALF_PRECISION_LARGEST)
    return total / length * most.squeeze(1)


def last_token(tokens: Tensor, mask: Tensor, places: Tensor) -> Tensor:
    """The vector of the last token that is not filling, found by arithmetic: `places` counts from 1."""
    counted = mask * places
    distance = counted.amax(dim=1, keepdim=True) - counted
    chosen = 1.0 - distance.clamp(0.0, 1.0)
    return (tokens * chosen.unsqueeze(-1)).sum(dim=1)


def pool(states: Sequence[Tensor], mask: Tensor, places: Tensor, recipe: Recipe) -> Tensor:
    """The text vector, `[1, dims]`, of the last of `states`, each `[1, tokens, dims]`."""
    method = recipe.pooling.method
    share = 1.0 / recipe.pooling.layers
    wanted = states[-recipe.pooling.layers :]
    tokens = wanted[0] * share if len(wanted) > 1 else wanted[0]
    for state in wanted[1:]:
        tokens = tokens + state * share
    if method == "cls":
        vector = tokens[:, 0]
    elif method == "last_token":
        vector = last_token(tokens, mask, places)
    else:
        vector = masked_mean(tokens, mask)
    if recipe.clamp is not None:
        vector = vector.clamp(-recipe.clamp, recipe.clamp)
    return unit(vector)


def places(length: int, dtype: torch.dtype) -> Tensor:
    """1, 2, 3, … as `[1, length]`. Half precision counts to 2048 exactly."""
    return torch.arange(1, length + 1, dtype=torch.float32).to(dtype).unsqueeze(0)
