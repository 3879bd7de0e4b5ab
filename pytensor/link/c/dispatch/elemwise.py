"""Elemwise: a loop over unit strides for each scalar program, driven by c_code/driver_elemwise.h."""

import functools
import hashlib
import re
from collections.abc import Sequence

from pytensor.link.c.dispatch.basic import (
    C_CODE,
    CKernel,
    LaterKernel,
    Source,
    c_funcify,
    itemsize,
    value_type,
)
from pytensor.link.c.dispatch.scalar import flags_of, scalar_code
from pytensor.link.c.dispatch.scalar_kernel import scalar_kernel
from pytensor.link.c.interpreter import VM_ELEMWISE, Interpreted, Record, encode, safe_name
from pytensor.link.c.interpreter import loop_of as interpreted_loop
from pytensor.tensor.elemwise import Elemwise

_NAME = re.compile(r"\b[av]\d+\b")

ELEMWISE = Source(C_CODE, "elemwise.h")


# Elements of a block that goes through one segment after the other; values in between stay in L1.
BLOCK = 256


def loop_text(code, in_dtypes: Sequence[str], out_dtypes: Sequence[str], scalar: Sequence[bool]):
    """Return name and text of the C function that computes n contiguous elements."""
    n = len(in_dtypes)
    head = []
    used = {name for text in (*code.lines, *code.results) for name in _names(text)}
    for i, dtype in enumerate(in_dtypes):
        if f"a{i}" not in used:
            # As of `second(x, y)`: only the shape of x is read, by the driver.
            continue
        t = value_type(dtype)
        value = f"a{i} = *(const {t} *)" if scalar[i] else f"*x{i} = (const {t} *)"
        head.append(f"    const {t} {value}data[{i}];")
    for j, dtype in enumerate(out_dtypes):
        head.append(f"    {value_type(dtype)} *z{j} = ({value_type(dtype)} *)data[{n + j}];")
    reads = {
        f"a{i}": (value_type(d), f"x{i}")
        for i, d in enumerate(in_dtypes)
        if not scalar[i] and f"a{i}" in used
    }
    segments = _segments(code)
    write = _one_loop if len(segments) == 1 else _blocked_loops
    text = "\n".join(
        [
            "(char *const *data, int64_t n, const void *program)\n{",
            "    (void)program;",
            *head,
            *write(code, segments, reads),
            "}\n",
        ]
    )
    name = "loop_" + hashlib.sha256(text.encode()).hexdigest()[:12]
    return name, f"\nstatic void {name}{text}"


def _segments(code) -> list[list[str]]:
    """Cut the statements so that each part has one long function.

    Two of them in one loop are a chain of dependent instructions too long for a processor to see
    several iterations of it at once.
    """
    segments: list[list[str]] = [[]]
    full = False
    for i, line in enumerate(code.lines):
        if i in code.heavy and full:
            segments.append([])
        full = (full and segments[-1] != []) or i in code.heavy
        segments[-1].append(line)
    return segments


def _names(line: str) -> list[str]:
    return _NAME.findall(line)


def _one_loop(code, segments, reads) -> list[str]:
    lines = ["    PT_IVDEP", "    for (int64_t i = 0; i < n; i++) {"]
    lines += [f"        const {t} {a} = {x}[i];" for a, (t, x) in reads.items()]
    lines += [f"        {line}" for line in segments[0]]
    lines += [f"        z{j}[i] = {value};" for j, value in enumerate(code.results)]
    return [*lines, "    }"]


def _blocked_loops(code, segments, reads) -> list[str]:
    """One loop for each segment over a block; what later segments read goes through arrays.

    Outputs are written by the last one: they may lie over inputs that earlier ones still read.
    """
    last = len(segments) - 1
    made: dict[str, tuple[int, str]] = {}
    needed: list[set[str]] = [set() for _ in segments]
    for k, segment in enumerate(segments):
        for line in segment:
            declared, _, expression = line.partition(" = ")
            needed[k].update(_names(expression))
            _, *t, name = declared.split()
            made[name] = (k, " ".join(t))
    needed[last].update(name for result in code.results for name in _names(result))
    kept = [
        name for name, (k, _) in made.items() if any(name in names for names in needed[k + 1 :])
    ]
    lines = [f"    {made[name][1]} {name}_[{BLOCK}];" for name in kept]
    lines.append(f"    for (int64_t from = 0; from < n; from += {BLOCK}) {{")
    lines.append(f"        const int64_t m = n - from < {BLOCK} ? n - from : {BLOCK};")
    for k, segment in enumerate(segments):
        lines += ["        PT_IVDEP", "        for (int64_t i = 0; i < m; i++) {"]
        for a, (t, x) in reads.items():
            if a in needed[k]:
                lines.append(f"            const {t} {a} = {x}[from + i];")
        for name in kept:
            if made[name][0] < k and name in needed[k]:
                lines.append(f"            const {made[name][1]} {name} = {name}_[i];")
        lines += [f"            {line}" for line in segment]
        lines += [f"            {name}_[i] = {name};" for name in kept if made[name][0] == k]
        if k == last:
            lines += [f"            z{j}[from + i] = {v};" for j, v in enumerate(code.results)]
        lines.append("        }")
    return [*lines, "    }"]


def loop_of(node):
    """Return name, text, scalar code and cost of an element of an Elemwise node's loop, or None."""
    in_dtypes = [v.type.dtype for v in node.inputs]
    out_dtypes = [v.type.dtype for v in node.outputs]
    names = [f"a{i}" for i in range(len(in_dtypes))]
    code = scalar_code(node.op.scalar_op, in_dtypes, out_dtypes, names)
    if code is None:
        return None
    scalar = [is_scalar(v) for v in node.inputs]
    name, text = loop_text(code, in_dtypes, out_dtypes, scalar)
    return name, text, code, loop_cost(code.cost, len(in_dtypes) + len(out_dtypes))


def elemwise_record(op_name, inputs, outputs, cost, destroys=None) -> str:
    """Return the declaration of the ``pt_elemwise`` that describes a node."""
    ndim = inputs[0].type.ndim
    sizes = [itemsize(v.type.dtype) for v in (*inputs, *outputs)]
    repeats = [repeat_mask(v) for v in inputs]
    lines = [
        f"    static const int32_t itemsize[] = {{{', '.join(map(str, sizes))}}};",
        f"    static const uint64_t repeats[] = {{{', '.join(hex(r) for r in repeats)}}};",
    ]
    at, name = "NULL", f'"{safe_name(op_name)}"'
    if destroys:
        into = ", ".join(str(destroys.get(j, -1)) for j in range(len(outputs)))
        lines.append(f"    static const int32_t destroys[] = {{{into}}};")
        at = "destroys"
    lines.append(
        f"    static const pt_elemwise e = {{{name}, {len(inputs)}, {len(outputs)}, "
        f"{ndim}, {cost:.1f}, itemsize, repeats, {at}, NULL}};"
    )
    return "\n".join(lines)


def repeat_mask(variable) -> int:
    """Bit k: the static length along axis k is 1."""
    return sum(1 << k for k, length in enumerate(variable.type.shape) if length == 1)


@c_funcify.register(Elemwise)
def _elemwise(op, node=None, **kwargs):
    in_dtypes = [v.type.dtype for v in node.inputs]
    out_dtypes = [v.type.dtype for v in node.outputs]
    ndim = node.outputs[0].type.ndim
    destroys = dict(op.inplace_pattern)
    if ndim == 0:
        return scalar_kernel(op.scalar_op, in_dtypes, out_dtypes, destroys)
    if ndim > 60:
        return None
    inplace = _inplace(node, destroys)
    found = _interpreted(op, node, {*inplace, *destroys}, destroys)
    if found is None:
        return _native(node, inplace, destroys)
    interpreted, flags = found
    make = functools.partial(_native, node, inplace, destroys)
    return LaterKernel(make, interpreted, inplace, destroys, flags)


def _native(node, inplace, destroys) -> CKernel | None:
    """Return the kernel in C."""
    loop = loop_of(node)
    if loop is None:
        return None
    name, text, code, cost = loop
    record = elemwise_record(str(node.op), node.inputs, node.outputs, cost, destroys)
    return CKernel(
        f"{record}\n    return ctx->svc->elemwise(ctx, &e, args, {name});",
        (*code.sources, ELEMWISE),
        functions=(*code.functions, text),
        inplace=inplace,
        destroys=destroys,
        flags=flags_of(code.sources),
    )


def loop_cost(cost: float, n_arrays: int) -> float:
    """Return the nanoseconds for an element: those of the work, and of reading and writing."""
    return cost + 0.1 * n_arrays


def _interpreted(op, node, over, destroys) -> tuple[Interpreted, tuple[str, ...]] | None:
    """Return the kernel for the interpreter and its flags; outputs in `over` may lie over inputs."""
    inputs, outputs = node.inputs, node.outputs
    dtypes = [v.type.dtype for v in inputs], [v.type.dtype for v in outputs]
    loop = interpreted_loop(
        op.scalar_op,
        *dtypes,
        [is_scalar(x) for x in inputs],
        [j in over for j in range(len(outputs))],
        single=is_scalar(outputs[0]),
    )
    if loop is None:
        return None
    into = [destroys.get(j, -1) for j in range(len(outputs))] if destroys else ()
    repeats = [repeat_mask(x) for x in inputs]
    ndim = outputs[0].type.ndim
    cost = loop_cost(loop.cost, len(inputs) + len(outputs))
    record = Record(safe_name(str(op)), ndim, cost, *dtypes, repeats, into)
    interpreted = encode(VM_ELEMWISE, record, loop)
    return None if interpreted is None else (interpreted, flags_of(loop.sources))


def is_scalar(variable) -> bool:
    """Tell whether there is one element, as far as the static shape says."""
    return all(n == 1 for n in variable.type.shape)


def _inplace(node, destroys) -> dict[int, tuple[int, ...]]:
    """Inputs each output may be written over: same dtype (C's aliasing rules), not repeated."""
    result = {}
    for j, z in enumerate(node.outputs):
        if j in destroys:
            continue
        fits = tuple(
            i
            for i, x in enumerate(node.inputs)
            if x.type.dtype == z.type.dtype
            and all(a != 1 or b == 1 for a, b in zip(x.type.shape, z.type.shape))
        )
        if fits:
            result[j] = fits
    return result
