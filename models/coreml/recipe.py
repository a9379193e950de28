"""How text becomes a vector, as data: a profile of `models/*.json`, or one of Qwen3's two recipes by name.

The fields are those of the app's manifests. The graph carries out pooling, clamp and norm; prefixes, cutting,
the suffix token and padding are the app's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .errors import Refusal

HALF_PRECISION_LARGEST = 65504.0
QWEN3_END = 151643
QUERY_INSTRUCTION = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
NAMED = ("official", "papr-mean4")
SHORT_LENGTHS = (32, 128)
PRECISIONS = ("fp16", "int8", "4bit")
POOLING = ("mean", "cls", "last_token", "mean_of_last_layers")


@dataclass(frozen=True)
class Pooling:
    """How many token vectors become one: `layers` > 1 only for `mean_of_last_layers`."""

    method: str
    layers: int = 1


@dataclass(frozen=True)
class Recipe:
    """What of a recipe shapes the graph, and `fields`: all of it, for the manifest."""

    pooling: Pooling
    max_tokens: int
    fixed_length: Optional[int]
    pad_token: int
    clamp: Optional[float]
    dims: int
    input_ids: str
    attention_mask: str
    output: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """A recipe and what people want to know of its model."""

    id: str
    name: str
    license: str
    source: str
    languages: tuple[str, ...]
    architecture: dict[str, Any]
    recipe: Recipe


def of_fields(fields: dict[str, Any], where: str) -> Recipe:
    """Reads a manifest's `recipe`; refuses what this converter cannot write into a graph."""

    def refuse(what: str) -> Refusal:
        return Refusal(f"{where}: {what}", "correct the recipe, or take another one")

    try:
        method, place = fields["pooling"]["method"], fields["pooling"]["by"]
        layers = 1
        if isinstance(method, dict):
            ((method, layers),) = method.items()
        names = fields["graph"]
        padding = fields["padding"]
        fixed = padding["fixed"] if isinstance(padding, dict) else None
        recipe = Recipe(
            pooling=Pooling(method, int(layers)),
            max_tokens=int(fields["max_tokens"]),
            fixed_length=fixed,
            pad_token=int(fields.get("pad_token", 0)),
            clamp=None if fields.get("clamp") is None else float(fields["clamp"]),
            dims=int(fields["dims"]),
            input_ids=names["input_ids"],
            attention_mask=names["attention_mask"],
            output=names["output"],
            fields=fields,
        )
        normalization = fields["normalization"]
    except (KeyError, TypeError, ValueError) as error:
        raise refuse(f"the recipe lacks or garbles {error}") from error
    if method not in POOLING:
        raise refuse(f"pooling {method!r} is none of {', '.join(POOLING)}")
    if (method == "mean_of_last_layers") != (layers > 1) or layers < 1:
        raise refuse(f"pooling {method!r} over {layers} layers makes no sense")
    if place != "graph" or normalization != "graph":
        raise refuse("pooling and normalization must both be by the graph")
    if fields.get("cut_from") is not None:
        raise refuse("vectors that are cut are normalised by the app, so the graph cannot do it")
    if fixed is not None and fixed != recipe.max_tokens:
        raise refuse(f"padded to {fixed} tokens but cut to {recipe.max_tokens}")
    if recipe.clamp is not None and not 0 < recipe.clamp <= HALF_PRECISION_LARGEST:
        raise refuse(f"clamp {recipe.clamp} is not above 0 and within half precision")
    return recipe


def named(name: str, dims: int, max_tokens: int, end: int) -> Recipe:
    """One of Qwen3's two recipes. `end` is appended by the app and fills texts up."""
    papr = name == "papr-mean4"
    fields: dict[str, Any] = {
        "prefixes": {"query": "" if papr else QUERY_INSTRUCTION, "document": ""},
        "max_tokens": 32 if papr else max_tokens,
        "suffix_token": end,
        "padding": {"fixed": 32} if papr else "dynamic",
        "pad_token": end,
        "pooling": {"method": {"mean_of_last_layers": 4} if papr else "last_token", "by": "graph"},
        "normalization": "graph",
        "dims": dims,
        "precision": "fp16",
        "graph": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "output": "sentence_embedding",
        },
    }
    if papr:
        fields["clamp"] = HALF_PRECISION_LARGEST
    return of_fields(fields, name)


def read_profile(path: Path) -> Profile:
    """Reads `models/<id>.json`."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Profile(
            id=value["id"],
            name=value["name"],
            license=value["license"],
            source=value["source"],
            languages=tuple(value["languages"]),
            architecture=value["architecture"],
            recipe=of_fields(value["recipe"], str(path)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{path} is no profile of a model: {error!r}",
            f"give a file like models/all-minilm-l6-v2.json, or one of {', '.join(NAMED)}",
        ) from error


def usual_lengths(recipe: Recipe) -> str:
    """Short ones, because most texts are, and the recipe's own, so that no text is cut that it does not cut."""
    if recipe.fixed_length is not None:
        return str(recipe.fixed_length)
    return ",".join(str(length) for length in (*SHORT_LENGTHS, recipe.max_tokens) if length <= recipe.max_tokens)


def cut_to(recipe: Recipe, longest: int) -> dict[str, Any]:
    """The recipe's fields where no length above `longest` is written: it cuts texts there, which is another space."""
    return {**recipe.fields, "max_tokens": longest}


def lengths(text: str, recipe: Recipe, positions: int) -> list[int]:
    """The lengths of `--length`, ascending; refuses those that would leave the recipe's space."""
    todo = "give lengths in tokens, like 32,128,512"
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise Refusal(f"--length {text!r} is not a list of whole numbers", todo) from error
    if found[0] < 4:
        raise Refusal(f"--length {found[0]} leaves no room for a text and its special tokens", todo)
    if recipe.fixed_length is not None and found != [recipe.fixed_length]:
        raise Refusal(
            f"--length {text} does not fit a recipe that fills every text up to {recipe.fixed_length} tokens",
            f"use --length {recipe.fixed_length}",
        )
    most = min(recipe.max_tokens, positions)
    if found[-1] > most:
        raise Refusal(
            f"--length {found[-1]} is more than the {most} tokens of the recipe and the model",
            f"{todo}, up to {most}",
        )
    return found
