"""The order of chains of products: what moves, what stays, and that values stay equal."""

import itertools
import pathlib
import sys

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.gradient import grad
from pytensor.tensor.blas import Dot22
from pytensor.tensor.rewriting.blas_chains import Chain, better_order, cheapest, never_more

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from product_checks import calls, check, fired, product_shapes, rewritten

A, B, C, D = pt.dmatrices("A", "B", "C", "D")
x, y = pt.dvectors("x", "y")
s = pt.dscalar("s")


def known(name, *shape, dtype="float64"):
    return pt.tensor(name, shape=shape, dtype=dtype)


class TestKnownLengths:
    K, L, M = known("K", 2, 30), known("L", 30, 30), known("M", 30, 3)

    @pytest.mark.parametrize(
        ("expression", "shapes"),
        [
            ("K@L@M", [(2, 30), (2, 3)]),
            ("K@(L@M)", [(2, 30), (2, 3)]),
            ("L@L@M", [(30, 3), (30, 3)]),
            ("L@L@L@M", [(30, 3), (30, 3), (30, 3)]),
            ("(L@L).T@M", [(30, 3), (30, 3)]),
            ("(M.T@(L@L)).T", [(30, 3), (30, 3)]),
            ("M@(K.T@K@L).T[:3]", None),
        ],
    )
    def test_cheapest(self, expression, shapes):
        out = eval(expression, {"K": self.K, "L": self.L, "M": self.M})
        fgraph = rewritten(out)
        if shapes is not None:
            assert product_shapes(fgraph) == shapes
        check(out, calls(fgraph))

    def test_scalars_do_not_hide_a_chain(self):
        out = 2.0 * (self.L @ (s * (self.L @ self.L)) / 3.0) @ self.M
        fgraph = check(out, {"Dot22": 2, "Dot22Scalar": 1})
        assert product_shapes(fgraph) == [(30, 3)] * 3

    def test_chain_in_a_sum(self):
        fgraph = check(self.M + self.L @ self.L @ self.M, {"Dot22": 1, "Gemm": 1})
        assert product_shapes(fgraph) == [(30, 3)] * 2

    @pytest.mark.parametrize("seed", range(20))
    def test_dynamic_programming_finds_the_minimum(self, seed):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 7))
        lengths = [int(m) for m in rng.integers(1, 9, size=n + 1)]
        factors = [known(f"f{i}", *lengths[i : i + 2]) for i in range(n)]

        def orders(i, j):
            if j - i == 1:
                yield {}
            for k in range(i + 1, j):
                for a, b in itertools.product(orders(i, k), orders(k, j)):
                    yield {(i, j): k, **a, **b}

        every = list(orders(0, n))
        chain = Chain(factors, every[int(rng.integers(len(every)))])
        least = min(map(chain.cost, every))
        assert chain.cost(cheapest(chain)) == least
        found = better_order(chain)
        assert chain.cost(chain.splits if found is None else found) == least
        check(chain.multiplied_out(chain.splits), calls(rewritten(chain.multiplied_out(every[0]))))

    def test_the_users_order_stays_if_none_is_cheaper(self):
        L = self.L
        for out in ((L @ L) @ (L @ L), L @ (L @ (L @ L))):
            assert fired(out)["local_reassociate_chain"] == 0

    def test_more_factors_than_are_compared(self):
        out = known("first", 30, 30)
        for i in range(30):
            out = out @ known(f"m{i}", 30, 30)
        fgraph = rewritten(out @ known("last", 30, 2))
        assert product_shapes(fgraph) == [(30, 2)] * 31


class TestUnknownLengths:
    @pytest.mark.parametrize(
        ("out", "expected"),
        [
            (A @ B @ x, {"Gemv": 2}),
            (A @ B @ C @ D @ x, {"Gemv": 4}),
            (x @ (A @ (B @ C)), {"Gemv": 3}),
            ((A @ B).T @ x, {"Gemv": 2}),
            (y + A @ B @ x, {"Gemv": 2}),
            (y - s * (A @ B @ C) @ x, {"Gemv": 3}),
            (x @ (A @ B) @ y, {"Gemv": 3}),
            (A @ B @ C + D, {"Dot22": 1, "Gemm": 1}),
            (pt.outer(x, y) @ A, {"Gemv": 1, "Ger": 1}),
            (A @ pt.outer(x, y) @ B, {"Gemv": 2, "Ger": 1}),
        ],
    )
    def test_vectors_first(self, out, expected):
        check(out, expected)

    def test_no_move_without_a_proof(self):
        thin, wide = pt.tensor("thin", shape=(None, 5)), pt.tensor("wide", shape=(5, None))
        # 25 (m + n) against 10 m n: the other order is cheaper for long sides only.
        fgraph = rewritten(thin @ wide @ pt.tensor("end", shape=(None, 5)))
        assert product_shapes(fgraph) == [(None, None), (None, 5)]
        fgraph = rewritten(thin @ (wide @ pt.tensor("end", shape=(None, 5))))
        assert product_shapes(fgraph) == [(5, 5), (None, 5)]

    def test_proofs(self):
        assert never_more([(3, frozenset())], [(2, frozenset([0]))])
        assert not never_more([(5, frozenset())], [(2, frozenset([0]))])
        assert not never_more([(2, frozenset([0]))], [(2, frozenset([0]))])
        assert not never_more([(1, frozenset([0]))], [(1, frozenset([1]))])
        two = [(1, frozenset([0, 1])), (1, frozenset([1, 2]))]
        assert never_more(two, [(1, frozenset([0, 1, 2])), (1, frozenset([0, 2]))])

    @pytest.mark.parametrize("seed", range(30))
    def test_moves_never_cost_more(self, seed):
        """Whatever the unknown lengths turn out to be, from 2 on."""
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 7))
        shown = [int(m) if rng.random() < 0.5 else None for m in rng.integers(1, 20, size=n + 1)]
        factors = [pt.tensor(f"f{i}", shape=tuple(shown[i : i + 2])) for i in range(n)]
        out = factors[0]
        splits = {(0, i + 1): i for i in range(1, n)}
        for factor in factors[1:]:
            out = out @ factor
        new = better_order(Chain(factors, splits))
        for _ in range(20):
            lengths = [int(rng.integers(2, 50)) if m is None else m for m in shown]
            real = Chain([known("f", *lengths[i : i + 2]) for i in range(n)], splits)
            assert new is None or real.cost(new) <= real.cost(splits)
        lengths = [3 if m is None else m for m in shown]
        values = {f: rng.normal(size=lengths[i : i + 2]) for i, f in enumerate(factors)}
        check(out, calls(rewritten(out)), values=values)


class TestDeclines:
    def test_read_elsewhere(self):
        product = A @ B
        check([product @ x, product], {"Dot22": 1, "Gemv": 1})
        check([product @ x, product + C], {"Dot22": 1, "Gemv": 1})

    def test_other_dtypes(self):
        small = pt.matrix("small", dtype="int8")
        out = (small @ small) @ pt.vector("v", dtype="int32")
        # int8 products wrap before they are widened.
        assert fired(out)["local_reassociate_chain"] == 0
        check(out, {"left": 2})

    @pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "bool", "float32", "complex64"])
    def test_one_dtype_of_any_kind(self, dtype):
        a, b = (pt.matrix(n, dtype=dtype) for n in "ab")
        out = a @ b @ pt.vector("v", dtype=dtype)
        assert fired(out)["local_reassociate_chain"] == 1
        check(out, {"Gemv": 2} if dtype[0] in "fc" else {"left": 2})

    def test_can_be_excluded(self):
        for tag in ("ieee_unsafe", "reassociate_matmul_chain", "BlasOpt"):
            fgraph = rewritten(A @ B @ x, exclude=[tag, "local_gemv_of_product"])
            assert any(isinstance(n.op, Dot22) or str(n.op) == "Dot" for n in fgraph.apply_nodes)

    @pytest.mark.parametrize("length", [0, 1])
    def test_short_axes(self, length):
        for out in (A @ B @ x, A @ B @ C, y + A @ (B @ C) @ x):
            check(out, calls(rewritten(out)), length=length)


class TestSharedProducts:
    def test_gradient_of_a_chain(self):
        out = (A @ B @ x).sum()
        check(grad(out, [x]), {"Gemv": 1})  # ones @ A is a sum
        loss = ((A @ B @ x) ** 2).sum()
        check([loss, grad(loss, x)], {"Gemv": 4})

    def test_an_outer_product_is_not_multiplied(self):
        outer = pt.outer(x, y)
        fgraph = check([outer @ A, outer @ B, B @ outer], {"Gemv": 3, "Ger": 3})
        assert not any(isinstance(n.op, Dot22) for n in fgraph.apply_nodes)

    def test_gradients_of_all_factors(self):
        loss = ((A @ B @ x) ** 2).sum()
        check(grad(loss, [A, B, x]), {"Gemv": 4, "Ger": 2})

    def test_many_vectors(self):
        product = A @ B
        vectors = [pt.dvector(f"v{i}") for i in range(5)]
        check([product @ v for v in vectors], {"Dot22": 1, "Gemv": 5})
        check([product @ v for v in vectors[:2]], {"Gemv": 4})

    def test_known_lengths_decide(self):
        thin = known("thin", 100, 2) @ known("wide", 2, 100)
        big = [known(f"v{i}", 100, 100) for i in range(2)]
        fgraph = rewritten(thin, *(thin @ b for b in big))
        assert sorted(product_shapes(fgraph)) == sorted([(100, 100)] * 3 + [(2, 100)] * 2)
        square = known("a", 3, 50) @ known("b", 50, 3)
        check([square @ known(f"u{i}", 3) for i in range(2)], {"Dot22": 1, "Gemv": 2})


def test_batches():
    T, U = pt.dtensor3("T"), pt.dtensor3("U")
    V = pt.tensor("V", shape=(None, None, 1))
    assert product_shapes(rewritten(T @ U @ V)) == [(None, None, 1)] * 2
    check(T @ U @ V, calls(rewritten(T @ U @ V)))
    # The vector is the same for the whole batch.
    out = T @ U @ x
    assert fired(out)["local_reassociate_chain"] == 1
    check(out, calls(rewritten(out)))
    check(T @ (U @ V), calls(rewritten(T @ (U @ V))))


def test_rule_names_are_on_the_calls():
    fgraph = rewritten(known("L", 9, 9) @ known("L2", 9, 9) @ known("M", 9, 2) * pt.dmatrix())
    rules = {getattr(n.outputs[0].tag, "rule", None) for n in fgraph.apply_nodes}
    assert rules & {"local_reassociate_chain", "local_dot_to_dot22"}


def work(n, count_calls):
    """Return what rewriting a chain of n factors in many forms takes."""
    out = known("first", 9, 9) @ A
    for i in range(n):
        factor = known(f"m{i}", 9, 9)
        out = (out @ factor).T if i % 3 else 2.0 * (out @ factor)
    out = out @ known("end", 9, 2) if n % 3 else out.T @ known("end", 9, 2)
    return count_calls(lambda: rewritten(out, only=["merge", "BlasOpt"]))


def test_work_is_linear_in_the_chain(count_calls):
    work(9, count_calls)
    assert work(400, count_calls) < 8 * 1.4 * work(50, count_calls)
