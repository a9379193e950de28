"""What the set-up's tests stand on: a project in a temporary folder, and fakes of every tool it calls."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from papr_setup.pins import Member
from papr_setup.project import Project
from papr_setup.report import Failure

# The virtual environment's Python: `pip download` copies a wheel from $SHELF, or fails with $SHELF/error.
FAKE_PIP = """
case "$*" in *"pip --version"*) exit 0;; esac
while [ $# -gt 0 ]; do
    case "$1" in *==*) wanted=$1;; --dest) folder=$2;; esac
    shift
done
if [ -f "$SHELF/$wanted.whl" ]; then exec /bin/cp "$SHELF/$wanted.whl" "$folder/"; fi
/bin/cat "$SHELF/error" 2>/dev/null || echo "ERROR: No matching distribution found for $wanted"
exit 1
"""
FAKE_NPM = """
case "$*" in
    ci) /bin/mkdir -p node_modules; echo '{}' > node_modules/.package-lock.json;;
    "run build") /bin/mkdir -p ui/dist; echo built > ui/dist/index.html;;
esac
"""
FAKE_CARGO = """
for last; do :; done
/bin/mkdir -p "$last"; echo '{}' > "$last/manifest.json"; echo graph > "$last/model.onnx"
"""
WEIGHTS, TOKENIZER = b"weights " * 4000, b'{"tokens": []}'


def member(name: str, content: bytes) -> Member:
    return Member(name, len(content), hashlib.sha256(content).hexdigest())


def zipped(contents: dict[str, bytes]) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return box.getvalue()


PLAIN = zipped({"a/model.bin": WEIGHTS, "a/tokenizer.json": TOKENIZER, "a/b/tokenizer.json": b"another"})
NESTED = zipped(
    {"c/__init__.py": b"", "c/model.zip": zipped({"model.bin": WEIGHTS, "tokenizer.json": TOKENIZER})}
)


@unittest.skipIf(os.name == "nt", "the fakes are shell scripts")
class Faked(unittest.TestCase):
    """A project in a temporary folder, and a PATH with only fakes; `calls` tells what they were asked."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve() / "project"
        self.shelf, self.bin = self.root.parent / "shelf", self.root.parent / "bin"
        for made in (self.root, self.shelf, self.bin):
            made.mkdir()
        self.project = Project(self.root)
        self.log = self.root.parent / "calls"
        surroundings = {"PATH": str(self.bin), "SHELF": str(self.shelf), "ORT_DYLIB_PATH": ""}
        patched = mock.patch.dict(os.environ, surroundings)
        patched.start()
        self.addCleanup(patched.stop)

    def fake(self, name: str, script: str) -> None:
        self.script(self.bin / name, script)

    def script(self, path: Path, script: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> "{self.log}"\n{script}\n')
        path.chmod(0o755)

    def write(self, name: str, content: str = "x") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def calls(self, tool: str, words: str = "") -> int:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum(line.startswith(f"{tool} ") and words in line for line in lines)

    def quietly(self, act, *arguments) -> str:
        """What `act` says on its way; its failure, if any, goes on."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            act(*arguments)
        return said.getvalue()

    def failure(self, act, *arguments) -> Failure:
        with self.assertRaises(Failure) as caught:
            self.quietly(act, *arguments)
        return caught.exception
