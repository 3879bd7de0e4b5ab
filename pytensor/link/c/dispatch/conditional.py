"""Kernel of IfElse: copy the values of the branch taken; the other was skipped."""

from pytensor.ifelse import IfElse
from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.shape import COPY


@c_funcify.register(IfElse)
def _if_else(op, node=None, **kwargs):
    condition = node.inputs[0]
    t = c_type(getattr(condition.type, "dtype", ""))
    if t is None or op.as_view or not all(hasattr(z.type, "numpy_dtype") for z in node.outputs):
        return None
    lines = [f"    const int yes = *(const {t} *)x0->data != 0;", "    int status;"]
    for i, z in enumerate(node.outputs):
        ndim, itemsize = z.type.ndim, z.type.numpy_dtype.itemsize
        lines.append(f"""\
    const pt_array *from{i} = yes ? x{1 + i} : x{1 + op.n_outs + i};
    pt_same_shape(z{i}, from{i}, {ndim});
    if ((status = pt_alloc(ctx, z{i}, {ndim}, {itemsize})))
        return status;
    pt_heavy(ctx, (double)pt_size(z{i}, {ndim}));
    pt_copy(z{i}->data, z{i}->strides, from{i}->data, from{i}->strides, z{i}->shape, {ndim}, {itemsize});""")
    return CKernel("\n".join(lines), (COPY,))
