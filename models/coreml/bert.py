"""BERT at one fixed length, from token ids and mask to the finished text vector.

Worked out beforehand: the token types (always 0 here) and positions are one table, and the attention's scale sits in
the queries' weights. The pooler of the original is left out.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import embedding, gelu, layer_norm, linear

from . import pooling
from .recipe import Recipe
from .source import BertFacts
from .weights import Weights

UNUSED = ("pooler.", "cls.", "embeddings.position_ids")


class Dense(nn.Module):
    """A linear layer with a bias."""

    def __init__(self, weights: Weights, name: str, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = weights.parameter(f"{name}.weight", scale)
        self.bias = weights.parameter(f"{name}.bias", scale)

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Norm(nn.Module):
    def __init__(self, weights: Weights, name: str, eps: float) -> None:
        super().__init__()
        self.weight = weights.parameter(f"{name}.weight")
        self.bias = weights.parameter(f"{name}.bias")
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class Layer(nn.Module):
    def __init__(self, weights: Weights, name: str, facts: BertFacts, length: int) -> None:
        super().__init__()
        self.heads, self.width, self.length = facts.heads, facts.hidden // facts.heads, length
        self.query = Dense(weights, f"{name}.attention.self.query", self.width**-0.5)
        self.key = Dense(weights, f"{name}.attention.self.key")
        self.value = Dense(weights, f"{name}.attention.self.value")
        self.attended = Dense(weights, f"{name}.attention.output.dense")
        self.attended_norm = Norm(weights, f"{name}.attention.output.LayerNorm", facts.eps)
        self.wide = Dense(weights, f"{name}.intermediate.dense")
        self.narrow = Dense(weights, f"{name}.output.dense")
        self.norm = Norm(weights, f"{name}.output.LayerNorm", facts.eps)

    def heads_of(self, x: Tensor) -> Tensor:
        return x.view(1, self.length, self.heads, self.width).transpose(1, 2)

    def forward(self, x: Tensor, penalty: Tensor) -> Tensor:
        query, key, value = (self.heads_of(part(x)) for part in (self.query, self.key, self.value))
        shares = (query @ key.transpose(2, 3) + penalty).softmax(dim=-1)
        context = (shares @ value).transpose(1, 2).reshape(1, self.length, self.heads * self.width)
        x = self.attended_norm(self.attended(context) + x)
        return self.norm(self.narrow(gelu(self.wide(x))) + x)


class Bert(nn.Module):
    """`input_ids` and `attention_mask`, int32 `[1, length]`, to a text vector `[1, dims]`."""

    def __init__(self, weights: Weights, facts: BertFacts, recipe: Recipe, length: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.words = weights.parameter("embeddings.word_embeddings.weight")
        table = weights.single("embeddings.position_embeddings.weight")[:length]
        table = table + weights.single("embeddings.token_type_embeddings.weight")[:1]
        self.register_buffer("positions", weights.working(table).unsqueeze(0))
        self.norm = Norm(weights, "embeddings.LayerNorm", facts.eps)
        self.layers = nn.ModuleList(
            Layer(weights, f"encoder.layer.{index}", facts, length) for index in range(facts.layers)
        )
        self.register_buffer("places", pooling.places(length, weights.dtype))
        weights.all_used_but(UNUSED)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.to(self.words.dtype)
        penalty = ((1.0 - mask) * pooling.MASKED).unsqueeze(1).unsqueeze(1)
        states = [self.norm(embedding(input_ids, self.words) + self.positions)]
        for layer in self.layers:
            states.append(layer(states[-1], penalty))
        return pooling.pool(states, mask, self.places, self.recipe)
