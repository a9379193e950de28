#!/usr/bin/env python3
"""Writes the licences of all that is compiled into the app for this system: crates, and the web UI's packages.

ONNX Runtime and the models carry theirs in their own folders. Which licences are allowed at all is `deny.toml`'s word.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "target" / "licences.txt"
BINARIES = ("papr-desktop", "papr-cli")
# What of the packages in package.json ends up in the UI's files; the others only build or test it.
SHIPPED = ("@lucide/svelte", "@tauri-apps/api", "svelte")
TEXTS = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
RULE = "-" * 80


@dataclass(frozen=True, order=True)
class Package:
    """One thing that is shipped, under which licence, and where its author tells of it."""

    name: str
    version: str
    licence: str
    home: str
    folder: Path = field(compare=False)

    def texts(self) -> list[str]:
        files = sorted(path for path in self.folder.iterdir() if path.is_file() and TEXTS.match(path.name))
        return [path.read_text("utf-8", errors="replace").strip() for path in files]


def host() -> str:
    told = subprocess.run(["rustc", "-vV"], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    return next(line.removeprefix("host: ") for line in told.splitlines() if line.startswith("host: "))


def linked(metadata: dict) -> Iterator[dict]:
    """The packages that are linked into the binaries: reached by dependencies that are neither for tests nor builds."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    waiting = [id for id, package in packages.items() if package["name"] in BINARIES]
    seen = set(waiting)
    while waiting:
        id = waiting.pop()
        yield packages[id]
        for dependency in nodes[id]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                waiting.append(dependency["pkg"])


def crates() -> Iterator[Package]:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host()]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    for package in linked(json.loads(told)):
        if package["source"] is not None:
            licence = package["license"] or f"see {package['license_file']}"
            home = package["repository"] or f"https://crates.io/crates/{package['name']}"
            folder = Path(package["manifest_path"]).parent
            yield Package(package["name"], package["version"], licence, home, folder)


def modules() -> Iterator[Package]:
    for name in SHIPPED:
        folder = ROOT / "node_modules" / name
        told = json.loads((folder / "package.json").read_text("utf-8"))
        home = told.get("homepage") or f"https://www.npmjs.com/package/{name}"
        yield Package(name, told["version"], told["license"], home, folder)


def report(packages: Iterable[Package]) -> str:
    """The list of all packages, then each text once, with those it came with."""
    packages = sorted(packages)
    holders = defaultdict(list)
    for package in packages:
        for text in package.texts():
            holders[text].append(f"{package.name} {package.version}")
    lines = ["Papr Desktop is made of these, too, each under the licence that stands beside it.", ""]
    lines += [f"{package.name} {package.version}  {package.licence}  {package.home}" for package in packages]
    for text, names in holders.items():
        lines += ["", RULE, ", ".join(names), RULE, "", text]
    return "\n".join(lines) + "\n"


def main() -> int:
    packages = [*crates(), *modules()]
    if unclear := [package.name for package in packages if not package.licence]:
        print(f"licences: nothing says under which licence these are: {', '.join(unclear)}", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    text = report(packages)
    TARGET.write_text(text, "utf-8")
    print(f"licences: {len(packages)} packages, {len(text) / 1e6:.1f} MB in {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
