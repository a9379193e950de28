"""The module of a recipe at one length: what is traced, and what is compared with reference vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .bert import Bert
from .errors import Refusal
from .qwen3 import Qwen3
from .recipe import Recipe
from .source import bert_facts, qwen3_facts
from .weights import Weights


def module(weights: Weights, recipe: Recipe, length: int, architecture: dict[str, Any] | None = None) -> nn.Module:
    """The graph of the recipe at one length, ready to be traced."""
    source, findings = weights.source, weights.findings
    if source.family == "bert":
        facts: Any = bert_facts(source.config, architecture, findings)
        kind: Any = Bert
    else:
        facts, kind = qwen3_facts(source.config, architecture, findings), Qwen3
    if facts.hidden != recipe.dims:
        raise Refusal(
            f"the recipe says {recipe.dims} dims, the weights make {facts.hidden}",
            "take the recipe of this model, or the weights of that one",
        )
    if recipe.pooling.layers > facts.layers + 1:
        raise Refusal(
            f"the recipe pools {recipe.pooling.layers} layers, the weights make {facts.layers + 1} states",
            "take the recipe of this model",
        )
    with torch.no_grad():
        return kind(weights, facts, recipe, length).eval()
