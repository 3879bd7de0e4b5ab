"""Work that leaves loops: where it goes, where it stays, and that values do not change."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.ifelse import ifelse
from pytensor.raise_op import Assert
from pytensor.scan.op import Scan
from pytensor.scan.utils import until
from pytensor.tensor.math import Dot

PY, C = Mode("py"), Mode("c")
PLAIN = Mode("py", optimizer=None)
modes = pytest.mark.parametrize("mode", [PY, C], ids=["py", "c"])


def scan(*args, **kwargs):
    return pytensor.scan(*args, **kwargs, return_updates=False)


def loops(f):
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]


def products(node):
    names = ("Dot", "Gemv", "Gemm", "Ger")
    return [n for n in node.op.fgraph.toposort() if type(n.op).__name__.startswith(names)]


def same(inputs, outputs, values, mode=PY, rtol=1e-9):
    """Compile with and without rewrites, compare, and return the rewritten function."""
    f = pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    plain = pytensor.function(inputs, outputs, mode=PLAIN, on_unused_input="ignore")
    for got, wanted in zip(f(*values), plain(*values), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-10)
    return f


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) * 0.5 for shape in shapes]


# Before the loop -------------------------------------------------------------------------


@modes
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_products_of_sequences_become_one(mode, left, backwards):
    x, W, U = pt.dmatrix("x"), pt.dmatrix("W"), pt.dmatrix("U")

    def step(x, h, W, U):
        return pt.tanh((pt.dot(x, W) if left else pt.dot(W, x)) + pt.dot(h, U))

    h = scan(step, x, pt.zeros(3), [W, U], go_backwards=backwards)
    f = same([x, W, U], [h], draw((5, 3), (3, 3), (3, 3)), mode)
    (loop,) = loops(f)
    assert len(products(loop)) == 1
    assert any(type(n.op).__name__.startswith("Dot") for n in f.maker.fgraph.toposort())
    for n in (0, 1):
        assert f(np.ones((n, 3)), np.ones((3, 3)), np.ones((3, 3)))[0].shape == (n, 3)


def test_exclusion_by_tag_and_by_name():
    x, W = pt.dmatrix("x"), pt.dmatrix("W")
    h = scan(lambda x, h, W: pt.tanh(pt.dot(x, W) + h), x, pt.zeros(3), W)
    for tag in ("scan_pushout", "scan_push_out_seq", "scan_pushout_seqs_ops", "scan"):
        f = pytensor.function([x, W], h, mode=PY.excluding(tag))
        assert len(products(loops(f)[0])) == 1
    assert not products(loops(pytensor.function([x, W], h, mode=PY))[0])


def test_products_with_many_rows_stay():
    x, W = pt.dtensor3("x"), pt.dmatrix("W")
    h = scan(lambda x, h, W: pt.tanh(pt.dot(x, W) + h), x, pt.zeros((4, 3)), W)
    f = same([x, W], [h], draw((5, 4, 3), (3, 3)))
    assert len(products(loops(f)[0])) == 1


@modes
def test_functions_of_numbers_leave(mode):
    x = pt.dvector("x")
    h = scan(lambda x, h: pt.exp(-x) * h + 2 * x, x, pt.ones(()))
    f = same([x], [h], draw((6,)), mode)
    assert "exp" not in str(loops(f)[0].op.fgraph.outputs[0].owner.op).lower()
    assert loops(f)[0].op.info.n_seqs == 2


@modes
def test_a_map_is_no_loop(mode):
    x, y, w = pt.dmatrix("x"), pt.dvector("y"), pt.dvector("w")
    out = scan(lambda x, y, w: [(x * w).sum() + y, pt.exp(x) * y], [x, y], None, w)
    f = same([x, y, w], out, draw((5, 3), (5,), (3,)), mode)
    assert not loops(f)
    # The shorter sequence counts.
    same([x, y, w], out, draw((7, 3), (5,), (3,)), mode)
    assert f(np.ones((0, 3)), np.ones(4), np.ones(3))[1].shape == (0, 3)


@modes
def test_a_map_whose_sequence_is_too_short_is_refused(mode):
    x, n = pt.dvector("x"), pt.lscalar("n")
    f = pytensor.function([x, n], scan(pt.exp, x, n_steps=n), mode=mode)
    assert not loops(f)
    assert f(np.ones(3), 2).shape == (2,)
    with pytest.raises(ValueError, match="sequence 0 must have at least n_steps"):
        f(np.ones(3), 4)
    # A sequence of known length 1 must not be spread over the steps either.
    one = pt.tensor("one", dtype="float64", shape=(1,))
    f = pytensor.function([x, one, n], scan(lambda a, b: a * b, [x, one], n_steps=n), mode=mode)
    assert f(np.ones(3), np.ones(1), 1).shape == (1,)
    with pytest.raises(ValueError, match="sequence 1 must have at least n_steps"):
        f(np.ones(3), np.ones(1), 3)


def test_what_would_take_another_order_of_memory_stays():
    x, w = pt.dvector("x"), pt.dvector("w")
    out = scan(lambda x, w: pt.exp(x * w).sum(), x, None, w)
    f = same([x, w], [out], draw((5,), (3,)))
    assert loops(f)


def test_a_while_loop_keeps_its_work():
    x = pt.dvector("x")
    h = scan(lambda x, h: (pt.exp(x) + h, until(h > 1)), x, pt.zeros(()))
    f = same([x], [h], [np.ones(9)])
    assert loops(f)[0].op.info.n_seqs == 1


@modes
def test_what_may_fail_stays_where_there_may_be_no_step(mode):
    x, w = pt.dvector("x"), pt.dvector("w")
    check = Assert("w must be positive")

    def step(x, h, w):
        return h + x * check(w[0], pt.gt(w[0], 0))

    h = scan(step, x, pt.zeros(()), w)
    f = pytensor.function([x, w], h, mode=mode)
    np.testing.assert_allclose(f(np.ones(2), np.array([2.0])), [2, 4])
    assert f(np.ones(0), np.array([-1.0])).shape == (0,)
    with pytest.raises(AssertionError, match="w must be positive"):
        f(np.ones(2), np.array([-1.0]))


@modes
def test_a_branch_that_is_not_taken_is_not_computed(mode):
    x, w = pt.dvector("x"), pt.dscalar("w")
    wrong = Assert("wrong branch")
    out = scan(lambda x, w: ifelse(pt.gt(w, 0), x, wrong(x, pt.lt(x, -9))), x, None, w)
    f = pytensor.function([x, w], out, mode=mode)
    np.testing.assert_array_equal(f(np.ones(2), 1.0), 1.0)
    with pytest.raises(AssertionError, match="wrong branch"):
        f(np.ones(2), -1.0)


def test_invariant_work_of_a_loop_built_by_hand_leaves():
    x, h, w = pt.dscalar(), pt.dscalar(), pt.dscalar()
    from pytensor.scan.op import ScanInfo
    from pytensor.scan.utils import expand_empty

    op = Scan([x, h, w], [x + h * pt.exp(w)], ScanInfo(1, (), (), (), ((-1,),), 0, 0, 1, False))
    xs, ws = pt.dvector(), pt.dscalar()
    n = xs.shape[0]
    out = op(n, xs, expand_empty(pt.zeros(1), n), ws)
    f = same([xs, ws], [out], [np.ones(4), 0.3])
    assert len(loops(f)[0].op.fgraph.apply_nodes) <= 2


# After the loop --------------------------------------------------------------------------


@modes
def test_products_of_results_become_one(mode):
    x, U, V = pt.dmatrix("x"), pt.dmatrix("U"), pt.dmatrix("V")

    def step(x, h, U, V):
        h = pt.tanh(x + pt.dot(h, U))
        return [h, pt.exp(pt.dot(V, h)) / 2]

    out = scan(step, x, [pt.zeros(3), None], [U, V])
    f = same([x, U, V], out, draw((5, 3), (3, 3), (2, 3)), mode)
    (loop,) = loops(f)
    assert loop.op.info.n_nit_sot == 0 and len(products(loop)) == 1
    assert f(np.ones((0, 3)), np.ones((3, 3)), np.ones((2, 3)))[1].shape == (0, 2)


@modes
def test_logarithms_of_states_leave(mode):
    """GARCH: the variance is a recurrence, its logarithm needs no loop."""
    y, a, b = pt.dvector("y"), pt.dscalar("a"), pt.dscalar("b")

    def step(y, s, a, b):
        s = 0.1 + a * y**2 + b * s
        return s, -0.5 * (pt.log(s) + y**2 / s)

    _, logp = scan(step, y, [pt.ones(()), None], [a, b])
    f = same([y, a, b], [logp.sum(), *pytensor.grad(logp.sum(), [a, b])], [*draw((9,)), 0.1, 0.8], mode)  # fmt: skip
    assert "Log" not in str([n.op for n in loops(f)[0].op.fgraph.apply_nodes])


def test_results_that_states_need_stay():
    x, U = pt.dmatrix("x"), pt.dmatrix("U")

    def step(x, h, U):
        p = pt.dot(h, U)
        return [pt.tanh(x + p), p]

    f = same([x, U], scan(step, x, [pt.zeros(3), None], U), draw((5, 3), (3, 3)))
    assert loops(f)[0].op.info.n_nit_sot == 1


@modes
@pytest.mark.parametrize("reverse", [True, False])
def test_derivatives_by_matrices_are_one_product(mode, reverse):
    x, U, W = pt.dmatrix("x"), pt.dmatrix("U"), pt.dmatrix("W")
    h = scan(
        lambda x, h, U, W: pt.tanh(pt.dot(x, W) + pt.dot(h, U)),
        x, pt.zeros(3), [U, W], go_backwards=reverse,
    )  # fmt: skip
    g = pytensor.grad((h**2).sum(), [U, W])
    f = same([x, U, W], g, draw((5, 3), (3, 3), (3, 3)), mode)
    backward = loops(f)[-1]
    assert backward.op.info.n_untraced_sit_sot == 0
    assert len(products(backward)) == 1


@modes
def test_a_sum_that_is_read_on_its_way_stays(mode):
    x, y = pt.dmatrix("x"), pt.dmatrix("y")
    total = scan(lambda x, y, s: s + pt.outer(x, y), [x, y], pt.zeros((3, 2)))
    values = draw((5, 3), (5, 2))
    f = same([x, y], [total[-1]], values, mode)
    assert not loops(f)
    f = same([x, y], [total[-1], total[2]], values, mode)
    assert loops(f)
    g = pytensor.function([x, y], total[-1] + 1, mode=mode)
    with pytest.raises((ValueError, IndexError)):
        g(np.ones((5, 3)), np.ones((4, 2)))[7]


@modes
def test_a_sum_read_by_the_step_stays(mode):
    x = pt.dmatrix("x")
    total, other = scan(
        lambda x, s, o: [s + pt.outer(x, x), o + s.sum()], x, [pt.zeros((3, 3)), pt.zeros(())]
    )
    f = same([x], [total[-1], other[-1]], draw((5, 3)), mode)
    assert loops(f)


# Fuzz ------------------------------------------------------------------------------------


class Model:
    """A random loop: every value of a step is a number, a vector of 3 or a 3 x 3 matrix."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.xs = [pt.dvector("a"), pt.dmatrix("b"), pt.dtensor3("c")]
        self.ws = [pt.dscalar("u"), pt.dvector("v"), pt.dmatrix("w")]
        ranks = self.rng.integers(0, 3, size=self.rng.integers(1, 4))
        self.states = [int(r) for r in ranks]
        self.sums = self.rng.random(len(ranks)) < 0.4
        self.taps = [(-2, -1) if self.rng.random() < 0.3 else (-1,) for _ in ranks]
        self.n_outs = int(self.rng.integers(0, 3))
        self.backwards = bool(self.rng.random() < 0.3)

    def value(self, pool, rank: int, depth: int = 0):
        """Return a random expression of a rank."""
        rng = self.rng
        leaves = [v for v in pool if v.type.ndim == rank]
        if depth > 3 or rng.random() < 0.15:
            return leaves[rng.integers(len(leaves))]
        value = lambda rank: self.value(pool, rank, depth + 1)  # noqa: E731
        kind = rng.integers(6)
        if kind == 0:
            return pt.tanh(value(rank))
        if kind == 1:
            return value(rank) * 0.7 + value(rank)
        if kind == 2:
            return value(rank) * value(int(rng.integers(rank + 1)))
        if rank == 0:
            return [lambda: pt.dot(value(1), value(1)), lambda: value(1).sum(), lambda: pt.exp(-(value(0) ** 2))][kind - 3]()  # fmt: skip
        if rank == 1:
            return [lambda: pt.dot(value(1), value(2)), lambda: pt.dot(value(2), value(1)), lambda: value(2).sum(axis=0)][kind - 3]()  # fmt: skip
        return [lambda: pt.dot(value(2), value(2)), lambda: pt.outer(value(1), value(1)), lambda: value(2).T][kind - 3]()  # fmt: skip

    def step(self, *arguments):
        pool = [pt.tanh(v) if v.type.ndim == 2 else v for v in arguments[:3]]
        pool += arguments[3:]
        at, results = 3, []
        for rank, is_sum, taps in zip(self.states, self.sums, self.taps, strict=True):
            last = arguments[at + len(taps) - 1]
            rest = [v for v in pool if v is not last] if is_sum else pool
            new = self.value(rest, rank)
            results.append(last + 0.1 * new if self.rng.random() < 0.2 else last + new if is_sum else pt.tanh(new))  # fmt: skip
            at += len(taps)
        return results + [self.value(pool, int(self.rng.integers(3))) for _ in range(self.n_outs)]

    def build(self):
        starts = [
            {"initial": pt.ones((2,) + (3,) * r) / 3, "taps": list(t)} if len(t) > 1 else pt.ones((3,) * r) / 2
            for r, t in zip(self.states, self.taps, strict=True)
        ]  # fmt: skip
        outs = scan(
            self.step, self.xs, starts + [None] * self.n_outs, self.ws,
            go_backwards=self.backwards, return_list=True,
        )  # fmt: skip
        whole = [out if self.rng.random() < 0.5 else out[-1] for out in outs]
        cost = sum(pt.tanh(out).sum() for out in whole)
        wrt = [*self.xs[:2], *self.ws]
        grads = pytensor.grad(cost, wrt, disconnected_inputs="ignore")
        return [*self.xs, *self.ws], [*whole, *grads]


@pytest.mark.parametrize("seed", range(16))
def test_random_loops(seed):
    model = Model(seed)
    inputs, outputs = model.build()
    mode = C if seed % 8 == 0 else PY
    f = pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    plain = pytensor.function(inputs, outputs, mode=PLAIN, on_unused_input="ignore")
    for n in (1, 4):
        values = draw((n,), (n, 3), (n, 3, 3), (), (3,), (3, 3), seed=seed)
        for got, wanted in zip(f(*values), plain(*values), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-9, err_msg=f"seed {seed}")


def test_dots_are_what_is_counted():
    """The helper above would see a product in a loop."""
    x, U = pt.dvector("x"), pt.dmatrix("U")
    f = pytensor.function([x, U], scan(lambda h, U: pt.dot(h, U), None, x, U, n_steps=3), mode=PY)
    assert len(products(loops(f)[0])) == 1
    assert Dot.__name__ == "Dot"


@pytest.mark.parametrize("mode", ["PY", "FAST_COMPILE", None])
def test_elements_that_are_not_there_are_not_missed_without_steps(mode):
    w, v, n, i = pt.matrix("w"), pt.vector("v"), pt.iscalar("n"), pt.iscalar("i")

    def step(h, w, v, i):
        return pt.tanh(h + w[0] * w[i] + v.max() + pt.specify_shape(v, (3,)) + w[[1, i]].sum())

    hs = scan(step, None, pt.zeros(3), [w, v, i], n_steps=n)
    g = pytensor.grad(hs.sum(), w)
    f = pytensor.function([w, v, i, n], [hs, g], mode=mode)
    none, slope = f(np.ones((0, 3)), np.ones(0), 7, 0)
    assert none.shape == (0, 3) and slope.shape == (0, 3)
    assert f(np.ones((2, 3)), np.ones(3), 1, 2)[0].shape == (2, 3)
    with pytest.raises((IndexError, ValueError, AssertionError)):
        f(np.ones((0, 3)), np.ones(3), 7, 1)
