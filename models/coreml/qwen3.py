"""Qwen3 at one fixed length, from token ids and mask to the finished text vector. No `lm_head`.

Grouped-query attention, a norm on every head's queries and keys, rotary positions, a gated feed-forward part. Heads
that share keys are laid below one another as rows of one matrix, so keys and values are never repeated and no axis is
added. Halves of heads are exchanged by multiplying with a constant matrix of 0, 1 and -1, which is exact: there is
no slice and no concatenation. The attention's scale sits in the weights of the queries' norm.

A token's position is its index, filling counted: scores depend on differences only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, silu

from . import pooling
from .recipe import Recipe
from .source import Qwen3Facts
from .weights import Weights

UNUSED = ("lm_head.",)


class Norm(nn.Module):
    """The root mean square norm."""

    def __init__(self, weights: Weights, name: str, eps: float, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = weights.parameter(f"{name}.weight", scale)
        self.register_buffer("root_of_eps", torch.tensor([eps**0.5]).to(weights.dtype))

    def forward(self, x: Tensor) -> Tensor:
        return pooling.rms_norm(x, self.weight, self.root_of_eps)


class Shared(nn.Module):
    """What every layer uses: cosines and sines `[1, 1, length, width]`, the turn, which keys lie ahead."""

    def __init__(self, facts: Qwen3Facts, length: int, dtype: torch.dtype) -> None:
        super().__init__()
        half = facts.width // 2
        steps = facts.theta ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(length, dtype=torch.float64).unsqueeze(1) * torch.cat([steps, steps]).unsqueeze(0)
        for name, table in (("cosines", angles.cos()), ("sines", angles.sin())):
            self.register_buffer(name, table.to(dtype).view(1, 1, length, facts.width))
        turn = torch.zeros(facts.width, facts.width)
        turn[half:, :half] = -torch.eye(half)
        turn[:half, half:] = torch.eye(half)
        self.register_buffer("turn", turn.to(dtype))
        ahead = torch.ones(length, length).triu(diagonal=1)
        ahead = ahead.repeat(facts.heads // facts.groups, 1)
        self.register_buffer("ahead", ahead.to(dtype).view(1, 1, -1, length))

    def turned(self, x: Tensor) -> Tensor:
        """Each pair of numbers, half a head apart, turned by its token's angle."""
        return x * self.cosines + (x @ self.turn) * self.sines


class Layer(nn.Module):
    def __init__(self, weights: Weights, name: str, facts: Qwen3Facts, length: int) -> None:
        super().__init__()
        self.heads, self.groups, self.width, self.length = facts.heads, facts.groups, facts.width, length
        attention = f"{name}.self_attn"
        self.before = Norm(weights, f"{name}.input_layernorm", facts.eps)
        self.query = weights.parameter(f"{attention}.q_proj.weight")
        self.key = weights.parameter(f"{attention}.k_proj.weight")
        self.value = weights.parameter(f"{attention}.v_proj.weight")
        self.query_norm = Norm(weights, f"{attention}.q_norm", facts.eps, facts.width**-0.5)
        self.key_norm = Norm(weights, f"{attention}.k_norm", facts.eps)
        self.out = weights.parameter(f"{attention}.o_proj.weight")
        self.between = Norm(weights, f"{name}.post_attention_layernorm", facts.eps)
        self.gate = weights.parameter(f"{name}.mlp.gate_proj.weight")
        self.up = weights.parameter(f"{name}.mlp.up_proj.weight")
        self.down = weights.parameter(f"{name}.mlp.down_proj.weight")

    def attention(self, x: Tensor, penalty: Tensor, shared: Shared) -> Tensor:
        length, width = self.length, self.width
        query = self.query_norm(linear(x, self.query).view(1, length, self.heads, width)).transpose(1, 2)
        key = self.key_norm(linear(x, self.key).view(1, length, self.groups, width)).transpose(1, 2)
        value = linear(x, self.value).view(1, length, self.groups, width).transpose(1, 2)
        query = shared.turned(query).reshape(1, self.groups, -1, width)
        shares = (query @ shared.turned(key).transpose(2, 3) + penalty).softmax(dim=-1)
        context = (shares @ value).view(1, self.heads, length, width).transpose(1, 2)
        return linear(context.reshape(1, length, self.heads * width), self.out)

    def forward(self, x: Tensor, penalty: Tensor, shared: Shared) -> Tensor:
        x = pooling.hold(x + self.attention(self.before(x), penalty, shared))
        inner = self.between(x)
        inner = pooling.hold(silu(linear(inner, self.gate)) * linear(inner, self.up))
        return pooling.hold(x + linear(inner, self.down))


class Qwen3(nn.Module):
    """`input_ids` and `attention_mask`, int32 `[1, length]`, to a text vector `[1, dims]`."""

    def __init__(self, weights: Weights, facts: Qwen3Facts, recipe: Recipe, length: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.words = weights.parameter("embed_tokens.weight")
        self.shared = Shared(facts, length, weights.dtype)
        self.layers = nn.ModuleList(Layer(weights, f"layers.{index}", facts, length) for index in range(facts.layers))
        self.norm = Norm(weights, "norm", facts.eps)
        self.register_buffer("places", pooling.places(length, weights.dtype))
        weights.all_used_but(UNUSED)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.to(self.words.dtype)
        filling = (1.0 - mask).unsqueeze(1).unsqueeze(1)
        penalty = torch.maximum(filling, self.shared.ahead) * pooling.MASKED
        states = [embedding(input_ids, self.words)]
        for layer in self.layers:
            states.append(layer(states[-1], penalty, self.shared))
        states[-1] = self.norm(states[-1])
        return pooling.pool(states, mask, self.places, self.recipe)
