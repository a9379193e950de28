"""Operations that the Apple Neural Engine is known not to run. A rule of thumb, no promise.

Apple publishes no list: which device runs an operation depends on chip, system and sizes, and only a compute plan
read on the Mac in question (`MLComputePlan`) tells. What stands here comes from two public sources:

- ANEForge's operation catalogue (github.com/sbryngelson/ANEForge, docs/op-catalog.md; measured on M1, M2 and M5 by
  its author, see also arXiv:2606.22283): the operations marked there as without a path on every chip; no whole
  numbers of 32 bits; at most 5 axes.
- compute plans published beside converted Whisper models (SingularityUS/atc-whisperkit and others on the Hugging
  Face hub, TextDecoder.mlcomputeplan.json): `gather` from a vocabulary is given to the CPU, the only device it
  names as able to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .spec import Function, Operation

WITHOUT_A_PATH = frozenset(
    """
    acos acosh asin asinh atanh band_part cond constexpr_cast cosh gru list_gather list_length list_read
    list_scatter list_write logical_and logical_or logical_xor lstm make_list mod non_zero one_hot
    random_bernoulli random_categorical random_normal reduce_prod reverse_sequence rnn scatter
    scatter_along_axis scatter_nd shape sinh sliding_windows tan while_loop
    """.split()
)
GATHERS = frozenset(("gather", "gather_nd", "gather_along_axis"))
WHOLE_NUMBERS = frozenset(("int16", "int32", "int64", "uint16", "uint32"))
MOST_AXES = 5
FOLDED = frozenset(("const",))


def reason(operation: Operation, dtypes: dict[str, str]) -> str:
    """Why an operation is known not to run there; empty if nothing is known against it.

    `dtypes` are those of all results and inputs of the function, by name.
    """
    if operation.type in FOLDED or operation.type.startswith("constexpr_") and operation.type not in WITHOUT_A_PATH:
        return ""
    if operation.type in WITHOUT_A_PATH:
        return "no path on any chip (ANEForge's catalogue)"
    if operation.type in GATHERS:
        return "the CPU in published compute plans"
    named = [name for names in operation.inputs.values() for name in names if isinstance(name, str)]
    data = [dtypes.get(name, "") for name in named] if operation.type == "cast" else []
    touched = data + [output.dtype for output in operation.outputs]
    if operation.type not in ("reshape", "shape") and WHOLE_NUMBERS.intersection(touched):
        return "whole numbers (ANEForge's catalogue)"
    if operation.type == "cast" and "float32" in touched:
        return "32-bit numbers at the program's edge"
    if "float32" in touched:
        return "32-bit numbers; the engine works with 16"
    if any(len(output.shape) > MOST_AXES for output in operation.outputs):
        return f"more than {MOST_AXES} axes (ANEForge's catalogue)"
    return ""


def outside(function: Function) -> Counter[tuple[str, str]]:
    """Operations known not to run there, each with its reason, counted."""
    dtypes = {output.name: output.dtype for operation in function.operations for output in operation.outputs}
    dtypes.update({feature.name: feature.dtype for feature in function.inputs})
    found: Counter[tuple[str, str]] = Counter()
    for operation in function.operations:
        why = reason(operation, dtypes)
        if why:
            found[operation.type, why] += 1
    return found


def computed(operations: Iterable[Operation]) -> Counter[str]:
    """What is computed at run time: all but constants."""
    return Counter(one.type for one in operations if one.type not in FOLDED and not one.type.startswith("constexpr_"))
