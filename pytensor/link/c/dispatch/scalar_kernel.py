"""Kernels that compute single elements: scalar Ops, and Elemwise on 0-d tensors."""

import numpy as np

from pytensor.link.c.dispatch.basic import CKernel, c_funcify, value_type
from pytensor.link.c.dispatch.scalar import flags_of, scalar_code
from pytensor.link.c.interpreter import (
    VM_SCALAR,
    Interpreted,
    Record,
    encode,
    loop_of,
    safe_name,
)
from pytensor.scalar.basic import ScalarOp


@c_funcify.register(ScalarOp)
def _scalar_op(op, node=None, **kwargs):
    """A scalar Op on scalars: values are 0-d arrays."""
    in_dtypes = [x.type.dtype for x in node.inputs]
    out_dtypes = [z.type.dtype for z in node.outputs]
    return scalar_kernel(op, in_dtypes, out_dtypes)


def scalar_kernel(op, in_dtypes, out_dtypes, destroys=None) -> CKernel | None:
    """Return the kernel that computes single elements."""
    code = scalar_code(op, in_dtypes, out_dtypes, [f"a{i}" for i in range(len(in_dtypes))])
    if code is None:
        return None
    lines = [
        f"const {value_type(d)} a{i} = *(const {value_type(d)} *)x{i}->data;"
        for i, d in enumerate(in_dtypes)
    ]
    lines += code.lines
    destroys = destroys or {}
    fresh = [j for j in range(len(out_dtypes)) if j not in destroys]
    if fresh:
        lines.append("int status;")
    for j in fresh:
        size = np.dtype(out_dtypes[j]).itemsize
        lines.append(f"if ((status = pt_alloc(ctx, z{j}, 0, {size})))\n        return status;")
    lines += [f"pt_view(z{j}, x{i}, 0);" for j, i in destroys.items()]
    lines += [
        f"*({value_type(d)} *)z{j}->data = {value};"
        for j, (d, value) in enumerate(zip(out_dtypes, code.results))
    ]
    return CKernel(
        "\n".join(f"    {line}" for line in lines),
        code.sources,
        destroys=destroys,
        flags=flags_of(code.sources),
        functions=code.functions,
        interpreted=_interpreted(op, in_dtypes, out_dtypes, code.cost, destroys),
    )


def _interpreted(op, in_dtypes, out_dtypes, cost, destroys) -> Interpreted | None:
    over = [j in destroys for j in range(len(out_dtypes))]
    loop = loop_of(op, in_dtypes, out_dtypes, [True] * len(in_dtypes), over, single=True)
    if loop is None:
        return None
    into = [destroys.get(j, -1) for j in range(len(out_dtypes))] if destroys else ()
    record = Record(safe_name(str(op)), 0, cost, in_dtypes, out_dtypes, destroys=into)
    return encode(VM_SCALAR, record, loop)
