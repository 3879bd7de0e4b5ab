"""Kernels that compute single elements: scalar Ops, and Elemwise on 0-d tensors."""

import functools

import numpy as np

from pytensor.link.c.dispatch.basic import CKernel, LaterKernel, c_funcify, value_type
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
    destroys = destroys or {}
    make = functools.partial(_native, op, in_dtypes, out_dtypes, destroys)
    found = _interpreted(op, in_dtypes, out_dtypes, destroys)
    if found is None:
        return make()
    interpreted, flags = found
    return LaterKernel(make, interpreted, destroys=destroys, flags=flags)


def _native(op, in_dtypes, out_dtypes, destroys) -> CKernel | None:
    """Return the kernel in C."""
    code = scalar_code(op, in_dtypes, out_dtypes, [f"a{i}" for i in range(len(in_dtypes))])
    if code is None:
        return None
    lines = [
        f"const {value_type(d)} a{i} = *(const {value_type(d)} *)x{i}->data;"
        for i, d in enumerate(in_dtypes)
    ]
    lines += code.lines
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
    )


def _interpreted(op, in_dtypes, out_dtypes, destroys) -> tuple[Interpreted, tuple[str, ...]] | None:
    """Return the kernel for the interpreter, and its flags."""
    over = [j in destroys for j in range(len(out_dtypes))]
    loop = loop_of(op, in_dtypes, out_dtypes, [True] * len(in_dtypes), over, single=True)
    if loop is None:
        return None
    into = [destroys.get(j, -1) for j in range(len(out_dtypes))] if destroys else ()
    record = Record(safe_name(str(op)), 0, loop.cost, in_dtypes, out_dtypes, destroys=into)
    interpreted = encode(VM_SCALAR, record, loop)
    return None if interpreted is None else (interpreted, flags_of(loop.sources))
