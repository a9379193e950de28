"""Reference vectors of `tests/data`, and how far other vectors are from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import torch
from torch import Tensor

from .errors import Refusal
from .recipe import Recipe

# (ids, mask), both int32 `[1, length]`, to a vector of `dims` numbers.
Embed = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """Token ids of a text, and its vector."""

    ids: list[int]
    vector: list[float]


@dataclass(frozen=True)
class Report:
    """Cosines to the reference, and the largest difference of a number."""

    texts: int
    least: float
    mean: float
    furthest: float

    def line(self) -> str:
        return (
            f"{self.texts} texts, cosine at least {self.least:.7f}, mean {self.mean:.7f}; "
            f"a number differs by {self.furthest:.1e} at most"
        )


def read(path: Path, recipe: Recipe, tokenizer: Optional[Path]) -> list[Case]:
    """The cases of a file that fit the recipe."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}", "give a file like tests/data/minilm-golden.json") from error
    if "texts" in value:
        return of_texts(value, recipe, tokenizer)
    method = "papr_mean4" if recipe.pooling.method == "mean_of_last_layers" else "official"
    for model in value["models"]:
        if model["dims"] == recipe.dims:
            return [Case(case["ids"], case[method]) for case in model["cases"] if method in case]
    raise Refusal(f"{path} has no vectors of {recipe.dims} numbers", "give the file of this model")


def of_texts(value: dict[str, Any], recipe: Recipe, tokenizer: Optional[Path]) -> list[Case]:
    from tokenizers import Tokenizer

    if tokenizer is None or not tokenizer.is_file():
        raise Refusal(
            f"{tokenizer} is missing", "texts need the tokenizer.json of the model; put it beside the weights"
        )
    cutter = Tokenizer.from_file(str(tokenizer))
    cutter.no_padding()
    cutter.enable_truncation(recipe.max_tokens)
    return [Case(cutter.encode(text).ids, vector) for text, vector in zip(value["texts"], value["vectors"])]


def padded(ids: Sequence[int], length: int, pad_token: int) -> tuple[Tensor, Tensor]:
    """Token ids filled up on the right, and their mask, as int32 `[1, length]`."""
    filling = length - len(ids)
    mask = [1] * len(ids) + [0] * filling
    return (
        torch.tensor([list(ids) + [pad_token] * filling], dtype=torch.int32),
        torch.tensor([mask], dtype=torch.int32),
    )


@torch.no_grad()
def compare(embed: Embed, cases: Sequence[Case], length: int, pad_token: int) -> Report:
    """Embeds all cases of at most `length` tokens. A vector that is not finite has the cosine 0."""
    cosines, furthest = [], 0.0
    for case in cases:
        if len(case.ids) > length:
            continue
        found = embed(*padded(case.ids, length, pad_token)).double().flatten()
        wanted = torch.tensor(case.vector, dtype=torch.float64)
        if found.shape != wanted.shape:
            raise Refusal(f"a vector has {found.numel()} numbers, not {wanted.numel()}", "the graph pools wrongly")
        cosine = float(torch.nn.functional.cosine_similarity(found, wanted, dim=0))
        cosines.append(cosine if bool(torch.isfinite(found).all()) else 0.0)
        furthest = max(furthest, float((found - wanted).abs().max()))
    if not cosines:
        raise Refusal(f"no reference text has {length} tokens or less", "take a longer --length")
    return Report(len(cosines), min(cosines), sum(cosines) / len(cosines), furthest)
