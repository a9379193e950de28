"""Scratch space and what cut runs leave."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from coreml import scratch


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.parent = Path(place.name)

    def test_everything_temporary_goes_there_and_then_away(self) -> None:
        before = (tempfile.gettempdir(), os.environ.get("TMPDIR"))
        with scratch.space(self.parent) as space:
            self.assertEqual(Path(tempfile.mkdtemp()).parent, space)
            self.assertEqual(os.environ["TMPDIR"], str(space))
        self.assertEqual(list(self.parent.iterdir()), [])
        self.assertEqual((tempfile.gettempdir(), os.environ.get("TMPDIR")), before)

    def test_what_an_ended_process_left_is_removed_and_nothing_else(self) -> None:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        left = self.parent / f".coreml-scratch-{ended.pid}"
        left.mkdir()
        (left / "weights").write_bytes(b"x" * 100)
        mine = self.parent / f".coreml-scratch-{os.getpid()}"
        other = self.parent / ".coreml-scratch-notes"
        for folder in (mine, other):
            folder.mkdir()
        self.assertEqual(scratch.sweep(self.parent), 100)
        self.assertEqual({path.name for path in self.parent.iterdir()}, {mine.name, other.name})
