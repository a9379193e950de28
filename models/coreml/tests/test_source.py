"""Published files."""

import hashlib
import json
import struct
import tempfile
import unittest
from pathlib import Path

from coreml import source
from coreml.errors import Refusal
from coreml.findings import Findings

QWEN3 = {
    "model_type": "qwen3", "hidden_act": "silu", "attention_bias": False, "use_sliding_window": False,
    "rope_scaling": None, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "hidden_size": 16, "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
}  # fmt: skip


def safetensors(tensors: dict) -> bytes:
    header = json.dumps(
        {name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]} for name, (dtype, shape) in tensors.items()}
    ).encode()
    return struct.pack("<Q", len(header)) + header


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name)
        (self.folder / "config.json").write_text(json.dumps(QWEN3))

    def write(self, name: str, tensors: dict) -> bytes:
        data = safetensors(tensors)
        (self.folder / name).write_bytes(data)
        return data

    def test_one_file_and_a_prefix(self) -> None:
        data = self.write("model.safetensors", {"model.norm.weight": ("BF16", [16]), "model.a": ("F32", [2, 3])})
        findings = Findings()
        found = source.read(self.folder, findings)
        self.assertEqual((set(found.tensors), found.prefix), ({"norm.weight", "a"}, "model."))
        self.assertEqual(found.parameters, 22)
        self.assertEqual(found.weights_sha256(), hashlib.sha256(data).hexdigest())
        self.assertEqual((len(findings.notes), findings.faults), (1, []))

    def test_parts_and_their_index(self) -> None:
        parts = {"b.safetensors": {"a": ("F16", [4])}, "a.safetensors": {"b": ("F16", [5])}}
        hashes = {name: hashlib.sha256(self.write(name, tensors)).hexdigest() for name, tensors in parts.items()}
        index = {"weight_map": {"a": "b.safetensors", "b": "a.safetensors"}}
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(index))
        found = source.read(self.folder, Findings())
        self.assertEqual(found.parameters, 9)
        joined = hashes["a.safetensors"] + hashes["b.safetensors"]
        self.assertEqual(found.weights_sha256(), hashlib.sha256(joined.encode()).hexdigest())

    def test_what_is_no_weights_file_is_refused(self) -> None:
        with self.assertRaises(Refusal):
            source.read(self.folder, Findings())
        for data in (b"", b"<html>" * 10, struct.pack("<Q", 1 << 60), struct.pack("<Q", 4) + b"[1]x"):
            (self.folder / "model.safetensors").write_bytes(data)
            with self.subTest(data[:8]), self.assertRaises(Refusal):
                source.read(self.folder, Findings())

    def test_another_architecture_is_refused_by_name(self) -> None:
        (self.folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
        with self.assertRaises(Refusal) as refused:
            source.read(self.folder, Findings())
        self.assertIn("llama", str(refused.exception))

    def test_doubtful_types_are_structural(self) -> None:
        self.write("model.safetensors", {"a": ("F64", [2])})
        findings = Findings()
        source.read(self.folder, findings)
        self.assertEqual(len(findings.faults), 1)


class Facts(unittest.TestCase):
    def test_both_places_of_the_angles_base_are_known(self) -> None:
        old = source.qwen3_facts(QWEN3, None, Findings())
        newer = {name: value for name, value in QWEN3.items() if name != "rope_theta"}
        newer["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e6}
        self.assertEqual(source.qwen3_facts(newer, None, Findings()), old)

    def test_what_the_module_does_not_know_is_structural(self) -> None:
        for change in (
            {"attention_bias": True},
            {"hidden_act": "gelu"},
            {"rope_scaling": {"rope_type": "yarn"}},
            {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6}},
            {"use_sliding_window": True},
        ):
            findings = Findings()
            source.qwen3_facts({**QWEN3, **change}, None, findings)
            self.assertEqual(len(findings.faults), 1, change)

    def test_what_makes_no_sense_or_is_missing_is_refused(self) -> None:
        for change in ({"head_dim": 7}, {"num_key_value_heads": 3}, {"head_dim": None}):
            with self.subTest(change), self.assertRaises(Refusal):
                source.qwen3_facts({**QWEN3, **change}, None, Findings())

    def test_a_profile_that_contradicts_is_structural(self) -> None:
        config = {
            "model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": 6, "num_attention_heads": 12,
            "hidden_size": 384, "max_position_embeddings": 512, "layer_norm_eps": 1e-12,
        }  # fmt: skip
        findings = Findings()
        source.bert_facts(config, {"family": "bert", "heads": 12, "layer_norm_eps": 1e-12}, findings)
        self.assertEqual(findings.faults, [])
        source.bert_facts(config, {"family": "bert", "heads": 8, "layer_norm_eps": 1e-12}, findings)
        self.assertEqual(len(findings.faults), 1)
