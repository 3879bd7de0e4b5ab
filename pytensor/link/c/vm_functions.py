"""Which block functions and reducers the interpreter is built with. Imported only to build it."""

from collections.abc import Iterator, Sequence

import pytensor.scalar.basic as scalar_ops
import pytensor.scalar.math as scalar_math
from pytensor.link.c.dispatch.basic import C_TYPES, Source
from pytensor.link.c.dispatch.reduce import Reducer, reducer
from pytensor.link.c.dispatch.scalar import is_long, literal, without_own_math
from pytensor.link.c.linear import FOLDED_POWERS, Instruction, Linear, linearise, signature
from pytensor.link.c.vm import copy_name, reducer_name
from pytensor.scalar.basic import Cast, ScalarOp
from pytensor.scalar.type import ScalarType, get_scalar_type
from pytensor.tensor._reductions import All, Any, Max, Min, Prod, ProdWithoutZeros, Sum

__all__ = ["block_functions", "reducers"]

# Operands that may be one element for all without being written out to a block first.
_ONES = {1: ("v",), 2: ("vv", "vs", "sv"), 3: ("vvv", "vvs", "vsv", "vss")}
_COMMON = ("int64", "float32", "float64")


def _ops() -> list[ScalarOp]:
    """One Op of each class with C, as the package makes it."""
    found: dict[type, ScalarOp] = {}
    for value in (*vars(scalar_ops).values(), *vars(scalar_math).values()):
        if isinstance(value, ScalarOp) and value.c_expr is not None and not isinstance(value, Cast):
            found.setdefault(type(value), value)
    return list(found.values())


def _applications() -> Iterator[tuple[ScalarOp, tuple[str, ...]]]:
    """Ops and dtypes of operands. Operands of other dtypes are cast first, by functions of their own."""
    for op in _ops():
        n = op.nin if op.nin >= 0 else 2
        for dtype in C_TYPES:
            yield op, (dtype,) * n
        if n == 2:
            yield op, ("int64", "uint64")
            yield op, ("uint64", "int64")
    for dtype in ("float32", "float64"):
        yield scalar_math.polygamma, ("int64", dtype)
    for dtype, order in (("complex64", "float32"), ("complex128", "float64")):
        for op in (scalar_math.jv, scalar_math.ive, scalar_math.kve):
            yield op, (order, dtype)
    for dtype in (*C_TYPES, "float16"):
        for target in (*C_TYPES, "float16"):
            yield Cast(get_scalar_type(target)), (dtype,)
    for dtype in C_TYPES:
        yield scalar_ops.switch, ("bool", dtype, dtype)


def _programs() -> Iterator[tuple[Linear, Sequence[Source]]]:
    for op, dtypes in _applications():
        types: list[ScalarType] = [get_scalar_type(d) for d in dtypes]
        try:
            out = op.output_types(types)
        except (TypeError, NotImplementedError):
            continue
        found = linearise(op, dtypes, [t.dtype for t in out])
        if found is not None:
            linear, writer = found
            yield linear, tuple(writer.sources)
    for dtype, suffix in (("float32", "f32"), ("float64", "f64")):
        linear = Linear([dtype, dtype])
        for exponent in FOLDED_POWERS:
            text = f"pt_pow_{suffix}({{0}}, {literal(exponent, dtype)})"
            linear.instructions.append(Instruction(text, 1, (0,)))
        yield linear, ()


def block_functions() -> tuple[list[str], dict[Source, None]]:
    """Return the names of all block functions, and the files they need."""
    names: dict[str, None] = {}
    sources: dict[Source, None] = {}
    for linear, files in _programs():
        sources |= dict.fromkeys(files)
        for step in linear.instructions:
            operands = [linear.dtypes[v] for v in step.operands]
            for kinds in _kinds(step, operands):
                names[signature(linear, step, [k == "s" for k in kinds])] = None
            plain = step._replace(template=without_own_math(step.template))
            names[signature(linear, plain, [False] * len(operands))] = None
    for suffix in ("f32", "f64"):
        for template, kinds in _fused():
            suffixes = " ".join([suffix] * (len(kinds) + 1))
            names[f"{template}\t{suffixes}\t{kinds}"] = None
    for dtype in ("int8", "int16", "int32", "int64", "complex128"):
        names |= dict.fromkeys([copy_name(dtype, False), copy_name(dtype, True)])
    return list(names), sources


def _kinds(step: Instruction, operands: Sequence[str]) -> Sequence[str]:
    """Which operands may be single elements: those of quick functions of common types."""
    short = not is_long(step.template) or "pow" in step.template
    if short and all(d in _COMMON for d in operands[-2:]) and len(operands) in _ONES:
        return _ONES[len(operands)]
    return ("v" * len(operands),)


def _fused() -> Iterator[tuple[str, str]]:
    """Expressions of two or three quick operations: what goes through memory between them costs as much."""
    quick = "+-*"
    # Sums and products have their single elements last; see `linear.fused`.
    inner = {op: ("vv", "vs", "sv") if op == "-" else ("vv", "vs") for op in quick}
    for op in quick:
        for a in inner[op]:
            for b in "vs":
                for outer in quick:
                    yield f"({{0}} {op} {{1}}) {outer} {{2}}", a + b
                yield f"{{0}} - ({{1}} {op} {{2}})", b + a
                for c in "vs":
                    if op == "*":
                        yield "(({0} * {1}) + {2}) * {3}", a + b + c
                    else:
                        yield f"(({{0}} {op} {{1}}) * {{2}}) + {{3}}", a + b + c
    for a in inner["*"]:
        for b in inner["*"]:
            yield "({0} * {1}) + ({2} * {3})", a + b
    for compare in ("<", ">", "<=", ">="):
        for kinds in ("vvvv", "vvvs", "vvsv", "vsvv", "vsvs", "vssv"):
            yield f"(({{0}} {compare} {{1}}) ? {{2}} : {{3}})", kinds


def reducers() -> dict[str, Reducer]:
    """Return the reducers of the usual reductions, by name."""
    found: dict[str, Reducer] = {}
    for dtype in (*C_TYPES, "float16"):
        for make in (Sum, Prod, ProdWithoutZeros, Max, Min, All, Any):
            op = make(None)
            try:
                out = op._output_dtype(dtype)
            except (TypeError, NotImplementedError):
                continue
            by = reducer(op, dtype, out)
            if by is not None:
                found.setdefault(reducer_name(by), by)
    return found
