#!/usr/bin/env python3
"""Type-checks the code for macOS on any system.

Where Rust's standard library for macOS is installed, all of the workspace: a check never links, but one dependency
compiles Objective-C on the way, and a stand-in compiler that writes empty objects is enough for it. Wrong code behind
`cfg(target_os = "macos")` is found; what only Apple's SDK knows is not.

Elsewhere, the calls to Core ML and AppKit alone, against the very bindings that a Mac build uses. The bindings are Rust
and compile anywhere, but for two things: they want to know an Objective-C runtime (a `cfg` names one), and those to Core
ML ask the linker for the framework in one line (a copy leaves it out). For Core ML, `papr-embed` is checked for this
system with `--cfg papr_check_mac`, which lets those modules in; the quick window's panel, as a crate of its own. Nothing
is linked or run.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = "aarch64-apple-darwin"
STAND_IN = """#!/bin/sh
# Answers every compilation with an empty object file.
while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then : > "$2"; fi
    shift
done
"""


# Answers with the compiler, and with the copy in the place of the bindings.
WRAPPER = """#!/bin/sh
for argument do
    shift
    case "$argument" in */objc2-core-ml-*/src/lib.rs) argument='{copy}/src/lib.rs' ;; esac
    set -- "$@" "$argument"
done
exec "$@"
"""
# An Objective-C runtime that this system might have.
RUNTIME = '--cfg feature="gnustep-1-7"'
PANEL_MANIFEST = """[package]
name = "check-panel"
version = "0.0.0"
edition = "2024"
[lib]
path = "lib.rs"
[workspace]
[dependencies]"""
PANEL_SOURCE = """#![allow(dead_code)] // what calls it needs a window of Tauri's
#[path = "{path}"]
mod panel;
"""
FRAMEWORK = '#[link(name = "CoreML", kind = "framework")]\n'


def main() -> int:
    if installed():
        return whole_workspace()
    print(f"check-mac: {TARGET} is not installed here (rustup target add {TARGET}).", flush=True)
    print("check-mac: the calls to Core ML and AppKit alone are checked, against their bindings.", flush=True)
    if os.name != "posix":
        print("check-mac: skipped, since that needs a POSIX shell.")
        return 0
    return panel() or core_ml()


def whole_workspace() -> int:
    environment = dict(os.environ) if sys.platform == "darwin" else {**os.environ, **stand_ins()}
    command = ["cargo", "check", "--workspace", "--features", "custom-protocol", "--target", TARGET]
    return subprocess.call(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def panel() -> int:
    folder = ROOT / "target" / "check-mac" / "panel"
    folder.mkdir(parents=True, exist_ok=True)
    # The very lines of the project's own, and the versions that its lock names.
    wanted = [line for line in (ROOT / "Cargo.toml").read_text("utf-8").splitlines() if line.startswith("objc2")]
    manifest = [PANEL_MANIFEST, *wanted, ""]
    (folder / "Cargo.toml").write_text("\n".join(manifest), "utf-8")
    shutil.copy(ROOT / "Cargo.lock", folder)
    source = ROOT / "src-tauri/src/platform/macos/panel.rs"
    (folder / "lib.rs").write_text(PANEL_SOURCE.format(path=source), "utf-8")
    environment = {
        **os.environ,
        "RUSTFLAGS": f"{RUNTIME} -D warnings",
        "CARGO_TARGET_DIR": str(folder.with_name("target")),
    }
    return subprocess.call(["cargo", "clippy"], cwd=folder, env=environment, stdin=subprocess.DEVNULL)


def core_ml() -> int:
    folder = ROOT / "target" / "check-mac"
    copy = folder / "objc2-core-ml"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bindings(), copy)
    linked = copy / "src" / "generated" / "mod.rs"
    text = linked.read_text("utf-8")
    if FRAMEWORK not in text:
        print(f"check-mac: {linked} does not ask for the framework as expected", file=sys.stderr)
        return 1
    linked.write_text(text.replace(FRAMEWORK, ""), "utf-8")
    wrapper = folder / "rustc"
    wrapper.write_text(WRAPPER.format(copy=copy), "utf-8")
    wrapper.chmod(0o755)
    environment = {
        **os.environ,
        "RUSTC_WRAPPER": str(wrapper),
        "RUSTFLAGS": f"--cfg papr_check_mac {RUNTIME} -D warnings",
        "CARGO_TARGET_DIR": str(folder / "target"),
    }
    command = ["cargo", "clippy", "--package", "papr-embed", "--all-targets"]
    return subprocess.call(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def bindings() -> Path:
    """Where cargo keeps the bindings to Core ML that `Cargo.lock` names."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    packages = json.loads(told.stdout)["packages"]
    return next(Path(package["manifest_path"]).parent for package in packages if package["name"] == "objc2-core-ml")


def installed() -> bool:
    asked = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", TARGET],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        check=False,
    )
    return asked.returncode == 0 and any(Path(asked.stdout.strip()).glob("libstd-*"))


def stand_ins() -> "dict[str, str]":
    compiler = ROOT / "target" / "check-mac" / "cc"
    compiler.parent.mkdir(parents=True, exist_ok=True)
    compiler.write_text(STAND_IN, "utf-8")
    compiler.chmod(0o755)
    name = TARGET.replace("-", "_")
    # The library that the bundle carries is only there on a Mac.
    return {
        f"CC_{name}": str(compiler),
        f"AR_{name}": "ar",
        "TAURI_CONFIG": '{"bundle":{"macOS":{"frameworks":[]}}}',
    }


if __name__ == "__main__":
    sys.exit(main())
