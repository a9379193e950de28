"""Recipes and lengths."""

import json
import unittest
from pathlib import Path

from coreml import recipe
from coreml.errors import Refusal

MODELS = Path(__file__).resolve().parents[2]


class Recipes(unittest.TestCase):
    def test_the_profiles_of_the_project_can_be_read(self) -> None:
        found = {
            path.stem: recipe.read_profile(path).recipe for path in MODELS.glob("*.json") if path.stem != "catalog"
        }
        self.assertEqual(found["all-minilm-l6-v2"].pooling, recipe.Pooling("mean"))
        self.assertEqual(found["qwen3-embedding-4b"].pooling, recipe.Pooling("last_token"))
        papr = found["qwen3-embedding-4b-papr"]
        self.assertEqual((papr.pooling, papr.fixed_length), (recipe.Pooling("mean_of_last_layers", 4), 32))
        self.assertEqual((papr.clamp, papr.dims), (65504.0, 2560))

    def test_the_named_recipes_are_those_of_the_profiles(self) -> None:
        for name, file in (("official", "qwen3-embedding-4b"), ("papr-mean4", "qwen3-embedding-4b-papr")):
            profile = json.loads((MODELS / f"{file}.json").read_text(encoding="utf-8"))
            self.assertEqual(recipe.named(name, 2560, 512, recipe.QWEN3_END).fields, profile["recipe"], name)

    def test_what_the_graph_cannot_do_is_refused(self) -> None:
        fields = recipe.named("official", 64, 128, 7).fields
        for change in (
            {"pooling": {"method": "mean", "by": "app"}},
            {"normalization": "app"},
            {"pooling": {"method": "own", "by": "graph"}},
            {"pooling": {"method": {"mean_of_last_layers": 1}, "by": "graph"}},
            {"clamp": 1e9},
            {"padding": {"fixed": 32}},
            {"cut_from": 128},
            {"graph": {}},
        ):
            with self.subTest(change), self.assertRaises(Refusal) as refused:
                recipe.of_fields({**fields, **change}, "here")
            self.assertIn("What to do", str(refused.exception))

    def test_no_profile_is_a_refusal_that_names_what_to_give(self) -> None:
        with self.assertRaises(Refusal) as refused:
            recipe.read_profile(MODELS / "catalog.json")
        self.assertIn("official", str(refused.exception))


class Lengths(unittest.TestCase):
    def setUp(self) -> None:
        self.official = recipe.named("official", 64, 512, 7)
        self.papr = recipe.named("papr-mean4", 64, 512, 7)

    def test_they_are_sorted_and_each_once(self) -> None:
        self.assertEqual(recipe.lengths("128,32,128", self.official, 4096), [32, 128])

    def test_what_leaves_the_space_is_refused(self) -> None:
        for text in ("2", "many", "", "513"):
            with self.subTest(text), self.assertRaises(Refusal):
                recipe.lengths(text, self.official, 4096)
        with self.assertRaises(Refusal):
            recipe.lengths("256", self.official, 128)

    def test_the_usual_ones_cut_no_text_that_the_recipe_does_not_cut(self) -> None:
        self.assertEqual(recipe.usual_lengths(self.official), "32,128,512")
        self.assertEqual(recipe.usual_lengths(self.papr), "32")
        self.assertEqual(recipe.usual_lengths(recipe.named("official", 64, 100, 7)), "32,100")
        self.assertEqual(recipe.cut_to(self.official, 128)["max_tokens"], 128)

    def test_a_recipe_of_fixed_length_has_one(self) -> None:
        self.assertEqual(recipe.lengths("32", self.papr, 512), [32])
        for text in ("16", "32,64"):
            with self.subTest(text), self.assertRaises(Refusal) as refused:
                recipe.lengths(text, self.papr, 512)
            self.assertIn("--length 32", str(refused.exception))
