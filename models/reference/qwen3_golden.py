#!/usr/bin/env python3
"""Makes tests/data/qwen3-golden.json: what the reference implementation of Qwen3 makes of made-up weights.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install -r models/reference/requirements.txt
    /tmp/reference/bin/python models/reference/qwen3_golden.py

Run by hand when the generator of the weights or the list of cases changes; neither set-up nor tests need it.
The weights are defined in `models/converter/src/tiny/numbers.rs`; here is the same once more.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
import transformers
from transformers import Qwen3Config, Qwen3Model

OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "qwen3-golden.json"
VOCABULARY, END, LAYERS, HEADS, GROUPS, HEAD_WIDTH = 2048, 2047, 4, 4, 2, 16
# hidden: (intermediate, lengths of the texts in tokens, the end token included)
MODELS = {64: (192, (1, 2, 5, 17, 31, 32, 100)), 2560: (64, (9, 30))}
GOLDEN = 0x9E3779B97F4A7C15


def bits(seed: int, count: int) -> np.ndarray:
    """The first `count` outputs of SplitMix64 from `seed`."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    half = np.float32(1 << 23)
    numbers = ((bits(fnv1a(name), int(np.prod(shape))) >> np.uint64(40)).astype(np.float32) - half) / half
    if len(shape) == 1:
        numbers = np.float32(1) + numbers / np.float32(8)
    elif not name.startswith("embed_tokens"):
        numbers = numbers * np.float32(2 / (1 << ((shape[1].bit_length() - 1) // 2)))
    return numbers.reshape(shape)


def model_of(hidden: int, inner: int) -> tuple[Qwen3Model, str]:
    """The model, and the SHA-256 of its weights as a safetensors file."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=GROUPS,
        head_dim=HEAD_WIDTH,
        rms_norm_eps=1e-6,
        rope_theta=1_000_000.0,
        max_position_embeddings=512,
        attention_bias=False,
        use_sliding_window=False,
    )
    config._attn_implementation = "eager"
    model = Qwen3Model(config).eval().float()
    rope = model.rotary_emb.inv_freq
    expected = 1_000_000.0 ** (-torch.arange(0, HEAD_WIDTH, 2) / HEAD_WIDTH)
    assert torch.allclose(rope, expected), "the base of the angles was not taken"
    weights = {name: tensor(name, tuple(value.shape)) for name, value in model.state_dict().items()}
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=True)
    return model, hashlib.sha256(safetensors.numpy.save(weights)).hexdigest()


def text_of(length: int, hidden: int) -> list[int]:
    """Token ids from the same generator, the end token last."""
    drawn = bits(fnv1a(f"text of {length} tokens for {hidden}"), length - 1) % np.uint64(END)
    return [int(token) for token in drawn] + [END]


def padded(ids: list[int], to: int, side: str) -> tuple[list[int], list[int]]:
    filling = [END] * (to - len(ids))
    if side == "left":
        return filling + ids, [0] * len(filling) + [1] * len(ids)
    return ids + filling, [1] * len(ids) + [0] * len(filling)


@torch.no_grad()
def states_of(model: Qwen3Model, ids: list[int], mask: list[int]) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    mask = torch.tensor([mask])
    out = model(input_ids=torch.tensor([ids]), attention_mask=mask, output_hidden_states=True, use_cache=False)
    assert len(out.hidden_states) == LAYERS + 1
    assert torch.equal(out.hidden_states[-1], out.last_hidden_state), "the last one is after the final norm"
    return out.hidden_states, mask


def official(model: Qwen3Model, ids: list[int], mask: list[int]) -> torch.Tensor:
    """The publisher's: the last token's vector (the filling, if any, is on the left), divided by its norm."""
    states, mask = states_of(model, ids, mask)
    assert mask[0, -1] == 1
    return torch.nn.functional.normalize(states[-1][:, -1], p=2, dim=1)[0]


def papr_mean4(model: Qwen3Model, ids: list[int], mask: list[int]) -> torch.Tensor:
    """The Papr SDK's: mean of the last four hidden states, masked mean of the tokens, clamp, norm."""
    states, mask = states_of(model, ids, mask)
    tokens = torch.stack(states[-4:]).mean(dim=0)
    mask = mask.unsqueeze(-1).float()
    pooled = (tokens * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
    return torch.nn.functional.normalize(pooled.clamp(-65504.0, 65504.0), p=2, dim=1)[0]


def digits(vector: torch.Tensor) -> list[float]:
    return [float(f"{number:.7g}") for number in vector.tolist()]


def cases(model: Qwen3Model, hidden: int, lengths: tuple[int, ...]) -> list[dict]:
    found = []
    for length in lengths:
        ids = text_of(length, hidden)
        # The longer ones are filled up on the left, as the publisher's tokenizer does it in a batch.
        fill = length + 3 if length in (5, 17, 9) else length
        case = {"ids": ids, "official": digits(official(model, *padded(ids, fill, "left")))}
        if length <= 32:
            case["papr_mean4"] = digits(papr_mean4(model, *padded(ids, 32, "left")))
            right = torch.tensor(digits(papr_mean4(model, *padded(ids, 32, "right"))))
            print(f"  {length} tokens: filling right or left differs by {(right - torch.tensor(case['papr_mean4'])).abs().max():.1e}")
        found.append(case)
    return found


def main() -> None:
    torch.manual_seed(0)
    models = []
    for hidden, (inner, lengths) in MODELS.items():
        print(hidden)
        model, weights = model_of(hidden, inner)
        models.append({"dims": hidden, "weights": weights, "cases": cases(model, hidden, lengths)})
    about = (
        "Vectors of the tiny Qwen3 as its reference implementation makes them, each text by itself; official "
        "ones of 5, 9 and 17 tokens with 3 tokens of filling on the left, papr_mean4 filled up to 32 on the "
        "left. Made by models/reference/qwen3_golden.py."
    )
    made_with = f"transformers {transformers.__version__}, torch {torch.__version__}, CPU, float32, eager attention"
    golden = {"about": about, "made_with": made_with, "pad_token": END, "models": models}
    OUT.write_text(json.dumps(golden, separators=(",", ":")).replace('{"ids"', '\n{"ids"') + "\n")
    print(OUT, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
