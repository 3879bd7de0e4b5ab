"""Softmax and its logarithm: recognised, exact where the written form overflows."""

import numpy as np
import pytest
from rule_checks import ops, rewritten, same_value

import pytensor.tensor as pt
from pytensor.tensor.special import log_softmax, softmax

rng = np.random.default_rng(13)
x = pt.dmatrix("x")
v, w = pt.dvectors("v", "w")
j = pt.lvector("j")
VALUES = {
    x: rng.normal(size=(3, 4)),
    v: rng.normal(size=4),
    w: rng.normal(size=4),
    j: np.array([1, 0, 1]),
}

RULES = {
    "log": (pt.log(softmax(x, axis=1)), "LogSoftmax"),
    "log of a part": (pt.log(softmax(x, axis=1)[:, 0]), "LogSoftmax"),
    "log of a view": (pt.log(softmax(x, axis=0).T), "LogSoftmax"),
    "log of chosen": (pt.log(softmax(x, axis=1)[pt.arange(3), j]), "LogSoftmax"),
    "exp": (pt.exp(log_softmax(x, axis=1)), "Softmax"),
    "written out": (pt.exp(x) / pt.exp(x).sum(axis=1, keepdims=True), "Softmax"),
    "written out, vector": (pt.exp(v) / pt.exp(v).sum(), "Softmax"),
}


@pytest.mark.parametrize("name", RULES)
def test_recognised(name):
    out, op = RULES[name]
    fgraph = rewritten(out)
    found = ops(fgraph)
    assert found[op] == 1
    assert not {"exp", "log", "Sum"} & set(found), found
    same_value([out], VALUES, fgraph)


DECLINES = {
    "another axis": pt.exp(x) / pt.exp(x).sum(axis=1),
    "another array": pt.exp(v) / pt.exp(w).sum(),
    "log of something else": pt.log(pt.abs(x)),
}


@pytest.mark.parametrize("name", DECLINES)
def test_declines(name):
    out = DECLINES[name]
    values = {**VALUES, x: rng.normal(size=(4, 4))}
    fgraph = rewritten(out)
    assert not {"Softmax", "LogSoftmax"} & set(ops(fgraph))
    same_value([out], values, fgraph)


STABLE = {
    "logsumexp": (pt.log(pt.exp(x).sum(axis=1)), lambda a: a.max(axis=1) + np.log(4.0)),
    "logaddexp": (pt.log(pt.exp(x[0]) + pt.exp(x[1])), lambda a: a[0] + np.log(2.0)),
    "log of softmax": (pt.log(softmax(x, axis=1))[:, 0], lambda a: np.full(3, -np.log(4.0))),
}


@pytest.mark.parametrize("name", STABLE)
def test_no_overflow(name):
    out, expected = STABLE[name]
    for value in (1000.0, -1000.0):
        a = np.full((3, 4), value)
        [found] = [rewritten(out).outputs[0].eval({x: a})]
        np.testing.assert_allclose(found, expected(a))


def test_sum_of_a_sparse_matrix():
    i = pt.lvector("i")
    values = {i: np.array([0, 2, 2]), j: np.array([1, 0, 1])}
    zeros = pt.zeros((3, 4))
    for axis in (0, 1):
        # The two indices may repeat one another: nothing is known about their lengths.
        out = zeros[i, j].inc(2.0).sum(axis=axis)
        assert "Sum" in ops(rewritten(out))
        same_value([out], values)
    rows = pt.arange(j.shape[0])
    out = zeros[rows, j].inc(w[:3]).sum(axis=1)
    fgraph = rewritten(out)
    assert "Sum" not in ops(fgraph)
    same_value([out], {**VALUES, **values}, fgraph)
    out = zeros[rows, j].inc(w[:3]).sum(axis=0)
    same_value([out], {**VALUES, **values})
