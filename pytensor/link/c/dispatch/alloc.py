"""Kernels of Ops that make arrays: fill, empty, ranges, identity, scalars, copies, views."""

from pytensor.compile.ops import DeepCopyOp, TypeCastingOp
from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY, read_int
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import (
    Alloc,
    AllocEmpty,
    ARange,
    Eye,
    MakeVector,
    ScalarFromTensor,
    TensorFromScalar,
)

_RANGE = Source(C_CODE, "range.h")

_ALLOC = """\
    int status = pt_alloc(ctx, z0, {ndim}, {itemsize});
    if (status)
        return status;
"""


def allocate(variable) -> str:
    """Return the lines that give z0 memory for its shape, which is set."""
    return _ALLOC.format(ndim=variable.type.ndim, itemsize=variable.type.numpy_dtype.itemsize)


def _lengths(node, first: int) -> str | None:
    """Set the shape of z0 from 0-d inputs beginning with number `first`."""
    lengths = node.inputs[first:]
    if any(c_type(x.type.dtype) is None for x in lengths):
        return None
    return "".join(
        f"    z0->shape[{i}] = {read_int(f'x{first + i}', x.type.dtype)};\n"
        for i, x in enumerate(lengths)
    )


@c_funcify.register(Alloc)
def _alloc(op, node=None, **kwargs):
    value, z = node.inputs[0], node.outputs[0]
    lengths = _lengths(node, 1)
    if lengths is None:
        return None
    offset = z.type.ndim - value.type.ndim
    checks = []
    for i, static in enumerate(value.type.shape):
        checks.append(f"    strides[{offset + i}] = x0->strides[{i}];")
        if static == 1:
            checks[-1] = f"    strides[{offset + i}] = 0;"
            continue
        have, want = f"x0->shape[{i}]", f"z0->shape[{offset + i}]"
        checks.append(
            f"    if ({have} != {want})\n"
            f"        return {have} == 1\n"
            '                   ? pt_fail(ctx, PT_VALUE_ERROR, "[Alloc] %s", '
            f"{_c_string(op._runtime_broadcast_error_msg)})\n"
            '                   : pt_fail(ctx, PT_VALUE_ERROR, "[Alloc] value must broadcast to '
            f'the shape, got length %lld for %lld on axis {offset + i}", (long long){have}, '
            f"(long long){want});"
        )
    body = (
        f"    int64_t strides[{z.type.ndim + 1}] = {{0}};\n"
        + lengths
        + "\n".join(checks)
        + "\n"
        + allocate(z)
        + f"    pt_heavy(ctx, 0.5 * (double)pt_size(z0, {z.type.ndim}));\n"
        + "    (void)strides;\n"
        + _fill(value, z)
    )
    return CKernel(body, (COPY,))


def _fill(value, z) -> str:
    ndim, itemsize = z.type.ndim, z.type.numpy_dtype.itemsize
    general = (
        f"    pt_copy(z0->data, z0->strides, x0->data, strides, z0->shape, {ndim}, {itemsize});"
    )
    if any(n != 1 for n in value.type.shape):
        return general
    # One value everywhere: zero bytes are common and fastest.
    unit = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t"}.get(itemsize)
    if unit is None:
        return general
    return f"""\
    const {unit} value = *(const {unit} *)x0->data;
    const int64_t size = pt_size(z0, {ndim});
    if (value == 0)
        memset(z0->data, 0, (size_t)(size * {itemsize}));
    else
        for (int64_t i = 0; i < size; i++)
            (({unit} *)z0->data)[i] = value;"""


@c_funcify.register(AllocEmpty)
def _alloc_empty(op, node=None, **kwargs):
    lengths = _lengths(node, 0)
    return None if lengths is None else CKernel(lengths + allocate(node.outputs[0]))


@c_funcify.register(MakeVector)
def _make_vector(op, node=None, **kwargs):
    itemsize = node.outputs[0].type.numpy_dtype.itemsize
    lines = [f"    z0->shape[0] = {len(node.inputs)};", allocate(node.outputs[0])]
    lines += [
        f"    memcpy(z0->data + {i * itemsize}, x{i}->data, {itemsize});"
        for i in range(len(node.inputs))
    ]
    return CKernel("\n".join(lines))


@c_funcify.register(ScalarFromTensor)
@c_funcify.register(TensorFromScalar)
def _same_number(op, node=None, **kwargs):
    z = node.outputs[0]
    itemsize = z.type.numpy_dtype.itemsize
    return CKernel(f"{allocate(z)}    memcpy(z0->data, x0->data, {itemsize});")


@c_funcify.register(DeepCopyOp)
def _deep_copy(op, node=None, **kwargs):
    z = node.outputs[0]
    if not hasattr(z.type, "numpy_dtype"):
        return None
    ndim, itemsize = z.type.ndim, z.type.numpy_dtype.itemsize
    body = f"""\
    pt_same_shape(z0, x0, {ndim});
{allocate(z)}\
    pt_heavy(ctx, (double)pt_size(x0, {ndim}));
    pt_copy(z0->data, z0->strides, x0->data, x0->strides, x0->shape, {ndim}, {itemsize});"""
    return CKernel(body, (COPY,))


@c_funcify.register(TypeCastingOp)
def _view(op, node=None, **kwargs):
    z = node.outputs[0]
    if not hasattr(z.type, "ndim") or type(op).perform is not TypeCastingOp.perform:
        return None
    return CKernel(f"    pt_view(z0, x0, {z.type.ndim});", views={0: 0})


@c_funcify.register(ARange)
def _arange(op, node=None, **kwargs):
    z = node.outputs[0]
    kinds = {x.type.numpy_dtype.kind for x in node.inputs}
    if kinds <= set("iub") and z.type.numpy_dtype.kind in "iu":
        number = "int64_t"
        count = "(step > 0 ? (stop > start ? (stop - start - 1) / step + 1 : 0)\n" + (
            "                        : (start > stop ? (start - stop - 1) / -step + 1 : 0))"
        )
        element = "start + i * step"
    elif {x.type.dtype for x in (*node.inputs, z)} in ({"float64"}, {"float32"}):
        number = c_type(z.type.dtype)
        count = "pt_range_length((double)((stop - start) / step))"
        # As NumPy counts: from the distance of the first two elements, in double precision.
        element = "(double)start + (double)i * (double)delta"
    else:
        return None
    reads = "".join(
        f"    const {number} {name} = ({number})*(const {c_type(x.type.dtype)} *)x{i}->data;\n"
        for i, (name, x) in enumerate(zip(("start", "stop", "step"), node.inputs, strict=True))
    )
    delta = "" if number == "int64_t" else f"    const {number} delta = (start + step) - start;\n"
    body = f"""\
{reads}\
    if (step == 0)
        return pt_fail(ctx, PT_ZERO_DIVISION, "[ARange] step must not be 0");
    const int64_t n = {count};
    if (n < 0)
        return pt_fail(ctx, PT_VALUE_ERROR, "[ARange] the length is not a number that fits");
    z0->shape[0] = n;
{allocate(z)}{delta}\
    pt_heavy(ctx, (double)n);
    for (int64_t i = 0; i < n; i++)
        (({c_type(z.type.dtype)} *)z0->data)[i] = ({c_type(z.type.dtype)})({element});"""
    return CKernel(body, (_RANGE,))


@c_funcify.register(Eye)
def _eye(op, node=None, **kwargs):
    z = node.outputs[0]
    t = c_type(z.type.dtype)
    lengths = _lengths(node, 0)
    if t is None or lengths is None:
        return None
    n, m, k = (read_int(f"x{i}", x.type.dtype) for i, x in enumerate(node.inputs))
    body = f"""\
    z0->shape[0] = {n};
    z0->shape[1] = {m};
    const int64_t k = {k};
{allocate(z)}\
    memset(z0->data, 0, (size_t)(z0->shape[0] * z0->strides[0]));
    for (int64_t i = k < 0 ? -k : 0; i < z0->shape[0] && i + k < z0->shape[1]; i++)
        (({t} *)z0->data)[i * z0->shape[1] + i + k] = 1;"""
    return CKernel(body)


_EXCEPTIONS = {
    ValueError: "PT_VALUE_ERROR",
    TypeError: "PT_TYPE_ERROR",
    IndexError: "PT_INDEX_ERROR",
    ZeroDivisionError: "PT_ZERO_DIVISION",
    OverflowError: "PT_OVERFLOW",
    NotImplementedError: "PT_NOT_IMPLEMENTED",
    RuntimeError: "PT_RUNTIME_ERROR",
    AssertionError: "PT_ASSERTION_ERROR",
}


def _c_string(text: str) -> str:
    """Return a C string literal; everything but plain characters is written in octal."""
    return '"' + "".join(
        chr(b) if chr(b).isalnum() or chr(b) in " .,:;()[]=<>_-'" else f"\\{b:03o}"
        for b in text.encode()
        if b
    ) + '"'  # fmt: skip


@c_funcify.register(CheckAndRaise)
def _check_and_raise(op, node=None, **kwargs):
    value, *conditions = node.inputs
    kind = _EXCEPTIONS.get(op.exc_type)
    message = str(op.msg)
    # The context keeps about a thousand bytes of message; Python has room for more.
    if kind is None or not hasattr(value.type, "numpy_dtype") or len(message.encode()) > 900:
        return None
    if any(c_type(c.type.dtype) is None for c in conditions) or not message.isascii():
        return None
    tests = " || ".join(
        f"!*(const {c_type(c.type.dtype)} *)x{i + 1}->data" for i, c in enumerate(conditions)
    )
    body = f"""\
    if ({tests or "0"})
        return pt_fail(ctx, {kind}, "%s", {_c_string(message)});
    pt_view(z0, x0, {value.type.ndim});"""
    return CKernel(body, views={0: 0})
