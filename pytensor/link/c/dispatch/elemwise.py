"""Elemwise: a loop over unit strides for each scalar program, driven by c_code/driver_elemwise.h."""

import hashlib
from collections.abc import Sequence

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify, c_type, itemsize
from pytensor.link.c.dispatch.scalar import scalar_code, scalar_kernel, uses_libm
from pytensor.tensor.elemwise import Elemwise

ELEMWISE = Source(C_CODE, "elemwise.h")


def loop_text(code, in_dtypes: Sequence[str], out_dtypes: Sequence[str], scalar: Sequence[bool]):
    """Return name and text of the C function that computes n contiguous elements."""
    n = len(in_dtypes)
    head, body = [], []
    for i, dtype in enumerate(in_dtypes):
        t = c_type(dtype)
        if scalar[i]:
            head.append(f"    const {t} a{i} = *(const {t} *)data[{i}];")
        else:
            head.append(f"    const {t} *x{i} = (const {t} *)data[{i}];")
            body.append(f"        const {t} a{i} = x{i}[i];")
    for j, dtype in enumerate(out_dtypes):
        t = c_type(dtype)
        head.append(f"    {t} *z{j} = ({t} *)data[{n + j}];")
    body += [f"        {line}" for line in code.lines]
    body += [f"        z{j}[i] = {value};" for j, value in enumerate(code.results)]
    text = "\n".join(
        [
            "(char *const *data, int64_t n)\n{",
            *head,
            "    PT_IVDEP",
            "    for (int64_t i = 0; i < n; i++) {",
            *body,
            "    }\n}\n",
        ]
    )
    name = "loop_" + hashlib.sha256(text.encode()).hexdigest()[:12]
    return name, f"\nstatic void {name}{text}"


def loop_of(node):
    """Return name, text, scalar code and cost of an element of an Elemwise node's loop, or None."""
    in_dtypes = [v.type.dtype for v in node.inputs]
    out_dtypes = [v.type.dtype for v in node.outputs]
    names = [f"a{i}" for i in range(len(in_dtypes))]
    code = scalar_code(node.op.scalar_op, in_dtypes, out_dtypes, names)
    if code is None:
        return None
    scalar = [all(n == 1 for n in v.type.shape) for v in node.inputs]
    name, text = loop_text(code, in_dtypes, out_dtypes, scalar)
    return name, text, code, code.cost + 0.1 * (len(in_dtypes) + len(out_dtypes))


def _c_string(text: str) -> str:
    """Quote a name for C; an Op's name may hold anything."""
    safe = "".join(c if c.isalnum() or c in " _-{}[]().,:*+" else "?" for c in text[:60])
    return '"' + "".join(c if c.isascii() else "?" for c in safe) + '"'


def elemwise_record(op_name, inputs, outputs, cost, destroys=None) -> str:
    """Return the declaration of the ``pt_elemwise`` that describes a node."""
    ndim = inputs[0].type.ndim
    sizes = [itemsize(v.type.dtype) for v in (*inputs, *outputs)]
    repeats = [repeat_mask(v) for v in inputs]
    lines = [
        f"    static const int32_t itemsize[] = {{{', '.join(map(str, sizes))}}};",
        f"    static const uint64_t repeats[] = {{{', '.join(hex(r) for r in repeats)}}};",
    ]
    at = "NULL"
    if destroys:
        into = ", ".join(str(destroys.get(j, -1)) for j in range(len(outputs)))
        lines.append(f"    static const int32_t destroys[] = {{{into}}};")
        at = "destroys"
    lines.append(
        f"    static const pt_elemwise e = {{{_c_string(op_name)}, {len(inputs)}, {len(outputs)}, "
        f"{ndim}, {cost:.1f}, itemsize, repeats, {at}}};"
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
    loop = loop_of(node)
    if loop is None:
        return None
    name, text, code, cost = loop
    record = elemwise_record(str(op), node.inputs, node.outputs, cost, destroys)
    return CKernel(
        f"{record}\n    return ctx->svc->elemwise(ctx, &e, args, {name});",
        (*code.sources, ELEMWISE),
        functions=(text,),
        inplace=_inplace(node, destroys),
        destroys=destroys,
        flags=("libmvec",) if uses_libm(code.sources) else (),
    )


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
