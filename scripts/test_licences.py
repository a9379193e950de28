"""What is listed as shipped, and how the texts are gathered."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from licences import Package, linked, report


def package(name: str) -> dict:
    return {"id": name, "name": name}


def node(name: str, **dependencies: str | None) -> dict:
    return {"id": name, "deps": [{"pkg": of, "dep_kinds": [{"kind": kind}]} for of, kind in dependencies.items()]}


class Licences(unittest.TestCase):
    def test_what_only_tests_or_builds_is_not_shipped(self) -> None:
        names = ("papr-desktop", "deep", "inner", "builds", "tests", "papr-fake")
        nodes = [
            node("papr-desktop", inner=None, builds="build", tests="dev"),
            node("inner", deep=None),
            node("papr-fake", tests=None),
            *(node(name) for name in ("deep", "builds", "tests")),
        ]
        metadata = {"packages": [package(name) for name in names], "resolve": {"nodes": nodes}}
        self.assertEqual({found["name"] for found in linked(metadata)}, {"papr-desktop", "inner", "deep"})

    def test_a_text_stands_once_with_all_that_it_came_with(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            packages = []
            for name in ("one", "two"):
                home = Path(folder, name)
                home.mkdir()
                (home / "LICENSE-MIT").write_text("Permission is hereby granted\n")
                (home / "lib.rs").write_text("not a licence")
                packages.append(Package(name, "1.0.0", "MIT", f"https://example.org/{name}", home))
            (Path(folder, "two") / "NOTICE").write_text("by two")
            text = report(reversed(packages))
        self.assertEqual(text.count("Permission is hereby granted"), 1)
        self.assertIn("one 1.0.0, two 1.0.0", text)
        self.assertIn("one 1.0.0  MIT  https://example.org/one", text)
        self.assertIn("by two", text, "a notice has to be handed on like the licence")
        self.assertNotIn("not a licence", text)


if __name__ == "__main__":
    unittest.main()
