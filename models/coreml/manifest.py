"""`coreml.json` beside the packages: what they are, all files with size and SHA-256, the recipe.

A package is a folder; its own hash is one over its files: SHA-256 of lines `<sha256>  <path>\\n`, paths sorted, with
`/` between names.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .errors import Refusal
from .source import sha256_of

NAME = "coreml.json"
SCHEMA = 1


@dataclass(frozen=True)
class About:
    """What the manifest says of the model beside its files."""

    id: str
    name: str
    license: str
    source: str
    languages: tuple[str, ...]
    weights: str
    precision: str
    minimum_macos: str
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A package, and for each of its lengths the function to load; `None` where it has only one."""

    path: str
    functions: dict[int, Optional[str]]


def file_entry(root: Path, path: Path) -> dict[str, Any]:
    return {"path": path.relative_to(root).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def files_of(folder: Path) -> list[dict[str, Any]]:
    """Every file below `folder`, in the order of their paths."""
    entries = [file_entry(folder, path) for path in folder.rglob("*") if path.is_file()]
    return sorted(entries, key=lambda entry: str(entry["path"]))


def tree_hash(files: list[dict[str, Any]]) -> str:
    text = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in files)
    return hashlib.sha256(text.encode()).hexdigest()


def build(folder: Path, about: About, parts: list[Part]) -> dict[str, Any]:
    """The manifest of what lies in `folder`."""
    packages = []
    for part in parts:
        files = files_of(folder / part.path)
        packages.append(
            {
                "path": part.path,
                "bytes": sum(entry["bytes"] for entry in files),
                "sha256": tree_hash(files),
                "functions": [
                    {"tokens": tokens, "name": name} if name else {"tokens": tokens}
                    for tokens, name in sorted(part.functions.items())
                ],
                "files": files,
            }
        )
    beside = [folder / name for name in ("tokenizer.json", "LICENSE", "NOTICE") if (folder / name).is_file()]
    return {
        "schema": SCHEMA,
        "id": about.id,
        "name": about.name,
        "license": about.license,
        "source": about.source,
        "languages": list(about.languages),
        "weights": about.weights,
        "runs_on": ["coreml_native"],
        "minimum_macos": about.minimum_macos,
        "precision": about.precision,
        "packages": packages,
        "files": [file_entry(folder, path) for path in beside],
        "recipe": {**about.recipe, "precision": about.precision},
    }


def write(folder: Path, manifest: dict[str, Any]) -> Path:
    path = folder / NAME
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}", "give a folder that convert has written") from error
    if manifest.get("schema") != SCHEMA:
        raise Refusal(f"{path} has schema {manifest.get('schema')}, known is {SCHEMA}", "write the packages again")
    return manifest


def differences(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Files that are missing, new or not as the manifest says."""
    found = []
    for package in manifest["packages"]:
        root = package["path"]
        there = {entry["path"]: entry for entry in files_of(folder / root)}
        named = {entry["path"]: entry for entry in package["files"]}
        found += [f"{root}/{path} is missing" for path in named if path not in there]
        found += [f"{root}/{path} is not in the manifest" for path in there if path not in named]
        found += [f"{root}/{path} has changed" for path in named if path in there and there[path] != named[path]]
    for entry in manifest["files"]:
        path = folder / entry["path"]
        if not path.is_file() or file_entry(folder, path) != entry:
            found.append(f"{entry['path']} is missing or has changed")
    return found
