"""Patterns of indexing that have C: no step is left to Python."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile import function
from pytensor.gradient import grad
from tests.link.c.graphs import python_steps

rng = np.random.default_rng(11)
x3 = pt.tensor3("x3")
x2, y2 = pt.matrices("x2", "y2")
v, w = pt.vectors("v", "w")
i, j = pt.lvectors("i", "j")
short = pt.vector("short", dtype="int32")
table = pt.lmatrix("table")
rows = pt.vector("rows", dtype="bool")
places = pt.matrix("places", dtype="bool")
k = pt.lscalar("k")

VALUES = {
    x3: rng.normal(size=(4, 5, 6)),
    x2: rng.normal(size=(4, 5)),
    y2: rng.normal(size=(3, 5)),
    v: rng.normal(size=5),
    w: rng.normal(size=3),
    i: np.array([3, -1, 0]),
    j: np.array([1, 1, -2]),
    short: np.array([1, 1, -2], dtype="int32"),
    table: np.array([[0, 2], [-1, 2]]),
    rows: np.array([True, False, True, True]),
    places: rng.random((4, 5)) < 0.5,
    k: np.array(2),
}

READS = {
    "rows": x2[i],
    "rows by int32": x2[short],
    "columns": x2[:, i],
    "middle": x3[:, i],
    "table": v[table],
    "two": x2[i, j],
    "first two": x3[i, j],
    "last two": x3[:, i, j],
    "around a slice": x3[i, :, j],
    "mesh": x2[i[:, None], j[None, :]],
    "with a number": x3[i, k],
    "slice and rows": x3[1:3, i],
    "stepped slice": x3[i, ::-2],
    "symbolic slice": x3[i, :, k:],
    "mask": x3[rows],
    "mask of two axes": x3[places],
    "mask behind": x2[:, v > 0],
    "mask and array": x2[rows, i],
    "mask and slice": x3[rows, 1:, 0],
    "comparison": x2[x2 > 0],
    "unsigned": v[pt.cast(i % 3, "uint8")],
}

ORDER = [
    *("rows", "rows by int32", "columns", "table", "two", "last two", "around a slice", "mesh"),
    *(
        "slice and rows",
        "stepped slice",
        "mask",
        "mask of two axes",
        "mask and slice",
        "comparison",
    ),
]


def check(outputs):
    outputs = outputs if isinstance(outputs, list) else [outputs]
    inputs = list(VALUES)
    values = list(VALUES.values())
    in_c = function(inputs, outputs, mode="C", on_unused_input="ignore")
    in_python = function(inputs, outputs, mode="PY", on_unused_input="ignore")
    for a, b in zip(in_c(*values), in_python(*values), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
        assert a.shape == b.shape
    assert not python_steps(in_c.vm)


@pytest.mark.parametrize("name", READS)
def test_read(name):
    check(READS[name])


@pytest.mark.parametrize("name", ORDER)
def test_write(name):
    part = READS[name]
    check([part.set(1.5), part.inc(2.0), part.inc(part * 2), part.set(pt.exp(part))])


@pytest.mark.parametrize("name", ORDER)
def test_gradient(name):
    part = READS[name]
    if name == "comparison":
        part = x2[places]
    wrt = {"table": v}.get(name, x2 if part.owner.inputs[0] is x2 else x3)
    check(grad((part**2).sum(), wrt))


NONZERO = {
    "positions": pt.nonzero(x3 > 0),
    "matrix of positions": [pt.nonzero(x2, return_matrix=True)],
    "flat": [pt.flatnonzero(x2 < 0), pt.nonzero_values(x2)],
    "mask": pt.nonzero(rows),
    "turned": pt.nonzero(x3.T[::-1] > 0),
    "single precision": pt.nonzero(pt.cast(pt.abs(v) - pt.abs(v), "float32") * -1.0),
    "complex": pt.nonzero(pt.cast(v > 0, "complex128") * 1j),
    "none": pt.nonzero(x3[:, :0]),
    "where": pt.where(places),
    "integers": pt.nonzero(table),
}


@pytest.mark.parametrize("name", NONZERO)
def test_nonzero(name):
    check(list(NONZERO[name]))


def test_sums_by_index_leave_the_sign_of_other_zeros():
    x, i = pt.dvector("x"), pt.lvector("i")
    f = function([x, i], pt.inc_subtensor(x[i], 1.0 + 0.0 * pt.cast(i, "float64")))
    got = f(np.array([-0.0, 0.0, 1.0]), np.full(64, 2))
    np.testing.assert_array_equal(got, [0.0, 0.0, 65.0])
    assert np.signbit(got).tolist() == [True, False, False]
