"""The command line, as far as it goes without torch."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from coreml import convert, manifest
from coreml.errors import Refusal
from coreml.findings import Findings
from coreml.memory import GB, Machine
from coreml.source import Source, Tensor

QWEN3 = {"model_type": "qwen3", "hidden_size": 2560, "max_position_embeddings": 32768, "eos_token_id": 151643}


def order(**changes: object) -> convert.Order:
    given = {
        "source": Path("Qwen3-Embedding-4B"), "out": Path("out"), "recipe": "official", "precision": "int8",
        "length": "32", "multifunction": False, "force": False,
    }  # fmt: skip
    return convert.Order(**{**given, **changes})  # type: ignore[arg-type]


def published(config: dict) -> Source:
    return Source(Path("weights"), config, {"a": Tensor(Path("a"), "BF16", (4000, 1_000_000))}, "")


class Line(unittest.TestCase):
    def test_arguments(self) -> None:
        got = convert.arguments_of(
            [
                "in",
                "out",
                "--recipe",
                "papr-mean4",
                "--precision",
                "4bit",
                "--length",
                "32",
                "--package",
                "multifunction",
            ]
        )
        self.assertEqual(
            got,
            order(source=Path("in"), out=Path("out"), recipe="papr-mean4", precision="4bit", multifunction=True),
        )

    def test_a_refusal_ends_with_1_and_says_what_to_do(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), tempfile.TemporaryDirectory() as place:
            self.assertEqual(convert.main([place, f"{place}/out", "--recipe", "official"]), 1)
        self.assertIn("What to do", said.getvalue())


class Profiles(unittest.TestCase):
    def test_a_named_recipe_is_made_for_the_published_model(self) -> None:
        profile = convert.profile_of("official", published(QWEN3))
        self.assertEqual((profile.id, profile.recipe.dims), ("weights-official", 2560))
        self.assertEqual((profile.recipe.pad_token, profile.recipe.max_tokens), (151643, 512))

    def test_a_recipe_of_qwen3_does_not_fit_bert(self) -> None:
        with self.assertRaises(Refusal):
            convert.profile_of("official", published({"model_type": "bert"}))


class Preflight(unittest.TestCase):
    def run_with(self, machine: Machine, force: bool) -> str:
        said = io.StringIO()
        with mock.patch("coreml.memory.this_machine", return_value=machine), contextlib.redirect_stdout(said):
            convert.preflight(order(force=force), published(QWEN3).parameters, 1)
        return said.getvalue()

    def test_too_little_is_refused_and_force_goes_on(self) -> None:
        small = Machine(12 * GB, 60 * GB, 200 * GB)
        with self.assertRaises(Refusal):
            self.run_with(small, force=False)
        self.assertIn("forced past", self.run_with(small, force=True))
        self.assertIn("memory:", self.run_with(Machine(28 * GB, 60 * GB, 200 * GB), force=False))


class Putting(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.fresh = self.place / "scratch" / "result"
        self.fresh.mkdir(parents=True)
        (self.fresh / manifest.NAME).write_text(json.dumps({"schema": 1}))
        self.out = self.place / "out"

    def test_a_new_folder_and_one_that_was_written_before(self) -> None:
        convert.put(self.fresh, self.out)
        self.assertTrue((self.out / manifest.NAME).is_file())
        (self.out / "older").write_text("x")
        self.fresh.mkdir()
        convert.put(self.fresh, self.out)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_somebody_elses_folder_is_left_alone(self) -> None:
        self.out.mkdir()
        (self.out / "letters").write_text("x")
        with self.assertRaises(Refusal):
            convert.put(self.fresh, self.out)
        self.assertTrue((self.out / "letters").is_file())


class WithoutTorch(unittest.TestCase):
    def test_a_missing_library_names_the_remedy(self) -> None:
        said = io.StringIO()
        with (
            mock.patch.dict("sys.modules", {"torch": None, "coremltools": None}),
            contextlib.redirect_stdout(said),
            self.assertRaises(Refusal) as refused,
        ):
            profile = convert.profile_of("official", published(QWEN3))
            convert.packages_of(order(), profile, published(QWEN3), [32], Path(), Path(), Findings())
        self.assertIn("virtual environment", str(refused.exception))
