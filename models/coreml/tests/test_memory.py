"""The decisions before a heavy step, on simulated machines."""

import unittest

from coreml import memory
from coreml.errors import Refusal
from coreml.memory import GB, Machine

FOUR_BILLION = 4_022_468_096
# What a machine of so many GB has when little else runs; macOS makes swap as it needs it.
MACHINES = {size: Machine(int(size * 0.8) * GB, 60 * GB, 200 * GB) for size in (8, 16, 32, 64)}

MEMINFO = """MemTotal:       16000000 kB
MemFree:          500000 kB
MemAvailable:    9000000 kB
SwapTotal:       4000000 kB
SwapFree:        3000000 kB
HugePages_Total:       0
"""
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                5000.
Pages active:                            300000.
Pages inactive:                          200000.
Pages speculative:                         1000.
Pages throttled:                              0.
Pages wired down:                        100000.
Pages purgeable:                           4000.
"Translation faults":                 123456789.
"""


def fits(precision: str, machine: Machine) -> bool:
    try:
        memory.check(memory.need(FOUR_BILLION, precision, 1, False), machine)
    except Refusal:
        return False
    return True


class FourBillionWeights(unittest.TestCase):
    def test_the_decisions_of_the_table(self) -> None:
        decided = {
            size: [precision for precision in ("fp16", "int8", "4bit") if fits(precision, machine)]
            for size, machine in MACHINES.items()
        }
        self.assertEqual(
            decided,
            {8: ["fp16"], 16: ["fp16"], 32: ["fp16", "int8"], 64: ["fp16", "int8", "4bit"]},
        )

    def test_int8_needs_what_was_published(self) -> None:
        need = memory.need(FOUR_BILLION, "int8", 1, False)
        self.assertTrue(20 * GB < need.memory < 28 * GB, need)

    def test_swap_helps_fp16_only(self) -> None:
        bare = Machine(6 * GB, 0, 200 * GB)
        self.assertFalse(fits("fp16", bare))
        self.assertTrue(fits("fp16", Machine(6 * GB, 60 * GB, 200 * GB)))
        self.assertFalse(fits("int8", Machine(6 * GB, 600 * GB, 2000 * GB)))

    def test_a_refusal_has_both_numbers_and_a_way_out(self) -> None:
        with self.assertRaises(Refusal) as refused:
            memory.check(memory.need(FOUR_BILLION, "int8", 1, False), MACHINES[16])
        for part in ("20.8 GB", "12.0 GB of memory available", "--precision fp16", "--force"):
            self.assertIn(part, str(refused.exception))

    def test_swapping_is_told(self) -> None:
        need = memory.need(FOUR_BILLION, "fp16", 1, False)
        self.assertIn("slow", memory.check(need, MACHINES[8]))
        self.assertNotIn("slow", memory.check(need, MACHINES[64]))

    def test_the_disk_is_looked_at_too(self) -> None:
        need = memory.need(FOUR_BILLION, "fp16", 3, False)
        self.assertGreater(need.disk, 32 * GB)
        with self.assertRaises(Refusal) as refused:
            memory.check(need, Machine(64 * GB, 0, 20 * GB))
        self.assertIn("on the disk", str(refused.exception))
        self.assertLess(memory.need(FOUR_BILLION, "int8", 3, False).disk, need.disk)


class Readings(unittest.TestCase):
    def test_linux(self) -> None:
        self.assertEqual(memory.of_meminfo(MEMINFO), (9_000_000 * 1024, 3_000_000 * 1024))

    def test_macos(self) -> None:
        self.assertEqual(memory.of_vm_stat(VM_STAT), 210_000 * 16384)

    def test_a_container_gives_no_more_than_its_limit(self) -> None:
        self.assertEqual(memory.of_cgroup("1000\n", "700\n", "anon 5\ninactive_file 200\n"), 500)
        self.assertEqual(memory.of_cgroup("1000", "2000", ""), 0)
        self.assertIsNone(memory.of_cgroup("max\n", "700\n", ""))
        self.assertIsNone(memory.of_cgroup("", "", ""))
