"""Scalar Ops as lists of instructions: what `dispatch.scalar` writes as C statements, one by one.

An instruction names its function by the very C expression that native code would hold, so what is
computed is the same, and an expression that nobody compiled before is simply not found.
"""

import functools
import re
from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np

from pytensor.link.c.dispatch.basic import value_suffix, value_type
from pytensor.link.c.dispatch.scalar import (
    MAX_INLINE,
    Writer,
    is_long,
    literal,
    without_own_math,
)
from pytensor.scalar.basic import ScalarOp
from pytensor.scalar.loop import ScalarLoop

__all__ = ["Instruction", "Linear", "fused", "linearise", "signature"]

_OPERAND = re.compile(r"\{(\d)\}")
# As Ops of any number of operands write themselves.
_WRAPPED = re.compile(r"^\((\{0\} \S \{1\})\)$")
_POWER = re.compile(r"^pt_pow_f\d+\(\{0\}, \{1\}\)$")
# Compilers replace such powers by simpler functions.
FOLDED_POWERS = (-1.0, 0.0, 0.5, 1.0, 2.0)


class Instruction(NamedTuple):
    """Value number `result` is the C expression `template` of other values."""

    template: str
    result: int
    operands: tuple[int, ...]


class Linear:
    """A scalar program: numbered values, the first of which are its inputs.

    Attributes
    ----------
    dtypes : list of str
        Of each value.
    constants : dict of int to NumPy scalar
    instructions : list of Instruction
    results : list of int
        The values that are the outputs.
    """

    def __init__(self, dtypes: Sequence[str]):
        self.dtypes = list(dtypes)
        self.constants: dict[int, np.generic] = {}
        self.instructions: list[Instruction] = []
        self.results: list[int] = []

    def new(self, dtype: str) -> int:
        """Return the number of a new value."""
        self.dtypes.append(dtype)
        return len(self.dtypes) - 1


@functools.cache
def _plain(template: str) -> tuple[str, tuple[int, ...], bool]:
    """Return an expression over what it reads only, in the order of first use; and whether it is long."""
    template = _WRAPPED.sub(r"\1", template)
    used = tuple(dict.fromkeys(int(i) for i in _OPERAND.findall(template)))
    at = {i: k for k, i in enumerate(used)}
    text = _OPERAND.sub(lambda found: f"{{{at[int(found[1])]}}}", template)
    return text, used, is_long(text)


class _Lister(Writer):
    """Writes instructions where its parent writes statements; values are numbers, not names."""

    def __init__(self, dtypes: Sequence[str]):
        super().__init__("")
        self.linear = Linear(dtypes)
        self._known: dict[tuple, int] = {}

    def constant(self, value, dtype):
        value = np.asarray(value).astype(dtype)[()]
        key = (dtype, value.tobytes())
        if key not in self._known:
            self._known[key] = self.linear.new(dtype)
            self.linear.constants[self._known[key]] = value
        return self._known[key]

    def cast(self, value, source, target):
        # Casts of constants are done here, where C and NumPy agree.
        exact = np.dtype(source).kind in "biu" or np.dtype(target).kind in "fcb"
        if value in self.linear.constants and exact and not source.startswith("complex"):
            with np.errstate(all="ignore"):
                return self.constant(self.linear.constants[value], target)
        return super().cast(value, source, target)

    def apply(self, op, args, in_dtypes, out_dtypes):
        if isinstance(op, ScalarLoop):
            return None
        if op.nin != -1 or len(args) <= 2 or out_dtypes[0] == "float16":
            return super().apply(op, args, in_dtypes, out_dtypes)
        # Folded from the left, as the expression of many operands is.
        to = op.compute_dtypes(in_dtypes, out_dtypes)
        if len({*to, *out_dtypes}) != 1:
            return None
        args = [self.cast(a, d, to[0]) for a, d in zip(args, in_dtypes)]
        total = args[0]
        for arg in args[1:]:
            pair = super().apply(op, [total, arg], [to[0]] * 2, out_dtypes)
            if pair is None:
                return None
            [total] = pair
        # One Op for the estimate of its cost, as in native code.
        self.cost -= (len(args) - 2) * self.cost_of_op(out_dtypes)
        return [total]

    def emit(self, template, args, dtypes, dtype):
        if template in ("{0}", "{1}"):
            arg = args[int(template[1])]
            if self.linear.dtypes[arg] == dtype:
                return arg
        if template.startswith("({0} ? ") and dtypes[0] != "bool":
            args = [self.cast(args[0], dtypes[0], "bool"), *args[1:]]
        if _POWER.match(template) and args[1] in self.linear.constants:
            exponent = self.linear.constants[args[1]]
            if float(exponent) in FOLDED_POWERS:
                template = template.replace("{1}", literal(exponent, dtype))
        template, used, long = _plain(template)
        if not used:
            return self.constant(int(template), dtype)
        if long:
            self.heavy.add(len(self.linear.instructions))
        result = self.linear.new(dtype)
        operands = tuple(args[i] for i in used)
        self.linear.instructions.append(Instruction(template, result, operands))
        return result


def linearise(
    op: ScalarOp, in_dtypes: Sequence[str], out_dtypes: Sequence[str]
) -> tuple[Linear, Writer] | None:
    """Return the program of a scalar Op and the writer that knows its sources; None if some part has no C."""
    if any(value_type(d) is None for d in (*in_dtypes, *out_dtypes)):
        return None
    lister = _Lister(in_dtypes)
    results = lister.apply(op, list(range(len(in_dtypes))), list(in_dtypes), list(out_dtypes))
    if results is None:
        return None
    linear = lister.linear
    linear.results = results
    if any(linear.dtypes[v] != d for v, d in zip(results, out_dtypes)):
        return None
    if len(lister.heavy) > MAX_INLINE:
        linear.instructions = [
            step._replace(template=without_own_math(step.template)) for step in linear.instructions
        ]
    return linear, lister


def signature(linear: Linear, step: Instruction, scalar: Sequence[bool]) -> str:
    """Name the function of an instruction: expression, dtypes, which operands are one element for all."""
    kinds = "".join("s" if one else "v" for one in scalar)
    dtypes = [value_suffix(linear.dtypes[v]) for v in (step.result, *step.operands)]
    return f"{step.template}\t{' '.join(map(str, dtypes))}\t{kinds}"


def _shift(template: str, by: int) -> str:
    return _OPERAND.sub(lambda found: f"{{{int(found[1]) + by}}}", template)


def _commuted(step: Instruction, first: bool) -> Instruction:
    """Exchange the operands of a sum or product so that what is asked for comes first."""
    if not first and step.template in ("{0} + {1}", "{0} * {1}"):
        return step._replace(operands=step.operands[::-1])
    return step


def _inserted(step: Instruction, i: int, inner: Instruction) -> Instruction:
    """Write the expression of operand `i` into that of its reader."""
    text = _nested(step.template, i, inner.template, len(inner.operands))
    operands = (*step.operands[:i], *inner.operands, *step.operands[i + 1 :])
    return Instruction(text, step.result, operands)


@functools.cache
def _nested(outer: str, i: int, inner: str, n: int) -> str:
    """Write `inner`, which has n operands, for operand `i` of `outer`; later operands move up."""

    def name(found) -> str:
        k = int(found[1])
        return f"({_shift(inner, i)})" if k == i else f"{{{k + (n - 1) * (k > i)}}}"

    return _OPERAND.sub(name, outer)


def fused(linear: Linear, is_one: Sequence[bool], known: Container[str]) -> list[Instruction]:
    """Return the instructions that are needed, put together where `known` has a function for both.

    What is computed stays the same: in C the type of an inner expression is that of its value.
    """
    readers = dict.fromkeys(linear.results, 2)
    for step in reversed(linear.instructions):
        if step.result in readers:
            for v in step.operands:
                readers[v] = readers.get(v, 0) + 1
    made: dict[int, Instruction] = {}
    for step in linear.instructions:
        if step.result not in readers:
            continue
        whole = _commuted(step, not is_one[step.operands[0]])
        for i in range(len(step.operands)):
            v = step.operands[i]
            inner = made.get(v)
            if inner is None or readers[v] != 1 or is_one[v]:
                continue
            outer = _commuted(whole, whole.operands[0] == v)
            for at in (k for k, w in enumerate(outer.operands) if w == v):
                candidate = _inserted(outer, at, inner)
                if len(candidate.operands) <= 4 and (
                    signature(linear, candidate, [is_one[w] for w in candidate.operands]) in known
                ):
                    whole = candidate
                    del made[v]
                    break
        made[step.result] = whole
    return list(made.values())
