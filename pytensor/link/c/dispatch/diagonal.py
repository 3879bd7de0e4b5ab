"""Kernels of diagonals: a view of one, and arrays that are zero beside one."""

from pytensor.link.c.dispatch.alloc import allocate
from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY
from pytensor.tensor._diag import AllocDiag, ExtractDiag, SetDiag

# A diagonal of `whole` as an array of its own: its start, shape and strides.
_DIAGONAL = """\
    int64_t shape[{n}], strides[{n}];
    int64_t length = {whole}->shape[{rows}] - ({below}), across = {whole}->shape[{cols}] - ({above});
    length = length < across ? length : across;
    length = length < 0 ? 0 : length;
{others}\
    shape[{last}] = length;
    strides[{last}] = {whole}->strides[{rows}] + {whole}->strides[{cols}];
    char *const start = {whole}->data + (length ? {below} * {whole}->strides[{rows}] + {above} * {whole}->strides[{cols}] : 0);
"""
_OTHER = "    shape[{i}] = {whole}->shape[{axis}]; strides[{i}] = {whole}->strides[{axis}];\n"


def _diagonal(op, whole: str, ndim: int) -> str:
    """Return lines that describe the diagonal of an array with `ndim` axes."""
    axes = [axis for axis in range(ndim) if axis not in (op.axis1, op.axis2)]
    others = [_OTHER.format(i=i, axis=axis, whole=whole) for i, axis in enumerate(axes)]
    return _DIAGONAL.format(
        n=ndim - 1,
        last=ndim - 2,
        whole=whole,
        rows=op.axis1,
        cols=op.axis2,
        below=max(-op.offset, 0),
        above=max(op.offset, 0),
        others="".join(others),
    )


@c_funcify.register(ExtractDiag)
def _extract_diag(op, node=None, **kwargs):
    z = node.outputs[0]
    ndim, itemsize = z.type.ndim, z.type.numpy_dtype.itemsize
    body = _diagonal(op, "x0", ndim + 1)
    body += f"    memcpy(z0->shape, shape, {ndim} * sizeof *shape);\n"
    if op.view:
        body += f"""\
    memcpy(z0->strides, strides, {ndim} * sizeof *strides);
    z0->data = start;"""
        return CKernel(body, views={0: 0})
    body += f"""\
{allocate(z)}\
    pt_copy(z0->data, z0->strides, start, strides, shape, {ndim}, {itemsize});"""
    return CKernel(body, (COPY,))


def _fill_diagonal(op, node, value: str) -> str:
    """Return lines that make z0, whose shape is set, zero but for the diagonal."""
    z = node.outputs[0]
    ndim, itemsize = z.type.ndim, z.type.numpy_dtype.itemsize
    wrong = " || ".join(f"{value}->shape[{i}] != shape[{i}]" for i in range(ndim - 1))
    return f"""\
{allocate(z)}\
    memset(z0->data, 0, (size_t)(pt_size(z0, {ndim}) * {itemsize}));
{_diagonal(op, "z0", ndim)}\
    if ({wrong})
        return pt_fail(ctx, PT_VALUE_ERROR, "[{type(op).__name__}] the diagonal must have %lld elements, got %lld",
                (long long)length, (long long){value}->shape[{ndim - 2}]);
    pt_copy(start, strides, {value}->data, {value}->strides, shape, {ndim - 1}, {itemsize});"""


@c_funcify.register(AllocDiag)
def _alloc_diag(op, node=None, **kwargs):
    z = node.outputs[0]
    if c_type(z.type.dtype) is None:
        return None
    others = [axis for axis in range(z.type.ndim) if axis not in (op.axis1, op.axis2)]
    last = len(others)
    lines = [f"    z0->shape[{axis}] = x0->shape[{i}];\n" for i, axis in enumerate(others)]
    lines += [
        f"    z0->shape[{axis}] = x0->shape[{last}] + {abs(op.offset)};\n"
        for axis in (op.axis1, op.axis2)
    ]
    return CKernel("".join(lines) + _fill_diagonal(op, node, "x0"), (COPY,))


@c_funcify.register(SetDiag)
def _set_diag(op, node=None, **kwargs):
    ndim = node.outputs[0].type.ndim
    body = f"    pt_same_shape(z0, x0, {ndim});\n" + _fill_diagonal(op, node, "x1")
    return CKernel(body, (COPY,))
