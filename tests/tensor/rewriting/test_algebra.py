"""The view of an expression as a sum of coefficient x core."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.rewriting.algebra import ONE, SumOfCores, as_factor, is_inner, split_scaling

A, B, C = pt.dmatrices("A", "B", "C")
s, t = pt.dscalars("s", "t")


def view(out, *others):
    fgraph = FunctionGraph(outputs=[out, *others], clone=False)
    found = SumOfCores(fgraph, out.owner)
    return {core: summand.coefficient for core, summand in found.summands.items()}


def number(coefficient, values=None):
    """Compute a coefficient."""
    scalar = coefficient.scalar("float64")
    fgraph = FunctionGraph(outputs=[scalar], clone=False)
    env = dict(values or {})
    for node in fgraph.toposort():
        inputs = [np.asarray(env[v]) if v in env else v.data for v in node.inputs]
        storage = [[None]]
        node.op.perform(node, inputs, storage)
        env[node.outputs[0]] = storage[0][0]
    return float(env[scalar] if scalar in env else scalar.data)


def test_nested_sums_and_scalings():
    found = view(2 * A + (s * B - (A + C) / t))
    values = {s: 3.0, t: 4.0}
    assert {core: number(c, values) for core, c in found.items()} == {
        A: 2 - 1 / 4,
        B: 3.0,
        C: -1 / 4,
    }


def test_equal_cores_are_collected():
    (coefficient,) = view(A + 2 * A - 0.5 * A).values()
    assert coefficient.number == 2.5
    assert view(A + A)[A].number == 2


def test_stops_where_somebody_else_reads():
    inner = A + B
    assert set(view(inner + C, inner * 2)) == {inner, C}
    assert set(view(inner + C)) == {A, B, C}


def test_stops_where_the_dtype_changes_or_an_operand_is_broadcast():
    f = pt.fmatrix("f")
    wide = f + A
    assert set(view(wide)) == set(wide.owner.inputs)
    v = pt.dvector("v")
    biased = A + (v + pt.dvector("w"))
    assert len(view(biased)) == 2


def test_division_by_an_array_or_zero_is_a_core():
    quotient = A / B
    assert set(view(C + quotient)) == {C, quotient}
    by_zero = A / 0.0
    assert set(view(C + by_zero)) == {C, by_zero}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_coefficient_has_the_wanted_dtype(dtype):
    assert ONE.times(2).scalar(dtype).type.dtype == dtype
    i = pt.scalar("i", dtype="int8")
    assert ONE.times(1, (i, False)).scalar(dtype).type.dtype == dtype
    assert ONE.is_one and not ONE.times(1, (i, False)).is_one


def test_as_factor():
    assert as_factor(pt.constant([[3.0]]))[0] == 3.0
    assert as_factor(s.dimshuffle("x", "x"))[1] == ((s, False),)
    assert as_factor(A) is None


def test_split_scaling():
    coefficient, array = split_scaling((s * A * 2).owner, A.type) or (None, None)
    assert array is not None
    assert split_scaling((A * B).owner, A.type) is None


def test_rebuild_is_the_same_value():
    out = 2 * A - (B - 0.5 * C)
    fgraph = FunctionGraph(outputs=[out], clone=False)
    again = SumOfCores(fgraph, out.owner).rebuild()
    assert again.type == out.type and not isinstance(again, Constant)


def test_inner_nodes_are_left_to_the_whole():
    inner = A + B
    out = inner * s + C
    fgraph = FunctionGraph(outputs=[out], clone=False)
    assert is_inner(fgraph, inner.owner)
    assert not is_inner(fgraph, out.owner)
    shared = FunctionGraph(outputs=[out, inner], clone=False)
    assert not is_inner(shared, inner.owner)
