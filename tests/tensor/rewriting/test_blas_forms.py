"""Traces, diagonals and sums of products; diagonal and identity factors."""

import pathlib
import sys

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import grad
from pytensor.tensor.basic import AllocDiag, ExtractDiag

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from product_checks import calls, check, fired, random_inputs, rewritten, values_of

A, B, C, X = pt.dmatrices("A", "B", "C", "X")
x, y, d = pt.dvectors("x", "y", "d")
s = pt.dscalar("s")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
e = pt.dmatrix("e")

FORMS = {
    "trace(A@B)": (pt.trace(A @ B), {}),
    "linalg.trace(A@B)": (pt.linalg.trace(A @ B), {}),
    "trace(A@A.T)": (pt.trace(A @ A.T), {}),
    "trace(A@B@C)": (pt.trace(A @ B @ C), {"Dot22": 1}),
    "s*trace(A.T@B)+1": (s * pt.trace(A.T @ B) + 1, {}),
    "diag(A@B)": (pt.diag(A @ B), {}),
    "diagonal(T@U)": (pt.diagonal(T @ U, 0, 1, 2), {}),
    "traces of a batch": (pt.diagonal(T @ U, 0, 1, 2).sum(-1), {}),
    "(A@B).sum()": ((A @ B).sum(), {"Gemv": 1}),
    "(A@B).sum(0)": ((A @ B).sum(0), {"Gemv": 1}),
    "(A@B).sum(1)": ((A @ B).sum(1), {"Gemv": 1}),
    "(A@B).mean()": ((A @ B).mean(), {"Gemv": 1}),
    "(s*A@B).sum(1)+x": ((s * (A @ B)).sum(1) + x, {"Gemv": 1}),
    "(T@U).sum((1, 2))": ((T @ U).sum((1, 2)), {"BatchedDot": 1}),
    "(T@U).sum(2)": ((T @ U).sum(2), {"BatchedDot": 1}),
    "diag(d)@A": (pt.diag(d) @ A, {}),
    "A@diag(d)": (A @ pt.diag(d), {}),
    "A@diag(d)@A.T": (A @ pt.diag(d) @ A.T, {"Dot22": 1}),
    "diag(d)@x": (pt.diag(d) @ x, {}),
    "diag(d)@T": (pt.diag(d) @ T, {}),
    "T@diag(d)": (T @ pt.diag(d), {}),
    "diag(d)@diag(y)": (pt.diag(d) @ pt.diag(y), {}),
    "batch of diagonals": (AllocDiag(axis1=1, axis2=2)(e) @ T, {}),
    "repeated rows": (pt.alloc(x, 4, x.shape[0]) @ A, {"Gemv": 1}),
    "repeated columns": (A @ pt.alloc(x[:, None], x.shape[0], 4), {"Gemv": 1}),
    "ones": (pt.ones_like(A) @ B.T, {}),
    "ones, transposed": (pt.ones_like(A).T @ B, {}),
    "columns on the left": (pt.alloc(x[:, None], x.shape[0], A.shape[0]) @ A, {"Ger": 1}),
    "rows on the right": (A @ pt.alloc(x, A.shape[1], x.shape[0]), {"Ger": 1}),
    "ones in a chain": (A @ (B @ pt.ones_like(C)), {"Gemv": 1}),
    "outer(x,y)@y": (pt.outer(x, y) @ y, {"Gemv": 1}),
    # No form, but no product to save either.
    "x@A@x": (x @ A @ x, {"Gemv": 2}),
    "(x*(A@x)).sum()": ((x * (A @ x)).sum(), {"Gemv": 1}),
    "(X@A*X).sum(1)": ((X @ A * X).sum(1), {"Dot22": 1}),
    "(A*B).sum()": ((A * B).sum(), {}),
    "einsum": (pt.einsum("i,ij,j->", x, A, y), {"Gemv": 2}),
}


@pytest.mark.parametrize("name", FORMS)
def test_form(name):
    out, expected = FORMS[name]
    fgraph = check(out, expected)
    assert not any(isinstance(n.op, ExtractDiag) for n in fgraph.apply_nodes)
    for length in (0, 1, 2):
        check(out, expected, length=length)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_other_dtypes(dtype):
    a, b = pt.matrix("a", dtype=dtype), pt.matrix("b", dtype=dtype)
    v = pt.vector("v", dtype=dtype)
    check([pt.trace(a @ b), pt.diag(v) @ a, a @ pt.diag(v)], {})
    check([(a @ b).sum(1), (b @ a).sum()], {"Gemv": 2})


def test_diagonals_of_products_that_are_not_square():
    rng = np.random.default_rng(0)
    for m, k, n in ((2, 3, 5), (5, 3, 2), (4, 0, 2), (0, 3, 2)):
        values = {A: rng.normal(size=(m, k)), B: rng.normal(size=(k, n))}
        check([pt.diag(A @ B)], {}, values=values)
        check([pt.trace(A @ B)], {}, values=values)
    wide = pt.tensor("wide", shape=(3, 4)), pt.tensor("tall", shape=(4, 5))
    check(pt.diag(wide[0] @ wide[1]), {})


class TestIdentity:
    K = pt.tensor("K", shape=(3, 4))

    @pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int8"])
    def test_known_lengths(self, dtype):
        for out in (pt.eye(3, dtype=dtype) @ self.K, self.K @ pt.eye(4, dtype=dtype)):
            check(out, {})
        whole = pt.tensor("whole", shape=(3, 3), dtype="int32")
        check(pt.eye(3, dtype=dtype) @ whole, {})

    def test_declines(self):
        check(pt.eye(4) @ A, {"Dot22": 1})  # the length is not known to agree
        assert calls(rewritten(pt.eye(3, k=1) @ self.K)) == {"Dot22": 1}
        assert calls(rewritten(2 * np.eye(3) @ self.K)) == {"Dot22": 1}
        assert calls(rewritten(np.ones((3, 3)) @ self.K)) == {"Dot22": 1}
        assert calls(rewritten(pt.eye(2, 3) @ self.K)) == {"Dot22": 1}

    def test_zeros(self):
        check(pt.zeros((2, 3)) @ self.K, {})


class TestDeclines:
    def test_read_elsewhere(self):
        for form in (pt.trace, pt.diag, lambda p: p.sum(0)):
            product = A @ B
            check([form(product), product], {"Dot22": 1})
        diagonal = pt.diag(A @ B)
        check([diagonal.sum(), diagonal], {})

    def test_other_diagonals(self):
        check(pt.diag(A @ B, k=1), {"Dot22": 1})
        check(pt.trace(A @ B, offset=-1), {"Dot22": 1})
        assert calls(rewritten(pt.diag(d, k=1) @ A)) == {"Dot22": 1}

    def test_other_axes(self):
        check(pt.diagonal(T @ U, 0, 0, 1), {"BatchedDot": 1})

    def test_integers_and_booleans_stay(self):
        i, j = pt.imatrices("i", "j")
        check([pt.trace(i @ j), (i @ j).sum(0)], {"left": 1})
        p, q = pt.matrix("p", dtype="bool"), pt.vector("q", dtype="bool")
        check(pt.diag(q) @ p, {"left": 1})
        check(pt.diag(pt.ivector("iv")) @ i, {})  # exact

    def test_narrow_sums(self):
        a, b = pt.fmatrices("a", "b")
        check((a @ b).sum(0, dtype="float64"), {"Dot22": 1})
        assert calls(rewritten(pt.diag(a @ b).sum(dtype="float64"))) == {}

    def test_rows_and_columns(self):
        assert fired((pt.drow("r") @ A).sum(1))["local_sum_of_product"] == 0
        assert fired((A @ x).sum())["local_sum_of_product"] == 0

    def test_lengths_that_would_broadcast(self):
        """`@` raises for inner lengths 1 and 4; `*` would not."""
        column, one = pt.dcol("column"), pt.tensor("one", shape=(1,))
        for out in (pt.trace(column @ B), pt.diag(one) @ A, A @ pt.diag(one)):
            fgraph = rewritten(out)
            values = random_inputs([out])
            with pytest.raises(ValueError, match="aligned|agree|squeeze"):
                values_of(fgraph, values)

    def test_wrong_lengths_still_raise(self):
        rng = np.random.default_rng(0)
        for out in (pt.diag(d) @ A, A.T @ pt.diag(d), pt.trace(A @ A), (A @ A).sum(0)):
            values = {A: rng.normal(size=(3, 4)), d: rng.normal(size=4)}
            used = {v: values[v] for v in random_inputs([out])}
            with pytest.raises(ValueError):
                values_of(rewritten(out), used)

    def test_can_be_excluded(self):
        """Infinity and NaN spread as in NumPy when the letter of the expression is asked for."""
        rng = np.random.default_rng(0)
        matrix = rng.normal(size=(3, 3))
        matrix[0, 1] = np.inf
        diag = pt.diag(d) @ A
        values = {d: np.ones(3), A: matrix}
        with np.errstate(invalid="ignore"):
            (to_the_letter,) = values_of(rewritten(diag, exclude=["ieee_unsafe"]), values)
        (fast,) = values_of(rewritten(diag), values)
        assert np.isnan(to_the_letter[1, 1]) and fast[1, 1] == matrix[1, 1]
        for name, (out, _) in FORMS.items():
            if name.startswith(("trace", "diag(A", "(A@B)")):
                kept = calls(rewritten(out, exclude=["ieee_unsafe"]))
                assert {"Dot22", "Syrk", "BatchedDot"} & set(kept)


def test_gradients_of_forms():
    for out, expected in (
        (pt.trace(A @ B), {}),
        ((pt.diag(A @ B) ** 2).sum(), {}),
        ((A @ B).sum(), {}),
    ):
        grads = pytensor.grad(out, [A, B])
        check(grads, expected)
        for shapes in (((3, 4), (4, 3)), ((2, 4), (4, 5)), ((5, 1), (1, 2)), ((0, 2), (2, 3))):
            rng = np.random.default_rng(0)
            values = {v: rng.normal(size=shape) for v, shape in zip((A, B), shapes, strict=True)}
            check([out, *grads], calls(rewritten(out, *grads)), values=values)


@pytest.mark.parametrize("seed", range(40))
def test_random_forms(seed):
    """Random products with random forms around them keep their value."""
    rng = np.random.default_rng(seed)

    def pick(options):
        return options[int(rng.integers(len(options)))]

    def matrix(depth):
        if depth == 0:
            return pick([A, B, A.T, pt.diag(d), pt.eye(4), C, B.T])
        left, right = matrix(depth - 1), matrix(int(rng.integers(depth)))
        product = pick([left @ right, (right.T @ left.T).T, s * (left @ right)])
        return pick([product, product, product + C, product.T])

    product = matrix(int(rng.integers(1, 4)))
    other = matrix(1)
    forms = [
        pt.trace(product),
        pt.diag(product),
        product.sum(),
        product.sum(0),
        product.sum(1),
        product @ x,
        y @ product @ x,
        (product * other).sum(1),
        product,
    ]
    outputs = [forms[int(i)] for i in rng.choice(len(forms), size=2, replace=False)]
    check(outputs, calls(rewritten(*outputs)))


def test_work_is_linear(count_calls):
    def work(n):
        outputs = []
        for i in range(n):
            a = pt.dmatrix(f"a{i}")
            outputs += [pt.trace(a @ B), (a @ C).sum(0), pt.diag(d) @ a, pt.diag(a @ A)]
        return count_calls(lambda: rewritten(*outputs, only=["merge", "BlasOpt"]))

    work(3)
    assert work(80) < 8 * 1.3 * work(10)


def set_diagonal(matrix, d):
    """What the derivative of a diagonal is: zeros of the shape of `matrix`, with d on top."""
    return grad((pt.diagonal(matrix) * d).sum(), matrix)


# The expression, shapes of A and B that disagree, shapes that agree.
LOST_LENGTHS = {
    "diagonal, left": (set_diagonal(A, d) @ B, [(3, 3), (4, 5)], [(3, 4), (4, 5)]),
    "diagonal, right": (A @ set_diagonal(B, d), [(5, 4), (3, 3)], [(5, 4), (4, 3)]),
    "number": (pt.full_like(A, d[0]) @ B, [(3, 4), (2, 5)], [(3, 4), (4, 5)]),
    "number, right": (A @ pt.full_like(B, d[0]), [(3, 4), (2, 5)], [(3, 4), (4, 5)]),
    "column": (pt.alloc(d[:, None], 3, A.shape[1]) @ B, [(3, 4), (2, 5)], [(3, 4), (4, 5)]),
    "row": (A @ pt.alloc(d, B.shape[0], 3), [(3, 4), (2, 5)], [(3, 4), (4, 5)]),
}


@pytest.mark.parametrize("mode", ["PY", "FAST_RUN"])
@pytest.mark.parametrize("name", LOST_LENGTHS)
def test_lengths_that_the_form_has_no_use_for_have_to_agree(name, mode):
    out, wrong, right = LOST_LENGTHS[name]
    f = pytensor.function([A, B, d], out, mode=mode)
    plain = pytensor.function([A, B, d], out, mode=Mode("py", None))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must agree on the inner"):
        f(*map(rng.normal, [0] * 2, [1] * 2, wrong), np.ones(3))
    values = [*map(rng.normal, [0] * 2, [1] * 2, right), rng.normal(size=3)]
    np.testing.assert_allclose(f(*values), plain(*values))
