"""A written package read back: the committed one of one layer, and what is done to it."""

import json
import shutil
import struct
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from coreml import check, manifest, neural_engine, recipe, spec, wire
from coreml.errors import Refusal
from coreml.spec import Feature, Function, Operation

FIXTURE = Path(__file__).resolve().parent / "data" / "one-layer"
PACKAGE = "model-8.mlpackage"


class Reading(unittest.TestCase):
    def setUp(self) -> None:
        self.package = spec.read(FIXTURE / PACKAGE)

    def test_inputs_and_outputs(self) -> None:
        (function,) = self.package.functions.values()
        self.assertEqual((self.package.version, self.package.macos, function.name), (8, "14", "main"))
        self.assertEqual(
            sorted(feature.line() for feature in function.inputs),
            ["attention_mask: int32 [1, 8]", "input_ids: int32 [1, 8]"],
        )
        self.assertEqual([feature.line() for feature in function.outputs], ["sentence_embedding: float32 [1, 8]"])
        self.assertEqual(function.results, ["sentence_embedding"])

    def test_operations_and_constants(self) -> None:
        operations = self.package.functions["main"].operations
        counts = neural_engine.computed(operations)
        self.assertEqual((counts["linear"], counts["softmax"], counts["gather"]), (7, 1, 1))
        self.assertNotIn("const", counts)
        values = {one.outputs[0].name: one.attributes["val"] for one in operations if one.type == "const"}
        blobs = [value for value in values.values() if isinstance(value.content, spec.Blob)]
        self.assertTrue(any(value.shape == (32, 8) and value.dtype == "float16" for value in blobs))
        self.assertTrue(any(value.content == ["fp16"] for value in values.values()))

    def test_nothing_that_adds_to_what_it_divides_by(self) -> None:
        types = {one.type for one in self.package.functions["main"].operations}
        self.assertFalse(types & {"inverse", "rsqrt", "reduce_l2_norm"})

    def test_the_metadata_name_the_model_and_no_day(self) -> None:
        self.assertEqual(self.package.metadata["ai.papr.pooling"], "last_token")
        self.assertNotIn("com.github.apple.coremltools.conversion_date", self.package.metadata)

    def test_what_is_no_specification_is_refused(self) -> None:
        data = (FIXTURE / PACKAGE / "Data" / "com.apple.CoreML" / "model.mlmodel").read_bytes()
        for broken in (data[:-1000], b"\xff" * 50, b"\x0a"):
            with self.subTest(broken[:4]), self.assertRaises(Refusal):
                spec.parse(broken, Path("broken"))
        with self.assertRaises(Refusal):
            spec.read(FIXTURE)

    def test_numbers_of_every_kind(self) -> None:
        packed = wire.fields(b"\x0a\x0c" + struct.pack("<3f", 1.0, -2.0, 0.5))
        self.assertEqual(wire.floats(packed, 1), [1.0, -2.0, 0.5])
        minus_one = b"\xff" * 9 + b"\x01"
        self.assertEqual(wire.integers(wire.fields(b"\x08" + minus_one + b"\x08\x05"), 1), [-1, 5])
        self.assertEqual(wire.integers(wire.fields(b"\x0a\x0b" + minus_one + b"\x05"), 1), [-1, 5])


class Checking(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name) / "one-layer"
        shutil.copytree(FIXTURE, self.folder)

    def change(self, **fields: object) -> None:
        said = manifest.read(self.folder)
        said["recipe"].update(fields)
        manifest.write(self.folder, said)

    def test_as_written_it_has_no_fault(self) -> None:
        told, faults = check.check(self.folder)
        self.assertEqual(faults, [])
        self.assertTrue(any("known not to run on the Neural Engine: 1 gather" in line for line in told), told)

    def test_a_wrong_number_of_dims_is_named(self) -> None:
        self.change(dims=4)
        faults = " ".join(check.check(self.folder)[1])
        self.assertIn("sentence_embedding: float32 [1, 8]", faults)
        self.assertIn("sentence_embedding: float32 [1, 4]", faults)

    def test_a_wrong_name_is_named(self) -> None:
        names = {"input_ids": "ids", "attention_mask": "attention_mask", "output": "vector"}
        self.change(graph=names)
        faults = " ".join(check.check(self.folder)[1])
        self.assertIn("ids: int32 [1, 8]", faults)
        self.assertIn("not vector", faults)

    def test_a_wrong_length_is_named(self) -> None:
        said = manifest.read(self.folder)
        said["packages"][0]["functions"][0]["tokens"] = 16
        manifest.write(self.folder, said)
        self.assertTrue(any("[1, 16]" in fault for fault in check.check(self.folder)[1]))

    def test_changed_missing_and_new_files_are_named(self) -> None:
        weights = self.folder / PACKAGE / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
        (self.folder / PACKAGE / "more").write_text("x")
        (self.folder / PACKAGE / "Manifest.json").unlink()
        faults = check.check(self.folder)[1]
        for part in ("weight.bin has changed", "more is not in the manifest", "Manifest.json is missing"):
            self.assertTrue(any(part in fault for fault in faults), (part, faults))

    def test_the_command_ends_with_1_on_a_fault(self) -> None:
        import contextlib
        import io

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(check.main([str(self.folder)]), 0)
            self.change(dims=4)
            self.assertEqual(check.main([str(self.folder)]), 1)
            self.assertEqual(check.main([str(self.folder / "nowhere")]), 1)

    def test_the_hash_of_a_package_is_over_its_files(self) -> None:
        said = json.loads((self.folder / manifest.NAME).read_text(encoding="utf-8"))
        (package,) = said["packages"]
        self.assertEqual(package["sha256"], manifest.tree_hash(package["files"]))
        self.assertEqual(package["bytes"], sum(entry["bytes"] for entry in package["files"]))
        paths = [entry["path"] for entry in package["files"]]
        self.assertEqual(paths, sorted(paths))
        self.assertIn("Data/com.apple.CoreML/weights/weight.bin", paths)


def function(*operations: Operation) -> Function:
    return Function("main", "CoreML7", [Feature("ids", "int32", (1, 8))], [], list(operations), [])


def operation(kind: str, dtype: str, shape: tuple, **inputs: str) -> Operation:
    return Operation(
        kind, {name: [value] for name, value in inputs.items()}, {}, [Feature(f"{kind}.out", dtype, shape)]
    )


class Programs(unittest.TestCase):
    def test_indices_too_narrow_for_their_table(self) -> None:
        def faults(rows: int, dtype: str) -> list:
            table = Operation("const", {}, {}, [Feature("table", "float16", (rows, 4))])
            narrow = replace(operation("cast", dtype, (1, 8), x="ids"), outputs=[Feature("narrow", dtype, (1, 8))])
            gather = operation("gather", "float16", (1, 8, 4), x="table", indices="narrow")
            return check.program_faults(function(table, narrow, gather))

        self.assertEqual(faults(30522, "int16"), [])
        self.assertEqual(faults(151_936, "int32"), [])
        self.assertEqual(len(faults(151_936, "int16")), 1)
        self.assertEqual(len(faults(70_000, "uint16")), 1)

    def test_open_shapes(self) -> None:
        self.assertEqual(len(check.program_faults(function(operation("add", "float16", (1, -1))))), 1)

    def test_what_is_known_not_to_run_on_the_neural_engine(self) -> None:
        outside = neural_engine.outside(
            function(
                operation("cast", "float16", (1, 8), x="ids"),
                operation("linear", "float16", (1, 8, 4)),
                operation("mul", "float32", (1, 8)),
                operation("reshape", "float16", (1, 1, 1, 1, 1, 8)),
                operation("scatter", "float16", (1, 8)),
                operation("constexpr_affine_dequantize", "float16", (4, 4)),
            )
        )
        self.assertEqual(sorted(kind for kind, _ in outside), ["cast", "mul", "reshape", "scatter"])

    def test_a_package_of_other_functions(self) -> None:
        package = spec.read(FIXTURE / PACKAGE)
        how = recipe.of_fields(manifest.read(FIXTURE)["recipe"], "fixture")
        self.assertEqual(check.package_faults(package, how, {8: "main"}), [])
        self.assertTrue(check.package_faults(package, how, {8: "tokens_8"}))
        self.assertTrue(check.package_faults(replace(package, version=7), how, {8: "main"}))
