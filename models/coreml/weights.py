"""Tensors out of safetensors files and into a torch module, one at a time, in the precision the module works in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from .errors import Refusal
from .findings import Findings
from .source import Source

HALF = torch.finfo(torch.float16)


def working_type(family: str) -> torch.dtype:
    """What a module is traced in. Qwen3 in half precision, which takes half the memory; coremltools insists on 32
    bits for BERT's layer norm, and makes half precision of them itself."""
    return torch.float16 if family == "qwen3" else torch.float32


class Weights:
    """The published tensors by name. Remembers what was taken, and what half precision made of it."""

    def __init__(self, source: Source, dtype: torch.dtype, findings: Findings) -> None:
        self.source, self.dtype, self.findings = source, dtype, findings
        self.files: dict[Path, Any] = {}
        self.used: set[str] = set()
        self.cache: dict[str, nn.Parameter] = {}
        self.vanished = 0

    def read(self, name: str) -> Tensor:
        tensor = self.source.tensors.get(name)
        if tensor is None:
            raise Refusal(
                f"{self.source.folder} has no tensor {name}",
                "the weights are of another architecture or incomplete; compare config.json and the list of files",
            )
        if tensor.file not in self.files:
            self.files[tensor.file] = safe_open(str(tensor.file), framework="pt", device="cpu")
        self.used.add(name)
        return self.files[tensor.file].get_tensor(self.source.prefix + name)

    def single(self, name: str) -> Tensor:
        return self.read(name).float()

    def working(self, x: Tensor) -> Tensor:
        return x.to(self.dtype)

    def parameter(self, name: str, scale: float = 1.0) -> nn.Parameter:
        """A tensor for a module. Asked for again, as for another length, it is the same one."""
        if name not in self.cache:
            published = self.read(name)
            scaled = published.float() * scale if scale != 1.0 else published
            self.compare(name, scaled)
            self.cache[name] = nn.Parameter(self.working(scaled).contiguous(), requires_grad=False)
        return self.cache[name]

    def compare(self, name: str, x: Tensor) -> None:
        """Counts what becomes 0 in half precision, and reports what does not fit into it."""
        size = x.abs()
        if not bool(torch.isfinite(size.max())) or float(size.max()) > HALF.max:
            self.findings.structural(f"{name} holds numbers beyond half precision: {float(size.max()):.3g}")
        self.vanished += int(((size > 0) & (size < HALF.tiny * HALF.eps / 2)).sum())

    def all_used_but(self, unused: Sequence[str]) -> None:
        for name in sorted(set(self.source.tensors) - self.used):
            if name.startswith(tuple(unused)):
                self.findings.benign(f"{name} is of no use to a text vector")
            else:
                self.findings.structural(f"{name} has no place in the graph")
        if self.vanished:
            self.findings.benign(f"{self.vanished} weights are too small for half precision and become 0")
