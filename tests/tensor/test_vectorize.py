"""`vectorize_graph` through the Ops of the package: a batch is the stack of what its items give."""

import itertools

import numpy as np
import pytest

import pytensor.tensor as pt
import pytensor.tensor.linalg as la
from pytensor import grad, scan
from pytensor.compile import OpFromGraph, function
from pytensor.graph.replace import vectorize_graph
from pytensor.ifelse import ifelse
from pytensor.tensor.blockwise import Blockwise

X, Q, T, A, B, S = (4, 3), (3, 3), (2, 3, 4), (4,), (3,), ()
I, K, MASK, PERM = ("int", (3,)), ("int", ()), ("bool", (4,)), ("perm", (3,))


def spd(a):
    return a @ a.mT + 3 * pt.eye(3)


def product(a, b):
    x, y = pt.dvectors("x", "y")
    return OpFromGraph([x, y], [x * y.sum()])(a, b)


CASES = {
    "number": (lambda x: x[1], X),
    "slice": (lambda x: x[::-1, 1:], X),
    "symbolic number": (lambda x, k: x[:, k], X, K),
    "symbolic slice": (lambda x, k: x[k : k + 2].sum(0), X, K),
    "newaxis": (lambda x: x[:, None, 1], X),
    "set": (lambda x, y: x[1].set(y), X, B),
    "set number": (lambda x, y: x[1:].set(y), X, S),
    "inc, symbolic": (lambda x, y, k: x[k].inc(y), X, B, K),
    "inc column": (lambda x, y: x[1:, 0].inc(y), X, B),
    "rows": (lambda x, i: x[i], X, I),
    "elements": (lambda x, i: x[i], A, I),
    "columns": (lambda x, i: x[:, i], X, I),
    "two arrays": (lambda x, i, j: x[i, j], X, I, I),
    "two columns": (lambda x, i, j: x[1:, i, j], T, I, ("int", (3,))),
    "apart": (lambda x, i, j: x[i, :, j], (3, 4, 3), I, I),
    "table": (lambda x, i: x[i], A, ("int", (2, 2))),
    "slice and array": (lambda x, i: x[1:, i], X, I),
    "mesh": (lambda x, i, j: x[i[:, None], j], X, I, I),
    "array and number": (lambda x, i, k: x[i, k], X, I, K),
    "constant mask": (lambda x, i: x[np.array([1, 0, 1, 1]) > 0, i], X, I),
    "set rows": (lambda x, y, i: x[i].set(y), X, Q, I),
    "inc elements": (lambda x, y, i: x[i].inc(y), A, B, I),
    "inc number": (lambda x, y, i: x[i].inc(y), A, S, I),
    "inc columns": (lambda x, y, i: x[:, i].inc(y), X, (4, 3), I),
    "inc two arrays": (lambda x, y, i, j: x[i, j].inc(y), X, B, I, I),
    "inc apart": (lambda x, y, i, j: x[i, :, j].inc(y), (3, 4, 3), (3, 4), I, I),
    "set masked": (lambda x, m: x[m].set(0.0), A, MASK),
    "reshape": (lambda x: x.reshape((2, 6)), X),
    "reshape by shape": (lambda x: x.reshape((x.shape[1], x.shape[0])), X),
    "flatten": (lambda x: x.flatten(), X),
    "dimshuffle": (lambda x: x.dimshuffle(1, "x", 0), X),
    "alloc": (lambda x: pt.alloc(x, 2, 4), A),
    "zeros by length": (lambda x: pt.concatenate([pt.zeros(x.shape[0] + 1), x]), A),
    "only zeros": (lambda x: pt.zeros(x.shape[0] + 1), A),
    "arange by length": (lambda x: pt.arange(x.shape[0]) * x, A),
    "only arange": (lambda x: pt.arange(x.shape[0]), A),
    "shape": (lambda x: x.shape, X),
    "size": (lambda x: x.size * x.sum(), X),
    "join": (lambda x, y: pt.concatenate([x, y]), A, B),
    "stack": (lambda x, y: pt.stack([x, y], axis=-1), A, A),
    "split": (lambda x: pt.split(x, [1, 3], n_splits=2, axis=0)[1], A),
    "vector of numbers": (lambda x, y: pt.stack([x, y, x + 1]), S, S),
    "sum": (lambda x: x.sum(0), X),
    "var": (lambda x: x.var(axis=0), X),
    "max": (lambda x: x.max(), X),
    "argmax": (lambda x: pt.argmax(x), X),
    "argmin": (lambda x: pt.argmin(x, axis=1), X),
    "softmax": (lambda x: pt.special.softmax(x, axis=0), X),
    "sort": (lambda x: pt.sort(x, axis=0), X),
    "cumsum": (lambda x: pt.cumsum(x), X),
    "repeat": (lambda x: pt.repeat(x, 2, axis=0), X),
    "tile": (lambda x: pt.tile(x, (2, 1)), X),
    "roll": (lambda x: pt.roll(x, 1, axis=0), X),
    "dot": (lambda x, y: pt.dot(x, y), X, Q),
    "inner": (lambda x, y: pt.dot(x, y), A, A),
    "tensordot": (lambda x, y: pt.tensordot(x, y, axes=1), T, (4, 2)),
    "einsum": (lambda x, y: pt.einsum("ij,jk->ik", x, y), X, Q),
    "cholesky": (lambda x: la.cholesky(spd(x)), Q),
    "solve": (lambda x, y: la.solve(spd(x), y, b_ndim=1), Q, B),
    "det": (lambda x: la.det(x), Q),
    "diag": (lambda x: pt.diag(x), A),
    "tril": (lambda x: pt.tril(x), Q),
    "where": (lambda x, m: pt.where(m, x, 0.0), A, MASK),
    "take": (lambda x, i: pt.take(x, i, axis=0, mode="wrap"), X, I),
    "take_along_axis": (lambda x, i: pt.take_along_axis(x, i[None, :], 0), Q, I),
    "choose": (lambda i, x: pt.choose(i, x), I, Q),
    "searchsorted": (lambda x, y: pt.searchsorted(pt.sort(x), y), A, B),
    "unravel": (lambda i: pt.unravel_index(i, (2, 3))[0], I),
    "permute rows": (lambda x, i: pt.permute_row_elements(x, i), B, PERM),
    "inverse permutation": (lambda i: pt.inverse_permutation(i), PERM),
    "ifelse": (lambda x, y: ifelse(pt.gt(x.sum(), 0), x, y), A, A),
    "OpFromGraph": (product, A, B),
    "scan": (
        lambda x, y: scan(
            lambda a, s: s * 0.5 + a, sequences=[x], outputs_info=[y], return_updates=False
        ),
        X,
        B,
    ),
    "gradient": (lambda x, i: grad((x[i] ** 2).sum(), x), A, I),
    "gradient of softmax": (lambda x: grad(pt.special.softmax(x)[1], x), A),
}

rng = np.random.default_rng(5)


def draw(spec, batch):
    kind, core = spec if spec and isinstance(spec[0], str) else ("float", spec)
    shape = (*batch, *core)
    if kind == "int":
        return rng.integers(0, 3, shape)
    if kind == "bool":
        return rng.random(shape) < 0.5
    if kind == "perm":
        return rng.permuted(np.broadcast_to(np.arange(core[0]), shape), axis=-1)
    return rng.normal(size=shape)


def core_variable(spec):
    value = draw(spec, ())
    return pt.tensor(dtype=value.dtype, shape=(None,) * value.ndim)


def batches(n: int):
    """Which operands have which batch dimensions."""
    for pattern in itertools.product((False, True), repeat=n):
        if any(pattern):
            yield [(3,) if has else () for has in pattern]
    if n > 1:
        yield [(2, 1), *[(3,)] * (n - 1)]


@pytest.mark.parametrize("name", CASES)
def test_stack(name):
    make, *specs = CASES[name]
    core = [core_variable(s) for s in specs]
    out = make(*core)
    item = function(core, out, mode="PY", on_unused_input="ignore")
    for shapes in batches(len(specs)):
        values = [draw(s, b) for s, b in zip(specs, shapes, strict=True)]
        batched = [
            pt.tensor(dtype=v.dtype, shape=tuple(1 if n == 1 else None for n in v.shape))
            for v in values
        ]
        result = vectorize_graph(out, dict(zip(core, batched, strict=True)))
        batch = np.broadcast_shapes(*shapes)
        items = [
            np.broadcast_to(v, (*batch, *v.shape[len(b) :]))
            for v, b in zip(values, shapes, strict=True)
        ]
        want = np.array([item(*(v[at] for v in items)) for at in np.ndindex(*batch)])
        want = want.reshape(*batch, *want.shape[1:])
        modes = ("PY", "C") if shapes[-1] else ("PY",)
        for mode in modes:
            got = function(batched, result, mode=mode, on_unused_input="ignore")(*values)
            assert got.shape == want.shape, (mode, shapes)
            np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9, err_msg=f"{mode}{shapes}")


NO_LOOP = ["symbolic number", "rows", "columns", "apart", "mesh", "inc columns", "inc apart"]


@pytest.mark.parametrize("name", NO_LOOP)
def test_batched_indices_need_no_loop(name):
    make, *specs = CASES[name]
    core = [core_variable(s) for s in specs]
    batched = [pt.tensor(dtype=c.type.dtype, shape=(None, *c.type.shape)) for c in core]
    result = vectorize_graph(make(*core), dict(zip(core, batched, strict=True)))
    f = function(batched, result, mode="C")
    assert not any(isinstance(n.op, Blockwise) for n in f.maker.fgraph.apply_nodes)


def test_unrelated_parts_are_shared():
    x, y = pt.dvectors("x", "y")
    e = pt.exp(y)
    batched = vectorize_graph([e, x + e], {x: pt.dmatrix()})
    assert batched[0] is e
    assert batched[1].owner.inputs[1].owner.inputs[0] is e


def test_outputs_of_any_shape_without_signature():
    pairs = pt.vectorize(lambda a: pt.stack([a, a + 1.0]))(pt.dmatrix())
    assert pairs.type.ndim == 3
