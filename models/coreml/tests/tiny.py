"""The folder of a made-up Qwen3, as a publisher would fill it: the weights of `models/converter/src/tiny`.

    python -m coreml.tests.tiny OUT [--dims 64|2560]

Number by number the same as there: `tests/data/qwen3-golden.json` names the hash, which is compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

INNER = {64: 192, 2560: 64}
GOLDEN_RATIO = 0x9E3779B97F4A7C15
REFERENCE = Path(__file__).resolve().parents[3] / "tests" / "data" / "qwen3-golden.json"


def fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def splitmix(seed: int, count: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN_RATIO)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    half = np.float32(1 << 23)
    units = ((splitmix(fnv1a(name), int(np.prod(shape))) >> np.uint64(40)).astype(np.float32) - half) / half
    if len(shape) == 1:
        units = np.float32(1) + units / np.float32(8)
    elif not name.startswith("embed_tokens"):
        units = units * np.float32(2 / (1 << ((shape[1].bit_length() - 1) // 2)))
    return units.reshape(shape)


@dataclass(frozen=True)
class Sizes:
    """Of a Qwen3; those that are given are the reference's."""

    hidden: int
    inner: int
    vocabulary: int = 2048
    layers: int = 4
    heads: int = 4
    groups: int = 2
    width: int = 16


# For the package in `data`, which every test run reads.
ONE_LAYER = Sizes(hidden=8, inner=12, vocabulary=32, layers=1, heads=2, groups=1, width=4)


def shapes(of: Sizes) -> dict[str, tuple[int, ...]]:
    hidden, inner = of.hidden, of.inner
    found: dict[str, tuple[int, ...]] = {
        "embed_tokens.weight": (of.vocabulary, hidden),
        "norm.weight": (hidden,),
    }
    for layer in range(of.layers):
        for part, shape in {
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
            "self_attn.q_proj": (of.heads * of.width, hidden),
            "self_attn.k_proj": (of.groups * of.width, hidden),
            "self_attn.v_proj": (of.groups * of.width, hidden),
            "self_attn.o_proj": (hidden, of.heads * of.width),
            "self_attn.q_norm": (of.width,),
            "self_attn.k_norm": (of.width,),
            "mlp.gate_proj": (inner, hidden),
            "mlp.up_proj": (inner, hidden),
            "mlp.down_proj": (hidden, inner),
        }.items():
            found[f"layers.{layer}.{part}.weight"] = shape
    return found


def publish(folder: Path, of: Sizes) -> str:
    """Fills `folder` with `model.safetensors` and `config.json`; the hash of the weights."""
    weights = save({name: tensor(name, shape) for name, shape in shapes(of).items()})
    config = {
        "model_type": "qwen3",
        "vocab_size": of.vocabulary,
        "hidden_size": of.hidden,
        "intermediate_size": of.inner,
        "num_hidden_layers": of.layers,
        "num_attention_heads": of.heads,
        "num_key_value_heads": of.groups,
        "head_dim": of.width,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
        "max_position_embeddings": 512,
        "attention_bias": False,
        "use_sliding_window": False,
        "eos_token_id": of.vocabulary - 1,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return hashlib.sha256(weights).hexdigest()


def make(folder: Path, hidden: int = 64) -> Path:
    """The model of the reference vectors."""
    found = publish(folder, Sizes(hidden, INNER[hidden]))
    expected = {model["dims"]: model["weights"] for model in json.loads(REFERENCE.read_text())["models"]}[hidden]
    if found != expected:
        raise AssertionError(f"the made-up weights of {hidden} are not those of {REFERENCE}")
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes up a tiny Qwen3.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--dims", type=int, choices=sorted(INNER), default=64)
    arguments = parser.parse_args()
    print(make(arguments.out, arguments.dims))
