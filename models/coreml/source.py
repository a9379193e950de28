"""The published files: `config.json`, and the header of the safetensors, read without loading any weight."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .errors import Refusal
from .findings import Findings

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}
LARGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Tensor:
    """One tensor of the weights: where it is and what it is."""

    file: Path
    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True)
class Source:
    """A folder as a publisher fills it. `prefix` stands before every tensor's name."""

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    prefix: str

    @property
    def family(self) -> str:
        return str(self.config.get("model_type"))

    @property
    def parameters(self) -> int:
        return sum(tensor.numbers for tensor in self.tensors.values())

    def files(self) -> list[Path]:
        return sorted({tensor.file for tensor in self.tensors.values()})

    def weights_sha256(self) -> str:
        """What the app's manifests call `weights`: of several files, the hash over their hashes."""
        hashes = [sha256_of(path) for path in self.files()]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def header(path: Path) -> dict[str, Tensor]:
    """What a safetensors file holds."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > LARGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            entries = json.loads(file.read(length))
        return {
            name: Tensor(path, entry["dtype"], tuple(entry["shape"]))
            for name, entry in entries.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise Refusal(f"{path} is no safetensors file: {error}", "fetch it again and compare its hash") from error


def read(folder: Path, findings: Findings) -> Source:
    """Reads a folder with `config.json` and `model.safetensors`, or its parts and their index."""
    config = read_config(folder)
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        parts = [whole]
    elif index.is_file():
        try:
            parts = [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
        except (ValueError, KeyError, AttributeError) as error:
            raise Refusal(f"{index} cannot be read: {error!r}", "fetch it again") from error
    else:
        raise Refusal(
            f"{folder} holds neither model.safetensors nor model.safetensors.index.json",
            "give the folder with the files of the model as its publisher keeps them",
        )
    tensors: dict[str, Tensor] = {}
    for part in parts:
        tensors.update(header(part))
    prefix = common_prefix(tensors)
    if prefix:
        findings.benign(f"every tensor's name begins with {prefix!r}; it is dropped")
        tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    for name, tensor in tensors.items():
        if tensor.dtype not in WIDTHS and not name.endswith("position_ids"):
            findings.structural(f"{name} is of {tensor.dtype}; known are {', '.join(WIDTHS)}")
    return Source(folder, config, tensors, prefix)


def read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}", "fetch it from where the weights come from") from error
    if config.get("model_type") not in ("bert", "qwen3"):
        raise Refusal(
            f"{path} says model_type is {config.get('model_type')!r}",
            "this converter knows bert and qwen3; another architecture needs a module like bert.py",
        )
    return config


def common_prefix(tensors: dict[str, Tensor]) -> str:
    for prefix in ("model.", "bert."):
        if any(name.startswith(prefix) for name in tensors):
            return prefix
    return ""


@dataclass(frozen=True)
class BertFacts:
    layers: int
    heads: int
    hidden: int
    positions: int
    eps: float


@dataclass(frozen=True)
class Qwen3Facts:
    layers: int
    heads: int
    groups: int
    width: int
    hidden: int
    positions: int
    eps: float
    theta: float


def bert_facts(config: dict[str, Any], profile: Optional[dict[str, Any]], findings: Findings) -> BertFacts:
    """What BERT's weights do not say; a profile's `architecture` must agree."""
    expect(config, {"hidden_act": "gelu", "position_embedding_type": "absolute"}, findings)
    if profile is not None:
        named = {"num_attention_heads": profile.get("heads"), "layer_norm_eps": profile.get("layer_norm_eps")}
        expect(config, {"model_type": profile.get("family"), **named}, findings)
    take = taker(config)
    facts = BertFacts(
        layers=int(take("num_hidden_layers")),
        heads=int(take("num_attention_heads")),
        hidden=int(take("hidden_size")),
        positions=int(take("max_position_embeddings")),
        eps=float(take("layer_norm_eps")),
    )
    if facts.heads < 1 or facts.hidden % facts.heads:
        raise Refusal(f"{facts.hidden} numbers cannot be shared by {facts.heads} heads", "compare config.json")
    return facts


def qwen3_facts(config: dict[str, Any], profile: Optional[dict[str, Any]], findings: Findings) -> Qwen3Facts:
    """What Qwen3's weights do not say."""
    expect(
        config,
        {"hidden_act": "silu", "attention_bias": False, "use_sliding_window": False, "rope_scaling": None},
        findings,
    )
    if profile is not None:
        expect(config, {"model_type": profile.get("family")}, findings)
    angles = config.get("rope_parameters") or {}
    if angles.get("rope_type", "default") != "default":
        findings.structural(f"config.json says rope_type is {angles['rope_type']}, known is default")
    take = taker({**angles, **config})
    facts = Qwen3Facts(
        layers=int(take("num_hidden_layers")),
        heads=int(take("num_attention_heads")),
        groups=int(take("num_key_value_heads")),
        width=int(take("head_dim")),
        hidden=int(take("hidden_size")),
        positions=int(take("max_position_embeddings")),
        eps=float(take("rms_norm_eps")),
        theta=float(take("rope_theta")),
    )
    if facts.groups < 1 or facts.heads % facts.groups:
        raise Refusal(f"{facts.heads} heads cannot be shared by {facts.groups} groups", "compare config.json")
    if facts.width < 2 or facts.width % 2:
        raise Refusal(f"positions turn pairs of numbers; a head has {facts.width}", "compare config.json")
    return facts


def taker(config: dict[str, Any]) -> Any:
    def take(field: str) -> Any:
        if config.get(field) is None:
            raise Refusal(f"config.json does not say {field}", "fetch it from where the weights come from")
        return config[field]

    return take


def expect(config: dict[str, Any], wanted: dict[str, Any], findings: Findings) -> None:
    for field, value in wanted.items():
        if field in config and config[field] != value:
            findings.structural(f"config.json says {field} is {config[field]!r}, the converter goes by {value!r}")
