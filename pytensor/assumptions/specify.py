"""Declaring what is known of an array."""

from __future__ import annotations

from collections.abc import Mapping

from pytensor.assumptions.core import (
    KEY_REGISTRY,
    AssumptionKey,
    ConflictingAssumptionsError,
    FactState,
    register_universal_assumption,
)
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import as_tensor_variable

_OWN = tuple(KEY_REGISTRY)


class SpecifyAssumptions(Op):
    """Return the input, and declare what it is known to be. Rewriting takes it away.

    Parameters
    ----------
    assumptions
        What is known, by key.
    """

    __props__ = ("assumptions",)
    view_map = {0: [0]}

    def __init__(self, assumptions: Mapping[AssumptionKey, FactState]):
        items = assumptions.items() if isinstance(assumptions, Mapping) else assumptions
        items = list(items)
        names = [key for key, _ in items if not isinstance(key, AssumptionKey)]
        if names:
            raise TypeError(
                f"[SpecifyAssumptions] keys must be AssumptionKey objects, got {names}; "
                "use assume() to declare by name"
            )
        self.assumptions = tuple(sorted(items, key=lambda item: item[0].name))

    def __str__(self):
        facts = (("" if s is FactState.TRUE else "!") + k.name for k, s in self.assumptions)
        return f"{type(self).__name__}{{{', '.join(facts)}}}"

    def make_node(self, x):
        x = as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def pullback(self, inputs, outputs, cotangents):
        """The assumption does not constrain by what the input may change."""
        return [cotangents[0]]

    def pushforward(self, inputs, outputs, tangents):
        (dx,) = tangents
        return [disconnected_type() if isinstance(dx.type, DisconnectedType) else dx]


@_vectorize_node.register(SpecifyAssumptions)
def _vectorize_specify(op, node, batch_x):
    return op.make_node(batch_x)


@register_universal_assumption(SpecifyAssumptions)
def specify_assumption_rule(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """Return what is declared together with what is known of the input."""
    state = dict(op.assumptions).get(key, FactState.UNKNOWN) | input_states[0]
    if state == FactState.CONFLICT:
        raise ConflictingAssumptionsError(
            f"[SpecifyAssumptions] {node.inputs[0]} is declared {op} but known to be otherwise"
        )
    return [state]


def assume(
    x,
    diagonal: bool | None = None,
    lower_triangular: bool | None = None,
    upper_triangular: bool | None = None,
    symmetric: bool | None = None,
    positive_definite: bool | None = None,
    orthogonal: bool | None = None,
    selection: bool | None = None,
    permutation: bool | None = None,
    unique_indices: bool | None = None,
    tridiagonal: bool | None = None,
    unit_magnitude: bool | None = None,
    **assumptions: bool | None,
) -> Variable:
    """Return `x` with assertions about it, on which rewriting relies without checking them.

    Each is True, False (the property does not hold) or None (nothing is asserted).

    Parameters
    ----------
    x
        An array; properties of matrices are those of its last two axes.
    diagonal, lower_triangular, upper_triangular, tridiagonal
        Where it is zero.
    symmetric
        Equal to its transpose.
    positive_definite
        Symmetric (hermitian) with positive eigenvalues.
    orthogonal
        With a transpose (conjugated, for complex matrices) that is the inverse.
    selection, permutation
        One 1 in each column, other elements 0; also one in each row.
    unique_indices
        Indices that name no position twice.
    unit_magnitude
        Of absolute value 1.
    **assumptions
        Properties registered by others, by name.

    Examples
    --------
    >>> import pytensor
    >>> import pytensor.tensor as pt
    >>> from pytensor.assumptions import assume
    >>> K = pt.dmatrix("K")
    >>> f = pytensor.function([K], pt.linalg.solve(assume(K, positive_definite=True), pt.eye(2)))
    >>> any("Cholesky" in str(node.op) for node in f.maker.fgraph.apply_nodes)
    True
    """
    values = {
        "diagonal": diagonal,
        "lower_triangular": lower_triangular,
        "upper_triangular": upper_triangular,
        "symmetric": symmetric,
        "positive_definite": positive_definite,
        "orthogonal": orthogonal,
        "selection": selection,
        "permutation": permutation,
        "unique_indices": unique_indices,
        "tridiagonal": tridiagonal,
        "unit_magnitude": unit_magnitude,
        **assumptions,
    }
    unknown = [name for name in values if name not in KEY_REGISTRY]
    if unknown:
        others = [name for name in KEY_REGISTRY if name not in _OWN]
        raise ValueError(
            f"[assume] Unknown assumption(s): {', '.join(unknown)}; beside its keywords there are "
            f"{', '.join(others) or 'none'}. An AssumptionKey adds one."
        )
    facts = {
        KEY_REGISTRY[name]: FactState.TRUE if value else FactState.FALSE
        for name, value in values.items()
        if value is not None
    }
    x = as_tensor_variable(x)
    return SpecifyAssumptions(facts)(x) if facts else x
