"""Linear algebra, batches and `unique`: fewer and safer operations."""

import numpy as np
import pytest
from rule_checks import ops, rewritten, same_value

import pytensor.tensor as pt
from pytensor import function
from pytensor.compile.mode import Mode
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg import cholesky, det, inv, solve
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.blockwise import local_useless_blockwise

rng = np.random.default_rng(17)
A, B = pt.dmatrices("A", "B")
T = pt.dtensor3("T")
b = pt.dvector("b")
s = pt.dscalar("s")
k = pt.lscalar("k")
FAST = Mode("py", "fast_run")

VALUES = {
    A: rng.normal(size=(3, 3)) + 4 * np.eye(3),
    B: rng.normal(size=(3, 3)),
    T: rng.normal(size=(2, 3, 3)) + 4 * np.eye(3),
    b: rng.normal(size=3),
    s: np.array(2.0),
    k: np.array(3),
}


def cores(fgraph):
    return {type(getattr(n.op, "core_op", n.op)).__name__ for n in fgraph.apply_nodes}


SOLVES = {
    "matrix": inv(A) @ B,
    "vector": inv(A) @ b,
    "from the right": B @ inv(A),
    "vector from the left": b @ inv(A),
    "transposed": inv(A).T @ B,
    "batched": inv(T) @ T,
}


@pytest.mark.parametrize("name", SOLVES)
def test_inverse_times_something_is_a_solution(name):
    out = SOLVES[name]
    fgraph = rewritten(out)
    assert "MatrixInverse" not in cores(fgraph)
    same_value([out], VALUES, fgraph)


def test_inverse_that_is_needed_stays():
    i = inv(A)
    fgraph = rewritten(i @ B, i)
    assert "Solve" not in cores(fgraph)
    same_value([i @ B, i], VALUES, fgraph)


def test_inverse_of_inverse():
    assert ops(rewritten(inv(inv(A)))) == {}
    same_value([inv(inv(A))], VALUES)


def test_log_of_determinant_does_not_overflow():
    out = pt.log(pt.abs(det(A)))
    fgraph = rewritten(out)
    assert cores(fgraph) == {"SLogDet"}
    same_value([out], VALUES, fgraph)
    big = np.eye(400) * 1e3
    found = function([A], out, mode=FAST)(big)
    np.testing.assert_allclose(found, 400 * np.log(1e3))


def test_determinant_of_inverse():
    out = det(inv(A))
    fgraph = rewritten(out)
    assert "MatrixInverse" not in cores(fgraph)
    same_value([out], VALUES, fgraph)


def test_linear_algebra_overwrites_temporaries_only():
    out = cholesky(A @ A.T)
    f = function([A], out, mode=FAST)
    assert any(n.op.destroy_map for n in f.maker.fgraph.apply_nodes if "Cholesky" in str(n.op))
    value = VALUES[A].copy()
    np.testing.assert_allclose(f(VALUES[A]), np.linalg.cholesky(value @ value.T))
    f = function([A, B], solve(A, B), mode=FAST)
    before = VALUES[A].copy(), VALUES[B].copy()
    np.testing.assert_allclose(f(VALUES[A], VALUES[B]), np.linalg.solve(*before))
    np.testing.assert_array_equal(VALUES[A], before[0])
    np.testing.assert_array_equal(VALUES[B], before[1])


def test_unbatched_blockwise_is_the_op():
    f = function([A], cholesky(A @ A.T), mode=FAST)
    assert not any(isinstance(n.op, Blockwise) for n in f.maker.fgraph.apply_nodes)
    f = function([T], cholesky(T @ T.mT), mode=FAST)
    assert any(isinstance(n.op, Blockwise) for n in f.maker.fgraph.apply_nodes)


def test_batch_of_length_one():
    out = inv(A[None] * 2.0)
    f = function([A], out, mode=FAST)
    assert not any(isinstance(n.op, Blockwise) for n in f.maker.fgraph.apply_nodes)
    np.testing.assert_allclose(f(VALUES[A]), np.linalg.inv(VALUES[A][None] * 2))


def test_products_without_batch_are_dots():
    out = pt.matmul(A, B)
    fgraph = rewritten(out, stages=("+canonicalize",))
    assert [type(n.op) for n in fgraph.apply_nodes] == [Dot]


def test_user_blockwise_of_an_op_with_a_batched_form():
    node = Blockwise(pt.exp, signature="(n)->(n)")(A).owner
    [new] = local_useless_blockwise.fn(None, node)
    assert new.owner.op == pt.exp
    node = Blockwise(pt.exp, signature="(m,n)->(m,n)")(A).owner
    assert local_useless_blockwise.fn(None, node) is None


UNIQUE = {
    "number": (pt.unique(s), {"DimShuffle": 1}),
    "filled": (pt.unique(pt.alloc(b, 3, 3)), {"Unique": 1}),
    "repeated": (pt.unique(pt.repeat(b, 2)), None),
    "max of sorted": (pt.max(pt.sort(b)), {"Max": 1}),
    "sum of sorted rows": (pt.sum(pt.sort(A, axis=1), axis=1), {"Sum": 1}),
    "sum across sorted rows": (pt.sum(pt.sort(A, axis=1), axis=0), {"Sum": 1, "SortOp": 1}),
}


@pytest.mark.parametrize("name", UNIQUE)
def test_unique_and_sort(name):
    out, expected = UNIQUE[name]
    fgraph = rewritten(out)
    found = {op: n for op, n in ops(fgraph).items() if op != "Shape_i"}
    assert expected is None or found == expected
    same_value([out], VALUES, fgraph)


def test_unique_with_positions_stays():
    out = pt.unique(pt.alloc(b, 3, 3), return_counts=True)
    assert "Alloc" in ops(rewritten(*out))
