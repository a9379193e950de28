"""Where things lie in this project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .files import Stamp


@dataclass(frozen=True)
class Project:
    """The root folder, and what the set-up reads and makes under it."""

    root: Path

    @property
    def vendor(self) -> Path:
        """Everything fetched or made from what was fetched; never committed."""
        return self.root / "vendor"

    @property
    def venv(self) -> Path:
        """A virtual environment that only lends its pip: nothing is ever installed into it."""
        return self.root / ".venv"

    @property
    def venv_python(self) -> Path:
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def stamp(self, name: str, key: str, *outputs: Path) -> Stamp:
        return Stamp(self.vendor / ".stamps" / f"{name}.json", key, outputs)

    def existing(self, names: Sequence[str]) -> list[Path]:
        """The files and folders in the root that match the patterns `names`."""
        return [path for name in names for path in sorted(self.root.glob(name))]
