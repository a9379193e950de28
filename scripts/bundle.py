#!/usr/bin/env python3
"""Makes the installer for this system. `setup.py run` comes first; `--test` tries what was made (Linux only).

The trial installs the package with dpkg into a root of its own, looks for everything that belongs to it, runs `papr`
and the app from there, and removes the package again. It touches nothing of the system's.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import licences

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"darwin": ("macos", "app,dmg"), "win32": ("windows", "nsis")}
BUNDLES = ROOT / "target" / "release" / "bundle"
LIBRARY = "usr/lib/Papr Desktop"
PARTS = (
    "usr/bin/papr-desktop",
    "usr/bin/papr",
    "usr/share/applications/Papr Desktop.desktop",
    "usr/share/icons/hicolor/128x128/apps/papr-desktop.png",
    f"{LIBRARY}/onnxruntime/libonnxruntime.so.1.28.0",
    f"{LIBRARY}/onnxruntime/ThirdPartyNotices.txt",
    f"{LIBRARY}/models/all-minilm-l6-v2/LICENSE",
    "usr/share/doc/papr-desktop/copyright",
)


class Wrong(Exception):
    """Something about the package is not as it should be."""


def make() -> int:
    if code := licences.main():
        return code
    system, kinds = KINDS.get(sys.platform, ("linux", "deb"))
    npx = "npx.cmd" if sys.platform == "win32" else "npx"
    command = [npx, "tauri", "build", "--config", f"packaging/{system}.json", "--bundles", kinds]
    code = subprocess.call(command, cwd=ROOT)
    if code == 0:
        report()
    return code


def report() -> None:
    """How large what was made is."""
    made = [path for kind in ("deb", "dmg", "nsis") for path in sorted((BUNDLES / kind).glob("*.*")) if path.is_file()]
    for path in [*made, ROOT / "target/release/papr-desktop", ROOT / "target/release/papr"]:
        if path.exists():
            print(f"{path.stat().st_size / 1e6:8.1f} MB  {path.relative_to(ROOT)}")


def newest() -> Path:
    packages = sorted((BUNDLES / "deb").glob("*.deb"), key=lambda path: path.stat().st_mtime)
    if not packages:
        raise Wrong("there is no package: `make bundle` makes one")
    return packages[-1]


def dpkg(root: Path, arguments: Sequence[str]) -> None:
    # The packages it depends on are the system's, which this root does not know.
    options = [f"--root={root}", "--force-depends", "--force-not-root", f"--log={root}/dpkg.log"]
    subprocess.run(["dpkg", *options, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def environment(scratch: Path) -> dict[str, str]:
    """Folders of its own, and nothing that would lead the app back to the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAPR_", "XDG_", "ORT_"))}
    folders = {"XDG_DATA_HOME": "share", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"}
    return kept | {name: str(scratch / folder) for name, folder in folders.items()}


def output(command: Sequence[str | Path], scratch: Path) -> str:
    done = subprocess.run(command, env=environment(scratch), cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Wrong(f"{command} failed: {done.stderr}")
    return done.stdout


def try_terminal(installed: Path, scratch: Path) -> None:
    papr = installed / "usr/bin/papr"
    output([papr, "add", "The spare key hangs behind the boiler"], scratch)
    found = output([papr, "search", "where can I find a way into the house"], scratch)
    if "boiler" not in found:
        raise Wrong(f"the installed model finds nothing by meaning: {found}")


def try_window(installed: Path, scratch: Path) -> float:
    """Seconds until the window is there."""
    command = ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", "dbus-run-session", "--", "sh", "-c"]
    script = (
        '"$0" & app=$!; for i in $(seq 300); do '
        "xdotool search --onlyvisible --name '^Papr Desktop$' >/dev/null 2>&1 && break; sleep 0.1; done; "
        "xdotool search --onlyvisible --name '^Papr Desktop$'; kill $app; wait $app"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [*command, script, installed / "usr/bin/papr-desktop"],
        env=environment(scratch),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if not done.stdout.strip():
        raise Wrong(f"the installed app shows no window: {done.stderr}")
    return time.monotonic() - begun


def left(root: Path) -> list[str]:
    kept = ("var", "dpkg.log", "etc")
    paths = [path for path in root.rglob("*") if not path.is_dir()]
    return sorted(str(path.relative_to(root)) for path in paths if path.relative_to(root).parts[0] not in kept)


def test() -> int:
    package = newest()
    with tempfile.TemporaryDirectory(prefix="papr-bundle-") as folder:
        root, scratch = Path(folder, "root"), Path(folder, "home")
        for part in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
            (root / part).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        scratch.mkdir()
        dpkg(root, ["-i", str(package)])
        missing = [part for part in PARTS if not (root / part).exists()]
        if missing or not list((root / LIBRARY / "models").glob("*/*.onnx")):
            raise Wrong(f"the package lacks {missing or 'the model'}")
        entry = (root / PARTS[2]).read_text()
        if "Exec=papr-desktop" not in entry or "Icon=papr-desktop" not in entry:
            raise Wrong(f"the desktop entry is not right: {entry}")
        try_terminal(root, scratch)
        seconds = try_window(root, scratch)
        name = output(["dpkg-deb", "--field", package, "Package"], scratch).strip()
        size = output(["dpkg-deb", "--field", package, "Installed-Size"], scratch).strip()
        dpkg(root, ["--purge", name])
        if rest := left(root):
            raise Wrong(f"the package leaves {rest}")
        print(f"{package.name}: {package.stat().st_size / 1e6:.1f} MB, {int(size) / 1e3:.1f} MB installed;")
        print(f"it installs, finds by meaning, opens its window (seen {seconds:.1f} s after start), uninstalls clean")
    return 0


def main(arguments: Sequence[str]) -> int:
    try:
        return test() if "--test" in arguments else make()
    except (Wrong, subprocess.CalledProcessError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
