"""What the operating system must have: WebKitGTK and its kin on Linux, the command line tools on macOS.

Debian and Ubuntu are served by apt, and only when something is missing; elsewhere the set-up looks, and says
what to get.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from . import shell, wheels
from .project import Project
from .report import AGAIN, Failure, Unreachable, say

BUILD = (
    "libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev libxdo-dev libssl-dev pkg-config "
    "build-essential file"
).split()
TEST = (
    "xvfb xauth openbox dbus dbus-x11 gnome-keyring libsecret-tools webkit2gtk-driver imagemagick xdotool "
    "x11-utils strace"
).split()

# The same elsewhere, by what can be looked for: libraries for building, programs for building and testing.
LIBRARIES = "webkit2gtk-4.1 ayatana-appindicator3-0.1 librsvg-2.0 openssl".split()
COMPILERS = "cc pkg-config file".split()
PROGRAMS = (
    "Xvfb xauth openbox dbus-run-session gnome-keyring-daemon secret-tool WebKitWebDriver import xdotool "
    "xprop strace"
).split()
INSTALL = {
    "fedora": "sudo dnf install gcc gcc-c++ make file pkgconf-pkg-config openssl-devel webkit2gtk4.1-devel "
    "libayatana-appindicator-gtk3-devel librsvg2-devel libxdo-devel",
    "arch": "sudo pacman -S --needed base-devel file openssl webkit2gtk-4.1 libayatana-appindicator librsvg "
    "xdotool",
}


def for_building(project: Project) -> None:
    """What compiling and running the app needs."""
    _provide(project, BUILD, COMPILERS)


def for_testing(project: Project) -> None:
    """That, and what the tests need: a display, a session bus, a keyring, a driver for the real window."""
    _provide(project, [*BUILD, *TEST], [*COMPILERS, *PROGRAMS])


def _provide(project: Project, packages: Sequence[str], programs: Sequence[str]) -> None:
    if sys.platform == "darwin":
        _macos()
    elif sys.platform.startswith("linux"):
        kin = distribution(_os_release())
        if "debian" in kin:
            _debian([*packages, *_python_parts(project)])
        else:
            _other_linux(kin, missing_parts(programs))


def distribution(os_release: str) -> set[str]:
    """A distribution and its kin: `ID` and `ID_LIKE` of /etc/os-release."""
    lines = re.findall(r'^(?:ID|ID_LIKE)="?([^"\n]*)"?$', os_release, re.MULTILINE)
    return {word for line in lines for word in line.lower().split()}


def _os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def _python_parts(project: Project) -> list[str]:
    """Debian's own Python lacks what a virtual environment needs until this package is there."""
    wanting = not project.venv_python.exists() and not wheels.can_make_venv()
    return ["python3-venv"] if wanting else []


def _debian(packages: Sequence[str]) -> None:
    missing = not_installed(packages)
    if not missing:
        return
    rights = administrator()
    command = f"apt-get install -y {' '.join(missing)}"
    if rights is None:
        raise Failure(
            f"these system packages are missing: {' '.join(missing)}",
            f"sudo apt-get update && sudo {command}\n{AGAIN}",
        )
    say(f"Installing system packages: {' '.join(missing)} ...")
    apt = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=300"]
    update = shell.run([*apt, "update"])
    install = shell.run([*apt, "install", *missing])
    if install.code != 0 or not_installed(missing):
        raise _apt_failure(update, install, command)


def _apt_failure(update: shell.Result, install: shell.Result, command: str) -> Failure:
    if update.code != 0 or any(sign in update.text for sign in ("Failed to fetch", "Could not resolve")):
        said = (update if update.code else install).excerpt(0, 6)
        return Unreachable(
            f"apt-get could not fetch the system packages:\n{said}",
            f"Check the connection and the package sources of this system. {AGAIN}",
        )
    return shell.why(install, "apt-get could not install the system packages.", f"Try by hand: {command}")


def not_installed(packages: Sequence[str]) -> list[str]:
    """Those of `packages` that dpkg does not have fully installed."""
    answer = shell.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Package}\n", *packages])
    there = {line.split(" ", 1)[1] for line in answer.text.splitlines() if line.startswith("installed ")}
    return [package for package in packages if package not in there]


def administrator() -> list[str] | None:
    """What goes before a command to run it as root: nothing, `sudo -n`, or None when neither will do."""
    if os.geteuid() == 0:
        return []
    if shell.find("sudo") and shell.run(["sudo", "-n", "true"]).code == 0:
        return ["sudo", "-n"]
    return None


def missing_parts(programs: Sequence[str]) -> list[str]:
    """What is not there, in the words of who looks for packages; without pkg-config no library is seen."""
    libraries = [name for name in LIBRARIES if shell.run(["pkg-config", "--exists", name]).code != 0]
    return [
        *(f"the program {name}" for name in programs if not shell.find(name)),
        *(f"the library {name}, with its headers" for name in libraries),
    ]


def _other_linux(kin: set[str], missing: Sequence[str]) -> None:
    if not missing:
        return
    listed = "\n".join(f"  - {part}" for part in missing)
    command = next((command for name, command in INSTALL.items() if name in kin), None)
    hint = (
        f"On this system, for building: {command}"
        if command
        else f"On Debian they are in: {' '.join(BUILD + TEST)}"
    )
    raise Failure(f"this system lacks\n{listed}", f"Install what is missing. {hint}\n{AGAIN}")


def _macos() -> None:
    if shell.run(["xcode-select", "-p"]).code != 0:
        raise Failure("the command line tools of Xcode are missing.", f"xcode-select --install\n{AGAIN}")
