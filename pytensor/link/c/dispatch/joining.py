"""Kernels of Join and Split."""

from pytensor.link.c.dispatch.alloc import allocate
from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY, read_int
from pytensor.tensor.basic import Join, Split


@c_funcify.register(Join)
def _join(op, node=None, **kwargs):
    z = node.outputs[0]
    ndim, itemsize, axis = z.type.ndim, z.type.numpy_dtype.itemsize, op.axis
    if any(x.type.dtype != z.type.dtype for x in node.inputs):
        return None
    n = len(node.inputs)
    table = ", ".join(f"x{i}" for i in range(n))
    body = f"""\
    const pt_array *const x[{n}] = {{{table}}};
    pt_same_shape(z0, x0, {ndim});
    for (int i = 1; i < {n}; i++) {{
        for (int k = 0; k < {ndim}; k++)
            if (k != {axis} && x[i]->shape[k] != x0->shape[k])
                return pt_fail(ctx, PT_VALUE_ERROR,
                               "[Join] all the input array dimensions except for the concatenation "
                               "axis ({axis}) must match exactly, got length %lld and %lld on axis "
                               "%d of inputs 0 and %d",
                               (long long)x0->shape[k], (long long)x[i]->shape[k], k, i);
        z0->shape[{axis}] += x[i]->shape[{axis}];
    }}
{allocate(z)}\
    pt_heavy(ctx, (double)pt_size(z0, {ndim}));
    char *at = z0->data;
    for (int i = 0; i < {n}; i++) {{
        pt_copy(at, z0->strides, x[i]->data, x[i]->strides, x[i]->shape, {ndim}, {itemsize});
        at += z0->strides[{axis}] * x[i]->shape[{axis}];
    }}"""
    return CKernel(body, (COPY,))


@c_funcify.register(Split)
def _split(op, node=None, **kwargs):
    x, splits = node.inputs
    n, axis = op.len_splits, op.axis
    if c_type(splits.type.dtype) is None or n == 0:
        return None
    table = ", ".join(f"z{i}" for i in range(n))
    entry = read_int("x1", splits.type.dtype, " + i * x1->strides[0]")
    body = f"""\
    pt_array *const z[{n}] = {{{table}}};
    int64_t start = 0;
    if (x1->shape[0] != {n})
        return pt_fail(ctx, PT_VALUE_ERROR,
                       "Length of splits is not equal to n_splits, got %lld and {n}",
                       (long long)x1->shape[0]);
    for (int i = 0; i < {n}; i++) {{
        const int64_t length = {entry};
        if (length < 0)
            return pt_fail(ctx, PT_VALUE_ERROR, "Split sizes cannot be negative");
        pt_view(z[i], x0, {x.type.ndim});
        z[i]->data += start * x0->strides[{axis}];
        z[i]->shape[{axis}] = length;
        start += length;
    }}
    if (start != x0->shape[{axis}])
        return pt_fail(ctx, PT_VALUE_ERROR, "Split sizes sum to %lld; expected %lld (axis {axis})",
                       (long long)start, (long long)x0->shape[{axis}]);"""
    return CKernel(body, views={i: 0 for i in range(n)})
