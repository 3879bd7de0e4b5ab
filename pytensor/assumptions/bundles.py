"""Rules of inference that most properties of matrices share."""

from __future__ import annotations

from pytensor.assumptions.core import AssumptionKey, FactState, _install, true_if
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.shape import SpecifyShape
from pytensor.tensor.subtensor import Subtensor


def keeps_matrices(op: DimShuffle) -> bool:
    """Tell whether the last two axes stay the last two, in order."""
    n = op.input_ndim
    return n >= 2 and len(op.new_order) >= 2 and tuple(op.new_order[-2:]) == (n - 2, n - 1)


def swaps_matrices(op: DimShuffle) -> bool:
    """Tell whether the last two axes change places."""
    n = op.input_ndim
    return n >= 2 and len(op.new_order) >= 2 and tuple(op.new_order[-2:]) == (n - 1, n - 2)


def batch_only_dimshuffle(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """Axes of the batch may come, go and move."""
    return [input_states[0] if keeps_matrices(op) else FactState.UNKNOWN]


def batch_only_subtensor(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """Indices that leave the last two axes alone."""
    x = node.inputs[0]
    return [input_states[0] if len(op.idx_list) <= x.type.ndim - 2 else FactState.UNKNOWN]


def repeated_matrix(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """An `Alloc` that repeats matrices."""
    value = node.inputs[0]
    whole = value.type.ndim >= 2 and not any(value.type.broadcastable[-2:])
    return true_if(whole and input_states[0] is FactState.TRUE)


def same(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """What is known of the first input."""
    return [input_states[0]]


def register_matrix_property_rules(key: AssumptionKey) -> None:
    """Register the rules that a property of the last two axes wants: what leaves these alone.

    Parameters
    ----------
    key
        The property. It needs its own rule for the transpose.
    """
    _install(key, [DimShuffle], batch_only_dimshuffle)
    _install(key, [Subtensor], batch_only_subtensor)
    _install(key, [Alloc], repeated_matrix)
    _install(key, [SpecifyShape], same)
