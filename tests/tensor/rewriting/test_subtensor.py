"""Reading and writing parts: which expressions become which, and that values stay."""

import numpy as np
import pytest
from rule_checks import ops, rewritten, same_value

import pytensor.tensor as pt
from pytensor import function, grad, shared
from pytensor.compile.mode import Mode
from pytensor.tensor.rewriting.indexing import merged_index, range_as_slice
from pytensor.tensor.rewriting.subtensor import merge_two_slices
from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor, Subtensor

rng = np.random.default_rng(7)
x, y = pt.dmatrices("x", "y")
v, w = pt.dvectors("v", "w")
s = pt.dscalar("s")
k = pt.lscalar("k")
j = pt.lvector("j")
row = pt.drow("row")
t3 = pt.dtensor3("t3")
five = pt.tensor("five", shape=(5,), dtype="float64")
square = pt.tensor("square", shape=(5, 5), dtype="float64")
cubes = pt.tensor("cubes", shape=(2, 5, 5), dtype="float64")
n4, n5 = pt.arange(x.shape[1]), pt.arange(square.shape[0])
FAST = Mode("py", "fast_run")

VALUES = {
    x: rng.normal(size=(5, 4)),
    y: rng.normal(size=(5, 4)),
    v: rng.normal(size=5),
    w: rng.normal(size=5),
    s: np.array(1.5),
    k: np.array(2),
    j: np.array([1, 3, 0, 3, 2]),
    row: rng.normal(size=(1, 4)),
    t3: rng.normal(size=(2, 5, 4)),
    five: rng.normal(size=5),
    square: rng.normal(size=(5, 5)),
    cubes: rng.normal(size=(2, 5, 5)),
}

# What is written, and the Ops that are left.
READS = {
    "all": (x[:, :], {}),
    "all, by its length": (x[0 : x.shape[0]], {}),
    "all, by a number": (five[:100], {}),
    "trailing": (x[1, :], {"Subtensor": 1}),
    "slice of a slice": (x[1:][2:], {"Subtensor": 1}),
    "stepped slice of a slice": (v[1::2][1:], {"Subtensor": 1}),
    "element of a slice": (v[1:][2], {"Subtensor": 1}),
    "reversed twice": (x[::-1][::-1], {}),
    "element of a reversed": (v[::-1][0], {"Subtensor": 1}),
    "slice of a row of a slice": (x[1:][2][:3], {"Subtensor": 1}),
    "only row": (row[0], {"DimShuffle": 1}),
    "from the end of a known": (five[-1], {"Subtensor": 1}),
    "by a range": (v[pt.arange(v.shape[0])], {}),
    "by a constant range": (five[[1, 2]], {"Subtensor": 1}),
    "by a constant range that may be outside": (x[:, [1, 2]], {"AdvancedSubtensor": 1}),
    "of what an array took": (v[j][1:3], {"Subtensor": 1, "AdvancedSubtensor": 1}),
    "number of what an array took": (x[:, j][:, 1], {"Subtensor": 2}),
    "array of what an array took": (x[j][j[:2]], {"Subtensor": 1, "AdvancedSubtensor": 2}),
    "mask of what an array took": (v[j][v > 0], {"AdvancedSubtensor": 2, "GT": 1}),
    "columns of rows": (x[j][:, 1:], {"AdvancedSubtensor": 1, "Subtensor": 1}),
    "counted diagonal": (square[n5, n5], {"ExtractDiag": 1}),
    "counted diagonal of planes": (cubes[:, n5, n5], {"ExtractDiag": 1}),
    "counted, not square": (x[n4, n4], {"ARange": 1, "AdvancedSubtensor": 1}),
    "beside what was written": (v[:2].set(0.0)[2:4], {"Subtensor": 1}),
    "over what was written": (
        v[:3].set(0.0)[2:4],
        {"Subtensor": 1, "IncSubtensor": 1},
    ),
    "sum of positive": (v[v > 0].sum(), {"GT": 1, "switch": 1, "Sum": 1}),
    "sum by another mask": (v[w > 0].sum(), {"GT": 1, "AdvancedSubtensor": 1, "Sum": 1}),
    "joined again": (pt.concatenate([x[:2], x[2:]]), {}),
    "joined again, columns": (pt.concatenate([x[:, :2], x[:, 2:]], axis=1), {}),
    "of a stack": (pt.stack([v, w])[1], {}),
    "of numbers": (pt.stack([s, s * 2.0, s * 3.0])[1], {"mul": 1}),
    "slice of numbers": (pt.stack([s, s, s * 3.0])[:2], {"MakeVector": 1}),
    "numbers of numbers": (pt.stack([s, s, s * 3.0])[[0, 1]], {"MakeVector": 1}),
    "of a transpose": (x.T[0], {"Subtensor": 1}),
    "of an expanded": (x[None][0], {}),
    "of an expanded, after": (x[:, None][1], {"Subtensor": 1, "DimShuffle": 1}),
    "of a squeezed": (row.squeeze()[1:], {"Subtensor": 1, "DimShuffle": 1}),
    "of a sum of arrays": ((x + y)[0], {"Subtensor": 2, "add": 1}),
    "of a broadcast sum": ((x + v[:4])[1:, 0], {"Subtensor": 2, "add": 1, "DimShuffle": 1}),
    "of a reduction": (x.sum(axis=1)[2], {"Subtensor": 1, "Sum": 1}),
    "of a product": (pt.dot(x, y.T)[1, 2:], {"Subtensor": 2, "Dot": 1, "DimShuffle": 3}),
    "of a softmax": (pt.special.softmax(x, axis=1)[0], {"Subtensor": 1, "Softmax": 1}),
    "of a filled": (pt.alloc(s, 3, k)[0], {"Alloc": 1}),
    "of a repeated": (pt.alloc(v, 3, v.shape[0])[0], {}),
    "of a joined": (pt.join(1, x, y)[0], {"Subtensor": 2, "Join": 1}),
    "of a specified": (pt.specify_shape(x, (5, 4))[0], {"SpecifyShape": 1, "Subtensor": 1}),
    "diagonal of a diagonal": (pt.diag(pt.diag(v)), {}),
    "diagonal of ones": (pt.diagonal(pt.eye(k)), {"Alloc": 1}),
    "what was written": (x[1:].set(y[1:])[1:], {"Subtensor": 1}),
    "what was added": (x[1:].inc(y[1:])[1:], {"Subtensor": 2, "add": 1}),
}


@pytest.mark.parametrize("name", READS)
def test_read(name):
    out, expected = READS[name]
    fgraph = rewritten(out)
    found = {op: n for op, n in ops(fgraph).items() if op not in ("Shape_i", "ScalarFromTensor")}
    assert found == expected
    same_value([out], VALUES, fgraph)


WRITES = {
    "zero": (x[1:].inc(0.0), {}),
    "everything": (x[:].set(y), None),
    "number everywhere": (x[:].set(s), {"Alloc": 1}),
    "to everything": (x[:].inc(y), {"add": 1}),
    "to zeros": (pt.zeros(5)[1:].inc(v[1:]), {"Subtensor": 1, "IncSubtensor": 1, "Alloc": 1}),
    "sum with a read": (v[1:].set(v[1:] + w[1:]), {"Subtensor": 1, "IncSubtensor": 1}),
    "repeated value": (x[0].inc(pt.alloc(s, x.shape[1])), {"IncSubtensor": 1}),
    "twice": (v[1:].inc(w[1:])[1:].inc(w[1:]), {"Subtensor": 1, "IncSubtensor": 1, "add": 1}),
    "over": (v[1:].inc(s)[1:].set(w[1:]), {"Subtensor": 1, "IncSubtensor": 1}),
    "same value": (pt.zeros(5)[1:].set(0.0), {"Alloc": 1}),
    "sparse sum": (x + pt.zeros_like(x)[1:].inc(y[1:]), {"Subtensor": 1, "IncSubtensor": 1}),
    "sparse difference": (
        x - pt.zeros_like(x)[1:].inc(y[1:]),
        {"Subtensor": 1, "IncSubtensor": 1, "neg": 1},
    ),
    "by a range": (
        pt.zeros_like(v)[pt.arange(v.shape[0])].inc(w) + v,
        {"add": 1},
    ),
    "of another dtype": (v[1:].inc(k), {"IncSubtensor": 1, "Cast{float64}": 1}),
    "of another dtype, by an array": (v[j].set(k), {"AdvancedIncSubtensor": 1, "Cast{float64}": 1}),
    "negative": (x[x < 0].set(0.0), {"LT": 1, "switch": 1}),
    "negative, added": (x[x < 0].inc(s), {"LT": 1, "switch": 1, "add": 1, "DimShuffle": 1}),
    "by another mask": (x[y < 0].set(0.0), {"LT": 1, "AdvancedIncSubtensor": 1}),
    "number of another dtype": (v[1:].set(np.int8(3)), {"IncSubtensor": 1}),
    "by rows, with repetition": (
        x + pt.zeros_like(x)[j].inc(y),
        {"AdvancedIncSubtensor": 1},
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_write(name):
    out, expected = WRITES[name]
    fgraph = rewritten(out)
    found = {op: n for op, n in ops(fgraph).items() if op not in ("Shape_i", "ScalarFromTensor")}
    assert expected is None or found == expected
    same_value([out], VALUES, fgraph)


e = pt.exp(x)
STAYS = {
    "unknown end": (x[1:][:-1][:k], "Subtensor"),
    "read by others": (e[0] + e[1], "exp"),
    "unknown index": (pt.stack([s, s * 2.0])[k - 1], "MakeVector"),
    "repeated indices": (v[j].set(v[j] + 1.0)[0], "AdvancedIncSubtensor"),
    "set with repetition": (v + pt.zeros_like(v)[j].set(w), "add"),
    "slices with a gap": (pt.concatenate([x[:2], x[3:]]), "Join"),
    "negative range": (v[pt.arange(-1, 3)], "AdvancedSubtensor"),
    "another part": (x[1:].set(1.0)[2:], "IncSubtensor"),
    "along the axis of a softmax": (pt.special.softmax(x, axis=0)[0], "Softmax"),
    "symbolic stop": (v[pt.arange(k - 1)], "AdvancedSubtensor"),
}


@pytest.mark.parametrize("name", STAYS)
def test_declines(name):
    out, op = STAYS[name]
    fgraph = rewritten(out)
    assert op in ops(fgraph), ops(fgraph)
    same_value([out], VALUES, fgraph)


def test_range_that_is_empty_stays_empty():
    out = v[pt.arange(k)]
    assert function([v, k], out, mode=FAST)(VALUES[v], -1).shape == (0,)


def test_error_of_a_bad_index_stays():
    f = function([v], v[1:][10], mode=FAST)
    with pytest.raises(IndexError):
        f(VALUES[v])
    f = function([x], x[:, [5, 6]], mode=FAST)
    with pytest.raises((IndexError, AssertionError)):
        f(VALUES[x])


# -- arithmetic of slices ------------------------------------------------------------------


def random_slice(n, known_sign=False):
    def bound():
        return None if rng.random() < 0.3 else int(rng.integers(-n - 2, n + 3))

    return slice(bound(), bound(), [None, 1, 2, 3, -1, -2][rng.integers(6)])


@pytest.mark.parametrize("static", [True, False])
def test_merged_index_agrees_with_numpy(static):
    fired = 0
    for _ in range(4000):
        n = int(rng.integers(0, 8))
        a = np.arange(n)
        inner = random_slice(n)
        outer = random_slice(n) if rng.random() < 0.6 else int(rng.integers(-n - 1, n + 1))
        merged = merged_index(inner, outer, n if static else None)
        if merged is None:
            continue
        try:
            expected = a[inner][outer]
        except IndexError:
            with pytest.raises(IndexError):
                a[merged]
            continue
        fired += 1
        np.testing.assert_array_equal(a[merged], expected, err_msg=f"{n} {inner} {outer}")
    assert fired > 400


def test_range_as_slice():
    for start, stop, step in rng.integers(-6, 12, size=(2000, 3)):
        if step == 0:
            continue
        s = slice(abs(int(start)), abs(int(stop)), int(step))
        r = range(10)[s]
        assert list(range(10)[range_as_slice(r)]) == list(r)


def test_merge_two_slices():
    assert merge_two_slices(None, slice(1, None), 10, slice(2, None), 9) == slice(3, 10)
    assert merge_two_slices(None, slice(None), 10, 3, 10) == 3


# -- gradients -----------------------------------------------------------------------------


def test_gradient_of_parts_is_one_buffer():
    g = grad((x[0] * 2.0 + x[1] + x[2, 1]).sum(), x)
    fgraph = rewritten(g)
    assert ops(fgraph)["Alloc"] == 1
    assert "add" not in ops(fgraph)
    same_value([g], VALUES, fgraph)


def test_gradient_of_a_cross_entropy_adds_to_the_softmax():
    log_p = pt.special.log_softmax(x, axis=1)
    cost = -log_p[pt.arange(j.shape[0]), j].mean()
    g = grad(cost, x)
    fgraph = rewritten(g)
    found = ops(fgraph)
    assert found["AdvancedIncSubtensor"] == 1 and found["Softmax"] == 1
    # The only zeros left are a vector.
    assert all(
        n.outputs[0].type.ndim == 1
        for n in fgraph.apply_nodes
        if type(n.op).__name__ in ("Alloc", "IncSubtensor")
    )
    assert "Sum" not in found
    same_value([g], {**VALUES, j: VALUES[j]}, fgraph)
    # Fewer labels than rows: the other rows have no gradient.
    same_value([g], {**VALUES, j: np.array([1, 3])}, fgraph)


# -- in place ------------------------------------------------------------------------------


def writers(f):
    return [
        n
        for n in f.maker.fgraph.apply_nodes
        if isinstance(n.op, IncSubtensor | AdvancedIncSubtensor)
    ]


@pytest.mark.parametrize("idx", [slice(1, None), [0, 2, 2]], ids=["slice", "array"])
def test_write_in_place_of_a_temporary(idx):
    f = function([v, s], pt.exp(v)[idx].inc(s), mode=FAST)
    assert [n.op.inplace for n in writers(f)] == [True]
    expected = np.exp(VALUES[v])
    np.add.at(expected, idx, 1.5)
    before = VALUES[v].copy()
    np.testing.assert_allclose(f(VALUES[v], 1.5), expected)
    np.testing.assert_array_equal(VALUES[v], before)


def test_input_is_not_written():
    f = function([v, s], v[1:].inc(s), mode=FAST)
    assert [n.op.inplace for n in writers(f)] == [False]


def test_shared_variable_is_updated_in_place():
    p = shared(np.zeros(5), name="p")
    f = function([s], [], updates={p: p[2:].inc(s)}, mode=FAST)
    assert [n.op.inplace for n in writers(f)] == [True]
    f(1.0)
    f(1.0)
    np.testing.assert_array_equal(p.get_value(), [0, 0, 2, 2, 2])


def test_old_value_of_a_shared_variable_survives():
    p = shared(np.zeros(5), name="p")
    f = function([s], p * 1.0, updates={p: p[2:].inc(s)}, mode=FAST)
    np.testing.assert_array_equal(f(1.0), np.zeros(5))
    np.testing.assert_array_equal(f(1.0), [0, 0, 1, 1, 1])


def test_merged_buffers_are_written_apart():
    zeros = pt.zeros((k,))
    a, b = zeros[1:].set(s), zeros[:1].set(s * 2.0)
    f = function([k, s], [a, b], mode=FAST)
    assert [n.op.inplace for n in writers(f)] == [True, True]
    found = f(3, 1.0)
    np.testing.assert_array_equal(found[0], [0, 1, 1])
    np.testing.assert_array_equal(found[1], [2, 0, 0])


def test_views_are_not_copied_twice():
    """An output that is a view of an input is protected by the compiler, not by the rules."""
    f = function([x], x.T[0], mode=FAST)
    found = f(VALUES[x])
    assert not np.shares_memory(found, VALUES[x])
    assert any(isinstance(n.op, Subtensor) for n in f.maker.fgraph.apply_nodes)
