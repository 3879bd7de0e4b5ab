"""Kernels of Ops that look at shapes or change them."""

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify, c_type
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.type_other import NoneTypeT

COPY = Source(C_CODE, "copy.h")


def read_int(name: str, dtype: str, offset: str = "") -> str:
    """Return a C expression for an integer element as int64."""
    return f"(int64_t)*(const {c_type(dtype)} *)({name}->data{offset})"


@c_funcify.register(DimShuffle)
def _dimshuffle(op, node=None, **kwargs):
    lines = [
        f"    if (x0->shape[{axis}] != 1)\n"
        '        return pt_fail(ctx, PT_VALUE_ERROR, "[DimShuffle] cannot select an axis to '
        f'squeeze out which has size not equal to one: axis {axis} of length %lld", '
        f"(long long)x0->shape[{axis}]);"
        for axis in op.drop
    ]
    lines.append("    z0->data = x0->data;")
    itemsize = node.outputs[0].type.numpy_dtype.itemsize
    for i, axis in enumerate(op.new_order):
        # The stride of a new axis does not matter; this one keeps contiguous arrays contiguous.
        length, stride = ("1", str(itemsize)) if axis == "x" else (
            f"x0->shape[{axis}]",
            f"x0->strides[{axis}]",
        )  # fmt: skip
        lines.append(f"    z0->shape[{i}] = {length}; z0->strides[{i}] = {stride};")
    return CKernel("\n".join(lines), views={0: 0})


@c_funcify.register(Reshape)
def _reshape(op, node=None, **kwargs):
    x, shp = node.inputs
    if c_type(shp.type.dtype) is None:
        return None
    entry = read_int("x1", shp.type.dtype, " + i * x1->strides[0]")
    body = f"""\
    if (x1->shape[0] != {op.ndim})
        return pt_fail(ctx, PT_VALUE_ERROR, "[Reshape] the new shape must have {op.ndim} entries, "
                       "got %lld", (long long)x1->shape[0]);
    int64_t shape[{op.ndim + 1}];
    for (int i = 0; i < {op.ndim}; i++)
        shape[i] = {entry};
    return pt_reshape(ctx, x0, {x.type.ndim}, z0, shape, {op.ndim}, {x.type.numpy_dtype.itemsize});"""
    return CKernel(body, (Source(C_CODE, "reshape.h"),), views={0: 0}, copies=(0,))


@c_funcify.register(JoinDims)
def _join_dims(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    start, n = op.start_axis, op.n_axes
    lines = [f"    int64_t shape[{z.type.ndim + 1}];"]
    axis = 0
    for i in range(z.type.ndim):
        width = n if i == start else 1
        product = " * ".join(f"x0->shape[{k}]" for k in range(axis, axis + width)) or "1"
        lines.append(f"    shape[{i}] = {product};")
        axis += width
    lines.append(
        f"    return pt_reshape(ctx, x0, {x.type.ndim}, z0, shape, {z.type.ndim}, "
        f"{x.type.numpy_dtype.itemsize});"
    )
    source = (Source(C_CODE, "reshape.h"),)
    return CKernel("\n".join(lines), source, views={0: 0}, copies=(0,))


@c_funcify.register(SplitDims)
def _split_dims(op, node=None, **kwargs):
    x, parts = node.inputs
    z = node.outputs[0]
    n = z.type.ndim - x.type.ndim + 1
    if c_type(parts.type.dtype) is None:
        return None
    entry = read_int("x1", parts.type.dtype, " + i * x1->strides[0]")
    body = f"""\
    if (x1->shape[0] != {n})
        return pt_fail(ctx, PT_VALUE_ERROR, "[SplitDims] shape must have {n} entries, got %lld",
                       (long long)x1->shape[0]);
    int64_t shape[{z.type.ndim + 1}], product = 1;
    int open = 0;
    for (int i = 0; i < {op.axis}; i++)
        shape[i] = x0->shape[i];
    for (int i = 0; i < {n}; i++) {{
        shape[{op.axis} + i] = {entry};
        open |= shape[{op.axis} + i] == -1;
        product *= shape[{op.axis} + i];
    }}
    for (int i = {op.axis + 1}; i < {x.type.ndim}; i++)
        shape[{n - 1} + i] = x0->shape[i];
    if (!open && product != x0->shape[{op.axis}])
        return pt_fail(ctx, PT_VALUE_ERROR, "[SplitDims] axis {op.axis} of length %lld cannot be "
                       "split into lengths with product %lld",
                       (long long)x0->shape[{op.axis}], (long long)product);
    return pt_reshape(ctx, x0, {x.type.ndim}, z0, shape, {z.type.ndim}, {x.type.numpy_dtype.itemsize});"""
    return CKernel(body, (Source(C_CODE, "reshape.h"),), views={0: 0}, copies=(0,))


@c_funcify.register(Shape)
def _shape(op, node=None, **kwargs):
    ndim = node.inputs[0].type.ndim
    lines = [
        f"    z0->shape[0] = {ndim};",
        "    int status = pt_alloc(ctx, z0, 1, 8);",
        "    if (status)",
        "        return status;",
        *(f"    ((int64_t *)z0->data)[{i}] = x0->shape[{i}];" for i in range(ndim)),
    ]
    return CKernel("\n".join(lines))


@c_funcify.register(Shape_i)
def _shape_i(op, node=None, **kwargs):
    return CKernel(
        f"""\
    int status = pt_alloc(ctx, z0, 0, 8);
    if (status)
        return status;
    *(int64_t *)z0->data = x0->shape[{op.i}];"""
    )


@c_funcify.register(SpecifyShape)
def _specify_shape(op, node=None, **kwargs):
    x, *entries = node.inputs
    unused, lines = [], []
    for axis, entry in enumerate(entries):
        if isinstance(entry.type, NoneTypeT):
            unused.append(axis + 1)
            continue
        want = read_int(f"x{axis + 1}", entry.type.dtype)
        lines.append(
            f"    if (x0->shape[{axis}] != {want})\n"
            '        return pt_fail(ctx, PT_ASSERTION_ERROR, "SpecifyShape: dim '
            f'{axis} of input has shape %lld, expected %lld.", (long long)x0->shape[{axis}], '
            f"(long long)({want}));"
        )
    lines.append(f"    pt_view(z0, x0, {x.type.ndim});")
    return CKernel("\n".join(lines), views={0: 0}, unused=tuple(unused))
