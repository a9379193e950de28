"""Warnings in two kinds."""

import logging
import unittest
import warnings

from coreml.errors import Refusal
from coreml.findings import Findings, judge, listening

BENIGN = (
    "Failed to load _MLModelProxy: No module named 'coremltools.libcoremlpython'",
    "Output, '830', of the source model, has been renamed to 'var_830' in the Core ML model.",
    "Torch version 2.9.0 has not been tested with coremltools. You may run into unexpected errors.",
    "Saving value type of int64 into a builtin type of int32, might lose precision!",
)
STRUCTURAL = (
    "detected change in shape of loop variable. this could lead to incorrect inference results!",
    "Converting a tensor to a Python boolean might cause the trace to be incorrect.",
    "Tuple detected at graph output. This will be flattened in the converted model.",
    "something that nobody has seen before",
)


class Sorting(unittest.TestCase):
    def test_naming_and_precision_are_benign(self) -> None:
        for text in BENIGN:
            self.assertTrue(judge(text), text)

    def test_shapes_and_whatever_nobody_judged_are_structural(self) -> None:
        for text in STRUCTURAL:
            self.assertFalse(judge(text), text)

    def test_what_is_deprecated_is_benign(self) -> None:
        self.assertTrue(judge("use something else", DeprecationWarning))

    def test_each_is_kept_once_and_only_structural_ones_end_it(self) -> None:
        findings = Findings()
        for text in (*BENIGN, *BENIGN):
            findings.sort(text)
        self.assertEqual(len(findings.settle(force=False)), len(BENIGN))
        findings.sort(STRUCTURAL[0])
        with self.assertRaises(Refusal) as refused:
            findings.settle(force=False)
        self.assertIn("loop variable", str(refused.exception))
        self.assertIn("--force", str(refused.exception))
        self.assertTrue(any(line.startswith("forced past") for line in findings.settle(force=True)))


class Listening(unittest.TestCase):
    def test_warnings_and_log_lines_are_caught_and_handlers_given_back(self) -> None:
        findings = Findings()
        before = logging.getLogger().handlers[:]
        with listening(findings):
            warnings.warn(STRUCTURAL[0], stacklevel=1)
            logging.getLogger("coremltools").warning(BENIGN[0])
            logging.getLogger("torch").info("not of interest")
        self.assertEqual(findings.faults, [STRUCTURAL[0]])
        self.assertEqual(len(findings.notes), 1)
        self.assertEqual(logging.getLogger().handlers, before)

    def test_they_are_given_back_after_an_error_too(self) -> None:
        findings = Findings()
        with self.assertRaises(ValueError), listening(findings):
            warnings.warn(STRUCTURAL[3], stacklevel=1)
            raise ValueError
        self.assertEqual(findings.faults, [STRUCTURAL[3]])
