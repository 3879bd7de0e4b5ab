"""Rewrites of draws: what is lifted is drawn from the same distribution, and only then."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import optdb
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.rewriting import (
    is_rv_used_in_graph,
    local_dimshuffle_rv_lift,
    local_rv_size_lift,
    local_subtensor_rv_lift,
)
from pytensor.tensor.type_other import NoneTypeT

M, V = pt.dmatrix("M"), pt.dvector("V")
MV, VV = np.arange(12.0).reshape(4, 3) * 1000, np.array([1.0, 2.0, 3.0])


def rv(name, *args, size=None):
    rng = pt.random.shared_rng(seed=1)
    return getattr(rng, name)(*args, size=size)


def lift(rewrite, out, extra=()):
    fgraph = FunctionGraph(outputs=[out, *extra], clone=False)
    found = rewrite.transform(fgraph, out.owner)
    if not found:
        return None
    new = found[out] if isinstance(found, dict) else found[out.index]
    assert new.type == out.type or out.type.is_super(new.type)
    return new


def levels(x):
    """The mean of each draw, which tells its parameter: these are multiples of 1000."""
    values = pytensor.function([M, V], x, on_unused_input="ignore")(MV, VV)
    return np.round(values / 1000) * 1000


def check(rewrite, out):
    new = lift(rewrite, out)
    assert new is not None
    assert isinstance(new.owner.op, RandomVariable)
    assert np.array_equal(levels(new), levels(out))
    return new


def test_sizes_become_parameters():
    for x in (
        rv("normal", M, V, size=(2, 4, 3))[1],
        rv("normal", M, 1.0, size=(4, 3))[1],
        rv("normal", 1000.0, 1.0, size=(2, 3))[1],
        rv("multivariate_normal", M, np.eye(3), size=(2, 4))[1],
    ):
        new = check(local_rv_size_lift, x)
        assert isinstance(new.owner.inputs[1].type, NoneTypeT)
        # The very numbers, too: nothing else changed.
        f = pytensor.function([M, V], [x, new], on_unused_input="ignore", mode="PY")
        assert np.array_equal(*f(MV, VV))
    assert lift(local_rv_size_lift, rv("normal", M)[1]) is None


@pytest.mark.parametrize("order", [(1, 0), ("x", 0, 1), (1, "x", 0)])
def test_transposes_are_lifted(order):
    check(local_dimshuffle_rv_lift, rv("normal", M, V)[1].dimshuffle(order))
    check(local_dimshuffle_rv_lift, rv("normal", M, V, size=(4, 3))[1].dimshuffle(order))
    x = rv("normal", 1000.0, V, size=(2, 3))[1].dimshuffle(order)
    assert lift(local_dimshuffle_rv_lift, x).type.shape == x.type.shape


def test_dimensions_of_one_draw_stay():
    x = rv("multivariate_normal", M, np.eye(3))[1]
    check(local_dimshuffle_rv_lift, x.dimshuffle("x", 0, 1))
    assert lift(local_dimshuffle_rv_lift, x.T) is None
    y = rv("normal", pt.matrix(shape=(1, None)))[1]
    assert lift(local_dimshuffle_rv_lift, y.dimshuffle(1)) is None
    assert lift(local_dimshuffle_rv_lift, M.T) is None


def test_no_lift_while_others_read_the_draws():
    for rewrite, take in (
        (local_dimshuffle_rv_lift, lambda x: x.T),
        (local_subtensor_rv_lift, lambda x: x[0]),
    ):
        next_rng, x = rv("normal", M)
        assert lift(rewrite, take(x), [x]) is None
        assert lift(rewrite, take(x), [x + 1]) is None
        assert lift(rewrite, take(x), [x.shape, next_rng]) is not None
    fgraph = FunctionGraph(outputs=[x, x.T], clone=False)
    assert is_rv_used_in_graph(x, fgraph.outputs[1].owner, fgraph)


def test_the_next_state_follows():
    next_rng, x = rv("normal", M)
    out = x[0]
    fgraph = FunctionGraph(outputs=[out, next_rng], clone=False)
    found = local_subtensor_rv_lift.transform(fgraph, out.owner)
    assert found[next_rng].owner is found[out].owner


INDICES = {
    "row": lambda x: x[1],
    "element": lambda x: x[1, 2],
    "last": lambda x: x[-1],
    "slices": lambda x: x[1:, :2],
    "step": lambda x: x[::-2, 1],
    "mask": lambda x: x[np.array([True, False, True, True])],
    "mask of columns": lambda x: x[:, np.array([True, False, True])],
    "empty": lambda x: x[:0],
    "mask of elements": lambda x: x[np.arange(12).reshape(4, 3) % 5 != 1],
}


@pytest.mark.parametrize("name", INDICES)
def test_indices_are_lifted(name):
    index = INDICES[name]
    check(local_subtensor_rv_lift, index(rv("normal", M, V)[1]))
    # A number or a row for all
    check(
        local_subtensor_rv_lift, index(rv("normal", V * 1000, pt.specify_shape(M, (4, 3)) * 0)[1])
    )
    check(local_subtensor_rv_lift, index(rv("normal", M, 1.0)[1]))
    column = pt.specify_shape(M[:, :1], (None, 1))
    for params in ((M, V), (V * 1000, 1.0), (column, 1.0), (column, V), (5000.0, 1.0)):
        new = check(local_subtensor_rv_lift, index(rv("normal", *params, size=(4, 3))[1]))
        assert not isinstance(new.owner.inputs[1].type, NoneTypeT)
    check(local_subtensor_rv_lift, index(rv("halfnormal", M, 1.0)[1]))
    row = pt.specify_shape(V * 1000, (3,))
    check(local_subtensor_rv_lift, index(rv("normal", row, pt.constant(np.ones((4, 1))))[1]))
    ones = rv("normal", pt.specify_shape(M, (4, 3))[:1, :], V)[1]
    if name == "slices":  # a dimension where all parameters have length 1
        check(local_subtensor_rv_lift, index(ones))


def test_indices_of_batches_of_vectors():
    x = rv("multivariate_normal", M, np.eye(3))[1]
    check(local_subtensor_rv_lift, x[1:])
    assert lift(local_subtensor_rv_lift, x[1, 2]) is None
    assert lift(local_subtensor_rv_lift, x[:, :2]) is None
    p = pt.specify_shape(pt.constant(np.eye(3)), (3, 3))
    check(local_subtensor_rv_lift, rv("categorical", p)[1][1:])


def test_indices_that_are_not_lifted():
    x = rv("normal", M, V)[1]
    assert lift(local_subtensor_rv_lift, x[np.array([0, 0])]) is None
    assert lift(local_subtensor_rv_lift, x[np.array([0, 1]), np.array([0, 1])]) is None
    assert lift(local_subtensor_rv_lift, x[np.array([True, False, True, True]), 0]) is None
    assert lift(local_subtensor_rv_lift, M[0]) is None


def test_lifts_are_for_who_asks():
    x = rv("normal", M, V)[1][0]
    f = pytensor.function([M, V], x)
    [node] = [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, RandomVariable)]
    assert node.outputs[1].type.ndim == 2


def test_draws_that_nobody_reads_are_left_out():
    rng = pt.random.shared_rng(seed=1)
    rng1, _ = rng.normal(size=10)
    rng2, _ = rng1.uniform()
    _, x = rng2.normal(size=3)
    f = pytensor.function([], x)
    assert sum(isinstance(n.op, RandomVariable) for n in f.maker.fgraph.apply_nodes) == 1
    assert np.array_equal(f(), np.random.default_rng(1).normal(size=3))
    g = pytensor.function(
        [], x, mode=pytensor.compile.get_mode("PY").excluding("sidestep_unused_rng_consumer")
    )
    by_hand = np.random.default_rng(1)
    by_hand.normal(size=10)
    by_hand.uniform()
    assert np.array_equal(g(), by_hand.normal(size=3))


def test_names_are_known():
    assert "random_make_inplace" in optdb.__position__
    assert optdb.__position__["random_make_inplace"] == 50.9
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal()
    mode = pytensor.compile.get_mode("FAST_RUN").excluding("random_make_inplace")
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    assert not any(getattr(n.op, "inplace", False) for n in f.maker.fgraph.apply_nodes)
    assert f() != f()
