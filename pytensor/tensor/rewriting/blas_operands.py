"""What is done to the operands of a product: one cast to the common dtype, conjugates in the call."""

from __future__ import annotations

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import cast
from pytensor.tensor.blas import Dot22, Dot22Scalar, Gemm, Gemv, Ger
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.algebra import retyped
from pytensor.tensor.rewriting.blas_matchers import BLAS_DTYPES, without_conjugate
from pytensor.tensor.rewriting.registry import register_blas, register_blas_prepare
from pytensor.tensor.type import integer_dtypes

# The dtypes that there are calls or compiled loops for.
_DTYPES = BLAS_DTYPES.union(integer_dtypes)


@register_blas_prepare
@node_rewriter([Dot, Blockwise])
def local_cast_operands_of_dot(fgraph, node):
    """Cast the operand of the smaller dtype once: a call takes one dtype, a loop casts each time.

    So it is with integers, whose loops are compiled for two operands of one dtype. The cast goes under transposes, so that a matrix read both ways is cast once.
    """
    core = node.op.core_op if isinstance(node.op, Blockwise) else node.op
    if not isinstance(core, Dot):
        return None
    dtype = node.outputs[0].type.dtype
    if dtype not in _DTYPES or all(v.type.dtype == dtype for v in node.inputs):
        return None
    new = node.op(*(_cast_below_transposes(fgraph, v, dtype) for v in node.inputs))
    copy_stack_trace(node.outputs[0], new)
    return [retyped(node.outputs[0], new)]


def _cast_below_transposes(fgraph, var: Variable, dtype: str) -> Variable:
    if var.type.dtype == dtype:
        return var
    node = var.owner
    if node is not None and isinstance(node.op, DimShuffle):
        return node.op(_cast_below_transposes(fgraph, node.inputs[0], dtype))
    if fgraph is not None and not isinstance(var, Constant):
        # Another product may have cast it already.
        for reader, _ in fgraph.clients.get(var, ()):
            if isinstance(reader.op, Elemwise) and len(reader.inputs) == 1:
                out = reader.outputs[0]
                if reader.op == cast(var, dtype).owner.op:
                    return out
    return cast(var, dtype)


# The operands that each op can conjugate: by the name in `conj`, their place among the inputs.
_OPERANDS = {
    Gemm: {"x": 2, "y": 3},
    Dot22: {"x": 0, "y": 1},
    Dot22Scalar: {"x": 0, "y": 1},
    Gemv: {"A": 2},
    Ger: {"x": 2, "y": 3},
}


@register_blas
@node_rewriter(list(_OPERANDS))
def local_conjugate_into_call(fgraph, node):
    """``conj(X) @ Y``: the library conjugates as it reads."""
    op = node.op
    if not node.outputs[0].type.dtype.startswith("complex") or type(op) not in _OPERANDS:
        return None

    def readers(var):
        return 1 if fgraph is None else len(fgraph.clients.get(var, ()))

    inputs, conjugated = list(node.inputs), op.conj
    for name, place in _OPERANDS[type(op)].items():
        plain = without_conjugate(inputs[place], readers)
        choice = _toggled(conjugated, name)
        if plain is not None and choice in op.conj_choices:
            inputs[place], conjugated = plain, choice
    if conjugated == op.conj:
        return None
    new = op.with_props(conj=conjugated)(*inputs)
    new = retyped(node.outputs[0], new)
    if new is None:
        return None
    new.tag.rule = getattr(node.outputs[0].tag, "rule", None)
    return [new]


def _toggled(conjugated: str, name: str) -> str:
    """Return the names in `conjugated` with `name` added, or taken away if it was there."""
    if name in conjugated:
        return conjugated.replace(name, "")
    return "".join(sorted(conjugated + name))
