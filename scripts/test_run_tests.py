"""The sum over three test runners, against what they really write."""

from __future__ import annotations

import contextlib
import io
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import run_tests
from run_tests import Count, Suite, count_cargo, count_unittest, count_vitest, settle

RESULT = "0 measured; 0 filtered out; finished in 0.00s"
CARGO = f"""
     Running unittests src/lib.rs (target/debug/deps/cr-f73a538893013b88)

running 2 tests
test tests::one ... ignored
test tests::two ... ok

test result: ok. 1 passed; 0 failed; 1 ignored; {RESULT}

     Running tests/crash.rs (target/debug/deps/crash-b193a6eb80ea33bc)

running 1 test
error: test failed, to rerun pass `--test crash`

Caused by:
  process didn't exit successfully: `target/debug/deps/crash-b193a6eb80ea33bc` (signal: 6, SIGABRT)
     Running tests/fail.rs (target/debug/deps/fail-0e7049241aa1d0bd)

running 2 tests
test good ... ok
test bad ... FAILED

---- bad stdout ----
test result: ok. 9 passed; 0 failed; (a line the test wrote)

test result: FAILED. 1 passed; 1 failed; 0 ignored; {RESULT}

error: test failed, to rerun pass `--test fail`
     Running tests/own_main.rs (target/debug/deps/own_main-fd74982a1390b972)
hello
   Doc-tests cr

running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; {RESULT}


running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; {RESULT}

all doctests ran in 0.59s; merged doctests compilation took 0.47s
error: 2 targets failed:
    `--test crash`
    `--test fail`
"""


class Cargo(unittest.TestCase):
    def test_binaries_doc_tests_failures_and_crashes_are_summed(self) -> None:
        self.assertEqual(count_cargo(CARGO), Count(4, 2))

    def test_a_program_with_its_own_main_is_no_crash(self) -> None:
        self.assertEqual(
            count_cargo("     Running tests/a.rs (target/a-1)\n     Running tests/b.rs (t/b-1)\n"),
            Count(0, 0),
        )

    def test_a_compile_error_is_one_failure(self) -> None:
        text = "error[E0308]: mismatched types\nerror: could not compile `papr-store` (lib test)\n"
        self.assertEqual(settle(count_cargo(text), 101), Count(0, 1))


class Vitest(unittest.TestCase):
    def test_all_passed(self) -> None:
        text = " Test Files  2 passed (2)\n      Tests  14 passed (14)\n   Start at  08:00:00\n"
        self.assertEqual(count_vitest(text), Count(14, 0))

    def test_some_failed_or_skipped(self) -> None:
        text = " Test Files  1 failed | 1 passed (2)\n      Tests  1 failed | 12 passed | 1 skipped (14)\n"
        self.assertEqual(count_vitest(text), Count(12, 1))

    def test_a_file_that_did_not_load(self) -> None:
        text = " Test Files  1 failed | 1 passed (2)\n      Tests  3 passed (3)\n"
        self.assertEqual(count_vitest(text), Count(3, 1))

    def test_an_error_outside_a_test(self) -> None:
        text = " Test Files  1 passed (1)\n      Tests  3 passed (3)\n     Errors  1 error\n"
        self.assertEqual(settle(count_vitest(text), 1), Count(3, 1))


class Unittest(unittest.TestCase):
    def test_all_passed(self) -> None:
        self.assertEqual(count_unittest("...\nRan 12 tests in 0.123s\n\nOK\n"), Count(12, 0))
        self.assertEqual(count_unittest("Ran 1 test in 0.1s\n\nOK (skipped=1)\n"), Count(0, 0))

    def test_failures_errors_and_the_rest(self) -> None:
        closing = "FAILED (failures=1, errors=2, skipped=3, expected failures=1, unexpected successes=1)"
        self.assertEqual(count_unittest(f"Ran 20 tests in 1.0s\n\n{closing}\n"), Count(12, 4))


class Whole(unittest.TestCase):
    def run_main(self, **suites: tuple[str, int, Count]) -> tuple[int, list[str]]:
        table = {
            name: Suite(
                [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"],
                lambda _, count=count: count,
            )
            for name, (text, code, count) in suites.items()
        }
        said = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with mock.patch.object(run_tests, "SUITES", table), contextlib.redirect_stdout(said):
            code = run_tests.main([])
        return code, said.buffer.getvalue().decode().split("\n")

    def test_output_is_passed_on_and_the_sum_is_the_last_line(self) -> None:
        code, lines = self.run_main(a=("from a", 0, Count(3, 0)), b=("from b", 0, Count(4, 0)))
        self.assertEqual((code, lines[-2:]), (0, ["7 passed, 0 failed", ""]))
        self.assertTrue({"from a", "from b"} <= set(lines))

    def test_one_failure_fails_the_whole_but_the_rest_still_runs(self) -> None:
        code, lines = self.run_main(a=("", 1, Count(3, 2)), b=("", 0, Count(4, 0)))
        self.assertEqual((code, lines[-2]), (1, "7 passed, 2 failed"))

    def test_a_suite_that_ran_nothing_fails(self) -> None:
        code, lines = self.run_main(a=("", 0, Count(0, 0)), b=("", 0, Count(4, 0)))
        self.assertEqual((code, lines[-2]), (1, "4 passed, 1 failed"))

    def test_a_runner_that_is_not_there_fails(self) -> None:
        with mock.patch.object(run_tests, "SUITES", {"a": Suite(["no-such-runner"], count_cargo)}):
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                self.assertEqual(run_tests.main([]), 1)
        self.assertTrue(said.getvalue().endswith("\n0 passed, 1 failed\n"))


if __name__ == "__main__":
    unittest.main()
