"""Loops written out for the shapes of their first call: equal to Python mode, and errors as elsewhere."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import config, scan
from pytensor.tensor import linalg

rng = np.random.default_rng(20261123)
A = rng.standard_normal((3, 3))
P = A @ A.T + 3 * np.eye(3)
v = rng.standard_normal(3)
I4 = np.array([0, 1, 2, -1])


def variables(values):
    return [pt.tensor(dtype=np.asarray(x).dtype, shape=(None,) * np.ndim(x)) for x in values]


def compiled(step, init, seqs, non, n, nit=(), mode=None):
    """Return a function of sequences, initial values and constants, whose shapes are not declared."""
    seqs, init, non = variables(seqs), variables(init), variables(non)
    outs = scan(
        step,
        sequences=seqs,
        outputs_info=[*init, *nit],
        non_sequences=non,
        n_steps=n,
        return_updates=False,
    )
    outs = outs if isinstance(outs, list | tuple) else [outs]
    with config.change_flags(compile__tier="native"):
        return pytensor.function(
            [*seqs, *init, *non], list(outs), mode=mode, on_unused_input="ignore"
        )


def is_written_out(f) -> bool:
    promotion = f.vm.promotion
    return promotion is None or (promotion._written[0] is not None and not promotion._special)


def case(step, *init, seqs=(), non=(), n=None, nit=()):
    return step, init, seqs, non, n, nit


CASES = {
    "ar1": case(lambda e, x, phi: phi * x + e, 0.0, seqs=[rng.standard_normal(9)], non=[0.9]),
    "cholesky": case(
        lambda x, q: linalg.cholesky(x) @ linalg.cholesky(x).T * 0.5 + q, P, non=[P], n=5
    ),
    "upper cholesky": case(lambda x, q: linalg.cholesky(x, lower=False) * 0.1 + q, P, non=[P], n=1),
    "solve": case(lambda x, a: linalg.solve(a, x), v, non=[A], n=4),
    "solve a matrix": case(lambda x, a: linalg.solve(a, x), A, non=[P], n=4),
    "solve pos": case(lambda x, a: linalg.solve(a, x, assume_a="pos"), v, non=[P], n=4),
    "triangular": case(lambda x, a: linalg.solve_triangular(a, x, lower=True), v, non=[P], n=4),
    "triangular, transposed": case(
        lambda x, a: linalg.solve_triangular(a, x, lower=False, trans=1), A, non=[P], n=4
    ),
    "cho_solve": case(
        lambda x, c: linalg.cho_solve((c, True), x), v, non=[np.linalg.cholesky(P)], n=4
    ),
    "inv": case(lambda x, a: linalg.inv(a + 0.1 * x), P, non=[P], n=4),
    "det": case(
        lambda x, a: x / linalg.det(a) + linalg.slogdet(a + x * 0.01)[1], v[0], non=[P], n=4
    ),
    "diag": case(lambda x, a: x + pt.diag(a), v, non=[P], n=4),
    "index": case(lambda i, x, a: x + a[i] * 0.1 + a[0, i], v, seqs=[I4], non=[A]),
    "set": case(lambda i, x: pt.set_subtensor(x[i], x[i] * 2 + 1), v, seqs=[I4]),
    "inc": case(lambda x, y: pt.inc_subtensor(x[1:], y), v, non=[np.array([1.0, 2.0])], n=3),
    "join": case(lambda x: pt.concatenate([x[1:], x[:1] * 0.9]), v, n=7),
    "stack": case(lambda x, y: pt.stack([x[0] * y, x[1] + y, x.sum()]), v, non=[0.3], n=7),
    "reductions": case(
        lambda x, a: (a * x).max(0) + a.sum(1) + x.prod() - a.min() + x.mean(), v, non=[A], n=3
    ),
    "logical": case(
        lambda x, a: pt.switch(x > 0, x - 1, x + 0.7) * (a > 0).all() + (a > 0).any(0),
        *(v,),
        non=[A],
        n=3,
    ),
    "swap": case(lambda x, y: [y, x + 0.1], v, v + 1, n=6),
    "rotate": case(lambda x, y, z: [y, z, x], v, v + 1, v + 2, n=7),
    "rotate numbers": case(lambda x, y, z: [y, z, x], v[0], v[1], v[2], n=7),
    "outer": case(lambda x, a: pt.outer(x, x) @ v * 0.1 + a @ x, v, non=[A * 0.3], n=6),
    "reshape": case(lambda x: (x.reshape((2, 3)).T * 2).reshape((6,)), rng.standard_normal(6), n=6),
    "integers": case(lambda i, x: x * 3 // 2 + i, np.int64(1), seqs=[np.arange(10)]),
    "complex": case(lambda z, c: z * z + c, np.complex128(0.1j), non=[np.complex128(0.2)], n=9),
    "float32": case(
        lambda x, a: pt.tanh(a @ x), v.astype("float32"), non=[A.astype("float32")], n=6
    ),
    "traces": case(
        lambda x, a: [a @ x, x.sum(), (a @ x)[1:]], v, non=[A * 0.3], n=6, nit=[None, None]
    ),
    "one element": case(lambda x, a: a @ x, v[:1], non=[A[:1, :1]], n=4),
    "backwards rows": case(
        lambda y, x, a: a @ x + y, v, seqs=[rng.standard_normal((5, 3))[::-1]], non=[A.T], n=5
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_python(name):
    step, init, seqs, non, n, nit = CASES[name]
    f = compiled(step, init, seqs, non, n, nit)
    with config.change_flags(compile__tier="native"):
        first = f(*seqs, *init, *non)
    assert is_written_out(f)
    wanted = compiled(step, init, seqs, non, n, nit, mode="PY")(*seqs, *init, *non)
    for x, y, z in zip(first, f(*seqs, *init, *non), wanted, strict=True):
        single = str(z.dtype) in ("float32", "complex64")
        for got in (x, y):
            assert got.dtype == z.dtype
            assert got.shape == z.shape
            np.testing.assert_allclose(got, z, rtol=1e-5 if single else 1e-9, atol=1e-12)


TAPS = {"all": [-1, -2, -3], "another order": [-3, -1, -2], "gaps": [-3, -1]}


@pytest.mark.parametrize("taps", TAPS.values(), ids=TAPS)
@pytest.mark.parametrize("shape", [(3,), (3, 2)], ids=["numbers", "vectors"])
def test_taps(taps, shape):
    e, first = pt.tensor(shape=(None,) * len(shape)), pt.tensor(shape=(None,) * len(shape))
    info = {"initial": first, "taps": taps}
    x = scan(
        lambda e, *x: sum(0.3 * (i + 1) * v for i, v in enumerate(x)) + e,
        sequences=e,
        outputs_info=[info],
        return_updates=False,
    )
    outs = [x, x[-1], pt.grad((x**2).sum(), [e, first])[0]]
    values = rng.standard_normal((7, *shape[1:])), rng.standard_normal(shape)
    with config.change_flags(compile__tier="native"):
        f = pytensor.function([e, first], outs)
        got = f(*values), f(*values)
    wanted = pytensor.function([e, first], outs, mode="PY")(*values)
    for results in got:
        for a, b in zip(results, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)


def indexed(tier, mode=None):
    x, i = pt.vector("x"), pt.lvector("i")
    states = scan(lambda i, s, x: s + x[i], i, [pt.zeros(())], x, return_updates=False)
    with config.change_flags(compile__tier=tier):
        return pytensor.function([i, x], states, mode=mode)


@pytest.mark.parametrize("where", ["written out", "general", "Python"])
def test_errors_name_op_step_and_line(where):
    f = indexed(
        "native" if where == "written out" else "interpret", "PY" if where == "Python" else None
    )
    with config.change_flags(compile__tier="native" if where == "written out" else "interpret"):
        np.testing.assert_array_equal(f([0, 1, 1], [1.0, 2.0]), [1.0, 3.0, 5.0])
    for _ in range(2):
        with pytest.raises(IndexError, match="index 5 is out of bounds") as caught:
            f([0, 1, 0, 5, 1], [1.0, 2.0])
        message = str(caught.value)
        assert "in Subtensor" in message
        assert "test_scan_static.py" in message
        assert message.endswith("at step 3 of the loop")
    np.testing.assert_array_equal(f([1, 1], [1.0, 2.0]), [2.0, 4.0])


def test_other_shapes_go_through_the_general_loop():
    x, a = pt.vector("x"), pt.matrix("a")
    states = scan(
        lambda s, a: a @ s, outputs_info=x, non_sequences=a, n_steps=4, return_updates=False
    )
    with config.change_flags(compile__tier="native"):
        f = pytensor.function([x, a], states)
        for n in (3, 2, 3, 0, 1, 50, 3):
            values = rng.standard_normal(n), rng.standard_normal((n, n)) / max(n, 1)
            wanted = [np.linalg.matrix_power(values[1], k + 1) @ values[0] for k in range(4)]
            np.testing.assert_allclose(f(*values), wanted, rtol=1e-8, atol=1e-12)
        with pytest.raises(ValueError, match="at step 0 of the loop"):
            f(np.ones(3), np.ones((3, 2)))
    assert is_written_out(f)


def test_a_long_call_goes_on_in_the_compiled_loop():
    """The general loop hands over in the middle: all results are where they belong."""
    e, first = pt.vector("e"), pt.vector("first")
    x, y = scan(
        lambda e, x1, x2, y: [0.5 * x1 + 0.25 * x2 + e, 0.9 * y + x1],
        sequences=e,
        outputs_info=[{"initial": first, "taps": [-1, -2]}, pt.zeros(())],
        return_updates=False,
    )
    values = rng.standard_normal(20_000), np.array([1.0, 2.0])
    with config.change_flags(compile__tier="interpret"):
        f = pytensor.function([e, first], [x, y[-1], y[::1000]])
        wanted = f(*values)
    with config.change_flags(compile__tier="auto"):
        g = pytensor.function([e, first], [x, y[-1], y[::1000]])
    promotion = g.vm.promotion

    def hot():
        promotion.finish(show=False)

    # The first look at signals is after half a million steps; here the program is told before.
    long = np.tile(values[0], 200), values[1]
    g.vm.run.watch(0.0, hot)
    got = g(*long)
    assert is_written_out(g)
    again = g(*long)
    for a, b in zip(got, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)
    for a, b in zip(g(*values), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)
