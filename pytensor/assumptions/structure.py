"""What constants, operations and factorizations say of their results.

Products with zeros count as zeros, as everywhere in rewriting, though ``0 * inf`` is NaN.
"""

from __future__ import annotations

import numpy as np

from pytensor.assumptions.bundles import register_matrix_property_rules, swaps_matrices
from pytensor.assumptions.core import (
    DIAGONAL,
    LOWER_TRIANGULAR,
    MATRIX_KEYS,
    ORTHOGONAL,
    PERMUTATION,
    POSITIVE_DEFINITE,
    SELECTION,
    SYMMETRIC,
    TRIDIAGONAL,
    UNIQUE_INDICES,
    UNIT_MAGNITUDE,
    UPPER_TRIANGULAR,
    FactState,
    all_inputs_have_key,
    register_assumption,
    register_constant_inference,
    true_if,
)
from pytensor.graph.basic import Constant, Variable
from pytensor.scalar import basic as ps
from pytensor.scalar.math import Sigmoid, Softplus
from pytensor.tensor.basic import Alloc, AllocDiag, ARange, Eye
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.masks import LOWER, UPPER, masked_triangle, number_of
from pytensor.tensor.subtensor import AdvancedIncSubtensor

ZEROS = (DIAGONAL, LOWER_TRIANGULAR, UPPER_TRIANGULAR, TRIDIAGONAL)
_TRANSPOSED = {LOWER_TRIANGULAR: UPPER_TRIANGULAR, UPPER_TRIANGULAR: LOWER_TRIANGULAR}
UNKNOWN = [FactState.UNKNOWN]

# Functions that are 0 at 0, and those that are even.
_ZERO_AT_ZERO = (
    ps.Abs, ps.ArcSin, ps.ArcSinh, ps.ArcTan, ps.ArcTanh, ps.Cast, ps.Ceil, ps.Conj, ps.Expm1,
    ps.Floor, ps.Identity, ps.Imag, ps.Log1p, ps.Neg, ps.Real, ps.Sign, ps.Sin, ps.Sinh, ps.Sqr,
    ps.Sqrt, ps.Tan, ps.Tanh, ps.Trunc,
)  # fmt: skip
_EVEN = (ps.Abs, ps.Sqr, ps.Cos, ps.Cosh)
_POSITIVE = (ps.Exp, ps.Exp2, ps.Cosh, Softplus, Sigmoid)

for _key in MATRIX_KEYS:
    register_matrix_property_rules(_key)


def on(keys, *op_types):
    """Register one rule for several properties."""

    def decorate(rule):
        for key in keys:
            register_assumption(key, *op_types)(rule)
        return rule

    return decorate


def is_matrix(var: Variable) -> bool:
    """Tell whether the last two axes are there, and do not broadcast."""
    return var.type.ndim >= 2 and not any(var.type.broadcastable[-2:])


def is_uniform(var: Variable) -> bool:
    """Tell whether a variable is one number for each matrix of a stack."""
    return all(var.type.broadcastable[-2:])


def transpose_of(var: Variable) -> Variable | None:
    """Return what `var` is the transpose of."""
    node = var.owner
    if node is None or not isinstance(node.op, DimShuffle) or not swaps_matrices(node.op):
        return None
    return node.inputs[0] if node.inputs[0].type.ndim == var.type.ndim else None


def are_transposed(a: Variable, b: Variable) -> bool:
    """Tell whether two variables are transposes of each other, by how they are made."""
    if transpose_of(a) is b or transpose_of(b) is a:
        return True
    return _outer_axis(a) is not None and _outer_axis(a) == _outer_axis(b, swap=True)


def _outer_axis(var: Variable, swap: bool = False):
    """Describe a vector along rows or columns, ``x[:, None]`` or ``x[None, :]``."""
    node = var.owner
    if node is None or not isinstance(node.op, DimShuffle) or "x" not in node.op.new_order[-2:]:
        return None
    *batch, rows, columns = node.op.new_order
    if (rows == "x") == (columns == "x"):
        return None
    order = (*batch, columns, rows) if swap else (*batch, rows, columns)
    return (node.inputs[0], order)


def is_positive(var: Variable) -> bool:
    """Tell whether all elements are positive, by how they are made."""
    for _ in range(8):
        number = number_of(var)
        if number is not None:
            return np.isreal(number) and number > 0
        node = var.owner
        if node is None:
            return False
        if isinstance(node.op, DimShuffle | Alloc):
            var = node.inputs[0]
            continue
        scalar = getattr(node.op, "scalar_op", None)
        if isinstance(node.op, Elemwise) and isinstance(scalar, ps.Add | ps.Mul):
            return all(is_positive(x) for x in node.inputs)
        return isinstance(node.op, Elemwise) and isinstance(scalar, _POSITIVE)
    return False


# -- constants -----------------------------------------------------------------------------


def _of_data(test):
    def infer(var) -> FactState:
        data = var.data
        if np.ndim(data) < 2 or data.size > 1_000_000:
            return FactState.UNKNOWN
        if data.shape[-1] != data.shape[-2]:
            return FactState.UNKNOWN
        return FactState.TRUE if test(data) else FactState.FALSE

    return infer


def _band(data, below: int, above: int) -> bool:
    return not np.tril(data, -below - 1).any() and not np.triu(data, above + 1).any()


register_constant_inference(DIAGONAL, _of_data(lambda x: _band(x, 0, 0)))
register_constant_inference(TRIDIAGONAL, _of_data(lambda x: _band(x, 1, 1)))
register_constant_inference(LOWER_TRIANGULAR, _of_data(lambda x: not np.triu(x, 1).any()))
register_constant_inference(UPPER_TRIANGULAR, _of_data(lambda x: not np.tril(x, -1).any()))
register_constant_inference(
    SYMMETRIC, _of_data(lambda x: np.array_equal(x, np.swapaxes(x, -1, -2).conj()))
)


def _columns_with_one(x, both: bool) -> bool:
    zero_or_one = ((x == 0) | (x == 1)).all() and (x.sum(axis=-2) == 1).all()
    return bool(zero_or_one and (not both or (x.sum(axis=-1) == 1).all()))


register_constant_inference(PERMUTATION, _of_data(lambda x: _columns_with_one(x, True)))
register_constant_inference(SELECTION, _of_data(lambda x: _columns_with_one(x, False)))


def _unique(var) -> FactState:
    data = np.ravel(var.data)
    if data.dtype.kind not in "iu" or data.size > 1_000_000:
        return FactState.UNKNOWN
    if len(np.unique(data)) != len(data):
        return FactState.FALSE
    same_sign = (data >= 0).all() or (data < 0).all()
    return FactState.TRUE if same_sign else FactState.UNKNOWN


register_constant_inference(UNIQUE_INDICES, _unique)
register_constant_inference(
    UNIT_MAGNITUDE,
    lambda var: FactState.TRUE if (np.abs(var.data) == 1).all() else FactState.FALSE,
)


# -- arrays that are made ------------------------------------------------------------------


def _same_length(n, m) -> bool:
    if n is m:
        return True
    known = number_of(n)
    return known is not None and known == number_of(m)


@on(MATRIX_KEYS, Eye)
def _eye(key, op, feature, fgraph, node, input_states):
    n, m, k = node.inputs
    offset = number_of(k)
    if offset is None or not _same_length(n, m):
        return UNKNOWN
    if offset == 0:
        return [FactState.TRUE]
    if key == TRIDIAGONAL:
        return true_if(abs(offset) == 1)
    return true_if(key == (UPPER_TRIANGULAR if offset > 0 else LOWER_TRIANGULAR))


@on((*ZEROS, SYMMETRIC, POSITIVE_DEFINITE), AllocDiag)
def _alloc_diag(key, op, feature, fgraph, node, input_states):
    n = node.outputs[0].type.ndim
    if (op.axis1, op.axis2) != (n - 2, n - 1):
        return UNKNOWN
    if key == POSITIVE_DEFINITE:
        return true_if(op.offset == 0 and is_positive(node.inputs[0]))
    if op.offset == 0:
        return [FactState.TRUE]
    if key == TRIDIAGONAL:
        return true_if(abs(op.offset) == 1)
    return true_if(key == (UPPER_TRIANGULAR if op.offset > 0 else LOWER_TRIANGULAR))


@on((*ZEROS, SYMMETRIC), Alloc)
def _alloc(key, op, feature, fgraph, node, input_states):
    value, out = node.inputs[0], node.outputs[0]
    if not is_uniform(value) or out.type.ndim < 2:
        return UNKNOWN
    rows, columns = out.type.shape[-2:]
    square = rows is not None and rows == columns
    return true_if(square and (key == SYMMETRIC or number_of(value) == 0))


@register_assumption(UNIQUE_INDICES, ARange)
def _arange(key, op, feature, fgraph, node, input_states):
    start, _stop, step = map(number_of, node.inputs)
    return true_if(start is not None and step is not None and start >= 0 and step > 0)


# -- elementwise ---------------------------------------------------------------------------


@on(ZEROS, Elemwise)
def _elemwise_zeros(key, op, feature, fgraph, node, input_states):
    scalar, inputs = op.scalar_op, node.inputs
    if isinstance(scalar, ps.Mul):
        return true_if(any(is_matrix(x) and feature.check(x, key) for x in inputs))
    if isinstance(scalar, ps.Switch):
        masked = masked_triangle(node.outputs[0])
        if masked is not None:
            wanted = {LOWER_TRIANGULAR: LOWER, UPPER_TRIANGULAR: UPPER}.get(key, LOWER | UPPER)
            if key != TRIDIAGONAL and masked[1] & wanted == wanted:
                return [FactState.TRUE]
            inputs = [masked[0]]
        else:
            inputs = inputs[1:]
    elif isinstance(scalar, ps.TrueDiv | ps.Pow):
        exponent = number_of(inputs[1]) if isinstance(scalar, ps.Pow) else 1
        if not is_uniform(inputs[1]) or exponent is None or not exponent > 0:
            return UNKNOWN
        inputs = inputs[:1]
    elif not isinstance(scalar, _ZERO_AT_ZERO + (ps.Add, ps.Sub)):
        return UNKNOWN
    return true_if(all(is_matrix(x) and feature.check(x, key) for x in inputs))


@register_assumption(SYMMETRIC, Elemwise)
def _elemwise_symmetric(key, op, feature, fgraph, node, input_states):
    inputs, scalar = node.inputs, op.scalar_op
    if node.outputs[0].type.ndim < 2 or any(x.type.dtype.startswith("complex") for x in inputs):
        return UNKNOWN
    if len(inputs) == 1 and isinstance(scalar, _EVEN) and _is_antisymmetric(inputs[0]):
        return [FactState.TRUE]
    if len(inputs) == 2 and isinstance(scalar, ps.Pow) and _is_antisymmetric(inputs[0]):
        exponent = number_of(inputs[1])
        return true_if(exponent is not None and exponent % 2 == 0)
    rest = [x for x in inputs if not is_uniform(x) and not feature.check(x, key)]
    if len(rest) == 2 and isinstance(scalar, ps.Add | ps.Mul):
        return true_if(are_transposed(*rest))
    return true_if(not rest and len(inputs) > 0 and any(map(is_matrix, inputs)))


def _is_antisymmetric(var: Variable) -> bool:
    """``x - x.T``, also as ``x[:, None] - x[None, :]``."""
    node = var.owner
    scalar = getattr(getattr(node, "op", None), "scalar_op", None)
    return isinstance(scalar, ps.Sub) and are_transposed(*node.inputs)


@register_assumption(POSITIVE_DEFINITE, Elemwise)
def _elemwise_positive_definite(key, op, feature, fgraph, node, input_states):
    """Sums of positive definite matrices, and multiples by positive numbers."""
    matrices = [x for x in node.inputs if is_matrix(x)]
    if not matrices or not all(feature.check(x, key) for x in matrices):
        return UNKNOWN
    if isinstance(op.scalar_op, ps.Add):
        return true_if(len(matrices) == len(node.inputs))
    others = [x for x in node.inputs if not is_matrix(x)]
    if isinstance(op.scalar_op, ps.Mul) or (
        isinstance(op.scalar_op, ps.TrueDiv) and matrices == node.inputs[:1]
    ):
        # The elementwise product of positive definite matrices is one too (Schur 1911)
        return true_if(all(is_uniform(x) and is_positive(x) for x in others))
    return UNKNOWN


@register_assumption(UNIT_MAGNITUDE, Elemwise)
def _elemwise_unit(key, op, feature, fgraph, node, input_states):
    if not isinstance(op.scalar_op, ps.Mul | ps.Neg | ps.Abs | ps.TrueDiv | ps.Conj):
        return UNKNOWN
    return all_inputs_have_key(key, op, feature, fgraph, node, input_states)


@register_assumption(ORTHOGONAL, Elemwise)
def _elemwise_orthogonal(key, op, feature, fgraph, node, input_states):
    return true_if(isinstance(op.scalar_op, ps.Neg) and input_states[0] is FactState.TRUE)


# -- transposes and products ---------------------------------------------------------------


@on([key for key in MATRIX_KEYS if key != SELECTION], DimShuffle)
def _transpose(key, op, feature, fgraph, node, input_states):
    if not swaps_matrices(op):
        return UNKNOWN
    return true_if(feature.check(node.inputs[0], _TRANSPOSED.get(key, key)))


@on((DIAGONAL, LOWER_TRIANGULAR, UPPER_TRIANGULAR, ORTHOGONAL, PERMUTATION, SELECTION), Dot)
def _product(key, op, feature, fgraph, node, input_states):
    if any(x.type.ndim < 2 for x in node.inputs):
        return UNKNOWN
    return all_inputs_have_key(key, op, feature, fgraph, node, input_states)


@register_assumption(POSITIVE_DEFINITE, Dot)
def _product_with_transpose(key, op, feature, fgraph, node, input_states):
    """``x @ x.T`` and ``x @ A @ x.T``: if x has full rank, which is taken for granted."""
    left, right = node.inputs
    if left.type.ndim < 2 or right.type.ndim < 2:
        return UNKNOWN
    if is_adjoint(left, right):
        return [FactState.TRUE]
    for outer, inner in ((left, right), (right, left)):
        made_by = inner.owner
        if made_by is None or not isinstance(getattr(made_by.op, "core_op", made_by.op), Dot):
            continue
        first, last = made_by.inputs
        middle, end = (first, last) if outer is left else (last, first)
        if is_adjoint(outer, end) and feature.check(middle, key):
            return [FactState.TRUE]
    return UNKNOWN


def is_adjoint(a: Variable, b: Variable) -> bool:
    """Tell whether two matrices are (conjugate) transposes of each other, by how they are made."""
    if not a.type.dtype.startswith("complex"):
        return transpose_of(a) is b or transpose_of(b) is a
    return _adjoint_of(a) is b or _adjoint_of(b) is a


def _adjoint_of(var: Variable) -> Variable | None:
    turned, conjugated = False, False
    for _ in range(2):
        source = transpose_of(var)
        if source is not None and not turned:
            var, turned = source, True
            continue
        node = var.owner
        scalar = getattr(getattr(node, "op", None), "scalar_op", None)
        if isinstance(scalar, ps.Conj) and not conjugated:
            var, conjugated = node.inputs[0], True
    return var if turned and conjugated else None


# -- writes --------------------------------------------------------------------------------


@on((DIAGONAL, LOWER_TRIANGULAR, UPPER_TRIANGULAR, TRIDIAGONAL), AdvancedIncSubtensor)
def _write_by_indices(key, op, feature, fgraph, node, input_states):
    """Elements at constant rows and columns on the right side, as of a packed triangle."""
    n = node.outputs[0].type.ndim
    indices = [x for x in node.inputs[2:] if isinstance(x, Constant)]
    whole = [isinstance(entry, slice) and entry == slice(None) for entry in op.idx_list]
    if input_states[0] is not FactState.TRUE or len(op.idx_list) != n or len(indices) != 2:
        return UNKNOWN
    if len(node.inputs) != 4 or not all(whole[:-2]) or any(whole[-2:]):
        return UNKNOWN
    rows, columns = (np.asarray(x.data) for x in indices)
    if rows.dtype.kind not in "iu" or columns.dtype.kind not in "iu":
        return UNKNOWN
    if min(rows.min(initial=0), columns.min(initial=0)) < 0:
        return UNKNOWN
    distance = rows.astype("int64") - columns.astype("int64")
    inside = {
        DIAGONAL: distance == 0,
        LOWER_TRIANGULAR: distance >= 0,
        UPPER_TRIANGULAR: distance <= 0,
        TRIDIAGONAL: abs(distance) <= 1,
    }[key]
    return true_if(bool(inside.all()))
