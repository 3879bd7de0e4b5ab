"""Kernels that walk along an axis: position of the maximum, cumulative sums, repetition."""

from pytensor.link.c.dispatch.alloc import allocate
from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY, read_int
from pytensor.tensor.extra_ops import CumOp, Repeat
from pytensor.tensor.math import Argmax


def _loops(axes, names: dict[str, str]) -> tuple[str, str]:
    """Open nested loops over `axes` of x0; pointer ``name`` moves with the strides of ``names[name]``."""
    opened, closed = [], []
    for axis in axes:
        moves = " ".join(
            f"char *{name}_{axis} = {name} + i{axis} * {array}->strides[{axis}];"
            for name, array in names.items()
        )
        back = " ".join(f"char *{name} = {name}_{axis};" for name in names)
        opened.append(
            f"    for (int64_t i{axis} = 0; i{axis} < x0->shape[{axis}]; i{axis}++) {{\n"
            f"    {moves}\n    {{ {back}"
        )
        closed.append("    }}")
    return "\n".join(opened), "\n".join(closed)


@c_funcify.register(Argmax)
def _argmax(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    t = c_type(x.type.dtype)
    if t is None or x.type.dtype.startswith("complex"):
        return None
    ndim = x.type.ndim
    axes = tuple(range(ndim)) if op.axis is None else tuple(sorted(a % ndim for a in op.axis))
    if not axes:
        return None
    kept = [k for k in range(ndim) if k not in axes]
    outer, outer_end = _loops(kept, {"at": "x0"})
    inner, inner_end = _loops(axes, {"at": "x0"})
    length = " * ".join(f"x0->shape[{k}]" for k in axes)
    # The first NaN wins, as in NumPy: nothing after it compares as larger or as a new NaN.
    nan = " || (v != v && best == best)" if x.type.numpy_dtype.kind == "f" else ""
    body = f"""\
{"".join(f"    z0->shape[{i}] = x0->shape[{k}];{chr(10)}" for i, k in enumerate(kept))}\
    if (({length}) == 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "attempt to get argmax of an empty sequence");
{allocate(z)}\
    pt_heavy(ctx, (double)pt_size(x0, {ndim}));
    int64_t *to = (int64_t *)z0->data;
    char *at = x0->data;
{outer}
    int64_t n = 0, position = 0;
    {t} best = *({t} *)at;
{inner}
    {t} v = *({t} *)at;
    if (v > best{nan}) {{
        best = v;
        position = n;
    }}
    n++;
{inner_end}
    *to++ = position;
{outer_end}"""
    return CKernel(body)


@c_funcify.register(CumOp)
def _cumulative(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    t = c_type(z.type.dtype)
    if t is None or x.type.dtype != z.type.dtype or x.type.dtype == "bool":
        return None
    ndim = x.type.ndim
    axis = op.axis % ndim
    outer, end = _loops([k for k in range(ndim) if k != axis], {"at": "x0", "to": "z0"})
    sign = {"add": "+", "mul": "*"}[op.mode]
    # Signed overflow wraps in NumPy and is undefined in C.
    wide = t.replace("int", "uint", 1) if t.startswith("int") else t
    body = f"""\
    pt_same_shape(z0, x0, {ndim});
{allocate(z)}\
    pt_heavy(ctx, (double)pt_size(x0, {ndim}));
    char *at = x0->data, *to = z0->data;
{outer}
    {wide} total = {0 if op.mode == "add" else 1};
    for (int64_t k = 0; k < x0->shape[{axis}]; k++) {{
        const {wide} v = ({wide})*({t} *)(at + k * x0->strides[{axis}]);
        total = k ? ({wide})(total {sign} v) : v;
        *({t} *)(to + k * z0->strides[{axis}]) = ({t})total;
    }}
{end}"""
    return CKernel(body, inplace={0: (0,)})


@c_funcify.register(Repeat)
def _repeat(op, node=None, **kwargs):
    x, repeats = node.inputs
    z = node.outputs[0]
    if c_type(repeats.type.dtype) is None:
        return None
    ndim, itemsize, axis = x.type.ndim, x.type.numpy_dtype.itemsize, op.axis
    count = read_int("x1", repeats.type.dtype, " + (x1->shape[0] == 1 ? 0 : i * x1->strides[0])")
    body = f"""\
    const int64_t length = x0->shape[{axis}];
    int64_t total = 0;
    if (x1->shape[0] != length && x1->shape[0] != 1)
        return pt_fail(ctx, PT_VALUE_ERROR, "[Repeat] repeats must have length %lld, got %lld",
                       (long long)length, (long long)x1->shape[0]);
    for (int64_t i = 0; i < length; i++) {{
        const int64_t count = {count};
        if (count < 0)
            return pt_fail(ctx, PT_VALUE_ERROR, "[Repeat] repeats may not contain negative values");
        total += count;
    }}
    pt_same_shape(z0, x0, {ndim});
    z0->shape[{axis}] = total;
{allocate(z)}\
    pt_heavy(ctx, (double)pt_size(z0, {ndim}));
    int64_t shape[{ndim}], strides[{ndim}];
    for (int k = 0; k < {ndim}; k++) {{
        shape[k] = x0->shape[k];
        strides[k] = x0->strides[k];
    }}
    strides[{axis}] = 0;
    char *to = z0->data;
    for (int64_t i = 0; i < length; i++) {{
        shape[{axis}] = {count};
        pt_copy(to, z0->strides, x0->data + i * x0->strides[{axis}], strides, shape, {ndim}, {itemsize});
        to += shape[{axis}] * z0->strides[{axis}];
    }}"""
    return CKernel(body, (COPY,))
