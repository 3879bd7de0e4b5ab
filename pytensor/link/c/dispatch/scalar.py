"""From scalar Ops to C: one expression for each Op, statements for graphs of them.

The helpers that expressions call (``pt_sigmoid_f64`` ...) live in files that are instantiated for
the types in use only, so that a unit is as short as its work.
"""

import functools
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pytensor.link.c.dispatch.basic import (
    C_CODE,
    Source,
    c_suffix,
    c_type,
    value_type,
)
from pytensor.link.c.dispatch.scalar_while import write_loop
from pytensor.link.c.source import read_source
from pytensor.link.c.special import is_available
from pytensor.scalar.basic import Cast, ScalarOp
from pytensor.scalar.composite import Composite
from pytensor.scalar.loop import ScalarLoop

__all__ = ["ScalarCode", "Writer", "scalar_code", "unit_cast"]

_HELPER = re.compile(r"\bpt_([a-z0-9_]+?)_(bool|[iu](?:8|16|32|64)|[fc](?:32|64|128))\(")
_DEFINED = re.compile(
    r"^(?:.*\bPT_NAME\((\w+)\)\(|PT_(?:UNARY|COMPARE|VECTORISED|SPECIAL_[12])\((\w+)[,)])",
    re.MULTILINE,
)
_MIXED = re.compile(r"\bpt_\w+_(?:iu|ui)\(")

# Files of helpers by the kind of their type; the first that defines a helper is used.
_FILES = {
    "i": ("math_int.c",),
    "u": ("math_int.c",),
    "f": ("math_real.c", "math_special.c"),
    "c": ("math_complex.c", "math_special_complex.c"),
}
_DTYPES = {
    c_suffix(dtype): dtype
    for dtype in [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
}

# Nanoseconds for an element in vector code, roughly: when to release the GIL.
_COSTS = {
    **dict.fromkeys(("abs", "sqrt", "ceil", "floor", "trunc", "rint", "round"), 0.5),
    **dict.fromkeys(("maximum", "minimum", "sign", "angle", "half_to", "half_from"), 0.5),
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sigmoid"), 2.0),
    **dict.fromkeys(("sin", "cos", "tanh", "softplus", "erf", "div", "floordiv", "mod"), 3.0),
    **dict.fromkeys(("erfcinv", "erfcx", "erfinv", "i0", "i1", "j0", "j1", "ndtri_exp"), 15.0),
    **dict.fromkeys(("psi", "owens_t", "gammainc", "gammaincc"), 50.0),
    **dict.fromkeys(("tri_gamma", "polygamma", "jv", "ive", "kve", "betainc", "hyp2f1"), 200.0),
    **dict.fromkeys(("gammaincinv", "gammainccinv", "betaincinv"), 500.0),
}


# Long functions that are written out in one loop. With more of them the compiler's time counts: libm's (and
# its vector twin's) are called.
MAX_INLINE = 6
_OWN_VECTOR_MATH = re.compile(r"\bpt_(exp|expm1|log|log1p|tanh)_f64\(")

# Helpers made of two long functions, in steps: loops with one each run faster than their sum.
_IN_STEPS = {
    "softplus": (
        "pt_exp_{t}(-pt_abs_{t}({x}))",
        "pt_log1p_{t}({last})",
        "({x} > 0 ? {x} : 0) + {last}",
    ),
}


class ScalarCode(NamedTuple):
    """C statements that compute the outputs of a scalar Op.

    Parameters
    ----------
    lines : tuple of str
        Declarations in order.
    results : tuple of str
        Names or constants that are the outputs.
    sources : tuple of Source
        Files with the helpers in use.
    cost : float
        Estimated nanoseconds per element.
    heavy : frozenset of int
        Positions of the lines that call long functions.
    functions : tuple of str
        Texts of functions that the lines call.
    """

    lines: tuple[str, ...]
    results: tuple[str, ...]
    sources: tuple[Source, ...]
    cost: float
    heavy: frozenset[int] = frozenset()
    functions: tuple[str, ...] = ()


@functools.cache
def _defined(name: str) -> frozenset[str]:
    """Names of the helpers a file defines for each type."""
    return frozenset(a or b for a, b in _DEFINED.findall(read_source(C_CODE, name)))


@functools.cache
def _helper_source(helper: str, suffix: str) -> Source | None:
    """The file that defines ``pt_<helper>_<suffix>``, or None."""
    dtype = _DTYPES[suffix]
    for name in _FILES.get(np.dtype(dtype).kind, ()):
        if helper in _defined(name):
            return Source(C_CODE, name, _defines(dtype))
    return None


def _defines(dtype: str) -> tuple[tuple[str, str], ...]:
    """What a file of helpers must know about the type it is instantiated for."""
    kind, t, suffix = np.dtype(dtype).kind, c_type(dtype), c_suffix(dtype)
    assert t is not None and suffix is not None, "only types of C have helpers"
    defines = [("T", t), ("PT_SUFFIX", suffix)]
    if kind in "iu":
        unsigned = t if kind == "u" else f"u{t}"
        defines += [("U", unsigned), ("PT_SIGNED", "1" if kind == "i" else "0")]
    elif kind == "c":
        defines.append(("R", "float" if dtype == "complex64" else "double"))
    if dtype in ("float32", "complex64"):
        defines.append(("PT_SINGLE", "1"))
    return tuple(defines)


_CAST_SOURCE = Source(C_CODE, "math_cast.h")
_HALF_SOURCE = Source(C_CODE, "half.h")


def unit_cast(value: str, source: str, target: str) -> tuple[str, tuple[Source, ...]]:
    """Return C for `value` of dtype `source` as dtype `target`, as NumPy's ``astype``, and its files."""
    if source == target:
        return value, ()
    if "float16" in (source, target):
        return _half_cast(value, source, target)
    was, to = np.dtype(source).kind, np.dtype(target).kind
    if to == "b":
        return f"({value} != 0)", ()
    if was == "c" and to != "c":
        value, source = f"__real__ {value}", "float32" if source == "complex64" else "float64"
        inner, files = unit_cast(f"({value})", source, target)
        return inner, files
    if was == "f" and to in "iu":
        return f"pt_to_{c_suffix(target)}({value})", (_CAST_SOURCE,)
    return f"({c_type(target)}){value}", ()


def _half_cast(value: str, source: str, target: str) -> tuple[str, tuple[Source, ...]]:
    """Return C for a cast from or to float16, which goes through float32 as in NumPy."""
    if source == "float16":
        if target == "bool":
            return f"(({value} & 0x7fff) != 0)", ()
        inner, files = unit_cast(f"pt_half_to_f32({value})", "float32", target)
        return inner, (_HALF_SOURCE, *files)
    if source in ("float64", "complex128"):
        inner, files = unit_cast(value, source, "float64")
        return f"pt_half_from_f64({inner})", (_HALF_SOURCE, *files)
    inner, files = unit_cast(value, source, "float32")
    return f"pt_half_from_f32({inner})", (_HALF_SOURCE, *files)


def computed_as(dtype: str) -> str:
    """Return the dtype in which C computes: there is no arithmetic of float16."""
    return "float32" if dtype == "float16" else dtype


def literal(value, dtype: str) -> str:
    """Return a C constant with exactly this value."""
    if dtype == "float16":
        return f"((uint16_t){int(np.float16(value).view(np.uint16)):#x})"
    kind = np.dtype(dtype).kind
    if kind == "b":
        return str(int(bool(value)))
    if kind in "iu":
        number = int(value)
        if number == -(2**63):
            return "INT64_MIN"
        return f"(({c_type(dtype)}){number}{'u' if number >= 2**63 else ''}ll)"
    if kind == "f":
        single = dtype == "float32"
        real = float(value)
        if math.isnan(real):
            return '__builtin_nanf("")' if single else '__builtin_nan("")'
        if math.isinf(real):
            text = "__builtin_inff()" if single else "__builtin_inf()"
            return f"(-{text})" if real < 0 else text
        text = real.hex() + ("f" if single else "")
        return f"({text})" if text.startswith("-") else text
    part = "float32" if dtype == "complex64" else "float64"
    pair = complex(value)
    # A compound literal of parts: re + im * I would spoil infinities and signed zeros.
    parts = f"{literal(pair.real, part)}, {literal(pair.imag, part)}"
    return f"__builtin_complex({parts})"


def is_long(template: str) -> bool:
    """Tell whether an expression calls a function that takes many instructions."""
    called = _HELPER.findall(template)
    return any(_COSTS.get(h, 5.0) >= 1.0 and t in ("f32", "f64") for h, t in called)


def without_own_math(template: str) -> str:
    """Call libm's functions in place of those that are written out."""
    return _OWN_VECTOR_MATH.sub(r"\1(", template)


class Writer:
    """Collects the statements of a scalar graph."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.lines: list[str] = []
        self.sources: dict[Source, None] = {}
        self.functions: dict[str, None] = {}
        self.cost = 0.0
        self.heavy: set[int] = set()
        self._casts: dict[tuple[str, str], str] = {}
        self._count = 0

    def name(self, expression: str, dtype: str) -> str:
        """Declare a value and return its name."""
        return self.declare(f"{value_type(dtype)}", expression)

    def declare(self, type_: str, expression: str) -> str:
        """Declare a value of a C type and return its name."""
        name = f"{self.prefix}{self._count}"
        self._count += 1
        self.lines.append(f"const {type_} {name} = {expression};")
        return name

    def cast(self, value: str, source: str, target: str) -> str:
        if source == target:
            return value
        known = self._casts.get((value, target))
        if known is None:
            template, files = unit_cast("{0}", source, target)
            self.sources.update(dict.fromkeys(files))
            known = self._casts[value, target] = self.emit(template, [value], [source], target)
        return known

    def apply(self, op: ScalarOp, args, in_dtypes, out_dtypes) -> list[str] | None:
        """Write one Op; None if there is no C for it."""
        if isinstance(op, Composite):
            return self.program(op.program, args)
        if isinstance(op, Cast):
            return [self.cast(args[0], in_dtypes[0], out_dtypes[0])]
        if isinstance(op, ScalarLoop):
            return write_loop(self, op, args, in_dtypes)
        template = op.c_template(in_dtypes, out_dtypes)
        if template is None or len(out_dtypes) != 1 or not self.need(template):
            return None
        dtypes = op.compute_dtypes(in_dtypes, out_dtypes)
        args = [self.cast(a, d, to) for a, d, to in zip(args, in_dtypes, dtypes)]
        if "float16" in (*dtypes, *out_dtypes):
            return self.apply_half(op, args, dtypes, out_dtypes)
        self.cost += self.cost_of_op(out_dtypes)
        called = _HELPER.findall(template)
        if len(called) == 1 and called[0][0] in _IN_STEPS and len(args) == 1:
            for step in _IN_STEPS[called[0][0]]:
                part = step.format(x="{0}", t=called[0][1], last="{1}")
                args[1:] = [self.emit(part, args, [dtypes[0]] * len(args), out_dtypes[0])]
            return args[1:]
        return [self.emit(template, args, dtypes, out_dtypes[0])]

    def apply_half(self, op: ScalarOp, args, dtypes, out_dtypes) -> list[str]:
        """Write an Op that computes in float32 and rounds each result to float16, as NumPy does."""
        if op.nin == -1 and len(args) > 2:
            # Folded from the left: each partial result is rounded.
            *first, last = args
            args = [*self.apply_half(op, first, dtypes[:-1], out_dtypes), last]
            dtypes = [out_dtypes[0], dtypes[-1]]
        template = op.c_template(dtypes, out_dtypes)
        assert template is not None, "there is one for more operands"
        wide = [computed_as(d) for d in dtypes]
        args = [self.cast(a, d, to) for a, d, to in zip(args, dtypes, wide)]
        self.cost += 1.0
        result = self.emit(template, args, wide, computed_as(out_dtypes[0]))
        return [self.cast(result, computed_as(out_dtypes[0]), out_dtypes[0])]

    @staticmethod
    def cost_of_op(out_dtypes: Sequence[str]) -> float:
        return 0.3 + 10.0 * out_dtypes[0].startswith("complex")

    def emit(self, template: str, args, dtypes, dtype: str) -> str:
        """Declare the value of an expression over `args`, and note if it takes a long function."""
        if is_long(template):
            self.heavy.add(len(self.lines))
        return self.name(template.format(*args), dtype)

    def constant(self, value, dtype: str) -> str:
        """Return what stands for a constant."""
        return literal(value, dtype)

    def need(self, template: str) -> bool:
        """Note the files of the helpers an expression calls; False if one has no file."""
        if _MIXED.search(template):
            self.sources[_CAST_SOURCE] = None
            return True
        for helper, suffix in _HELPER.findall(template):
            source = _helper_source(helper, suffix)
            if source is None or (is_special(source) and not is_available(helper, suffix)):
                return False
            self.sources[source] = None
            self.cost += _COSTS.get(helper, 5.0 if suffix in ("f32", "f64") else 0.5)
        if "isnan(" in template or "isinf(" in template:
            self.sources[Source(C_CODE, "libm.h")] = None
        return True

    def program(self, program, args) -> list[str] | None:
        """Write the steps of a `Composite`."""
        cells = [*args, *(self.constant(value, dtype) for dtype, value in program.constants)]
        for op, arguments, in_dtypes, out_dtypes in program.plan:
            results = self.apply(op, [cells[c] for c in arguments], in_dtypes, out_dtypes)
            if results is None:
                return None
            cells.extend(results)
        return [cells[c] for c in program.outputs]


def scalar_code(
    op: ScalarOp,
    in_dtypes: Sequence[str],
    out_dtypes: Sequence[str],
    names: Sequence[str],
    prefix: str = "v",
    write: type[Writer] = Writer,
) -> ScalarCode | None:
    """Translate a scalar Op applied to values called `names`; None if some part has no C."""
    if any(value_type(d) is None for d in (*in_dtypes, *out_dtypes)):
        return None
    writer = write(prefix)
    results = writer.apply(op, list(names), list(in_dtypes), list(out_dtypes))
    if results is None:
        return None
    lines, heavy = writer.lines, frozenset(writer.heavy)
    if len(heavy) > MAX_INLINE:
        lines = [without_own_math(line) for line in lines]
        heavy = frozenset()
    elif heavy:
        # Compilers find no vector form of a long function in a loop that also changes the width.
        heavy |= {i for i, line in enumerate(lines) if "pt_half_" in line}
    functions = tuple(writer.functions)
    sources = tuple(writer.sources)
    return ScalarCode(tuple(lines), tuple(results), sources, writer.cost, heavy, functions)


def is_special(source: Source) -> bool:
    """Tell whether a file of helpers calls SciPy."""
    return source.name.startswith("math_special")


def flags_of(sources: Iterable[Source]) -> tuple[str, ...]:
    """Return what kernels with these files need: libm's vector twin, addresses of SciPy's functions."""
    flags = {"libmvec" for source in sources if source.name.startswith("math_real")}
    flags |= {"special" for source in sources if is_special(source)}
    return tuple(sorted(flags))
