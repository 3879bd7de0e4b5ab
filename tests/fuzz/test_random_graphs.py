"""Random programs: compiled by default, run without rewrites, and evaluated by NumPy.

A failure prints the seed and the program. ``pytest -m slow tests/fuzz`` runs many more.
"""

import numpy as np
import pytest
from random_graphs import COMPLEX, FLOATS, INTS, SMOOTH, random_program

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

MODES = {"plain": Mode("py", None), "py": Mode("py", "fast_run"), "default": None}


def tolerance(program):
    """Of a program: once a float32 enters, what it touches is no better than that."""
    dtypes = {t.var.type.dtype for t in program.pool}
    return 2e-3 if dtypes & {"float32", "complex64"} else 1e-6


def compare(term, got, tol):
    got = np.asarray(got)
    assert got.dtype == term.var.type.dtype
    assert got.shape == term.value.shape
    for static, actual in zip(term.var.type.shape, got.shape, strict=True):
        assert static in (None, actual)
    if got.dtype.kind in "fc":
        np.testing.assert_allclose(got, term.value, rtol=tol, atol=tol)
    else:
        np.testing.assert_array_equal(got, term.value)


def check_values(seed, modes, **options):
    program = random_program(seed, **options)
    made = program.pool[len(program.inputs) :]
    kept = [v.copy() for v in program.values]
    for name in modes:
        f = pytensor.function(
            program.inputs, [t.var for t in made], mode=MODES[name], on_unused_input="ignore"
        )
        with np.errstate(all="ignore"):
            results = f(*program.values)
        for term, got in zip(made, results, strict=True):
            try:
                compare(term, got, tolerance(program))
            except AssertionError as error:
                raise AssertionError(
                    f"seed {seed}, {name}, {term.text}\n{program}\n{error}"
                ) from None
        for value, before in zip(program.values, kept, strict=True):
            np.testing.assert_array_equal(value, before, err_msg=f"seed {seed}: input modified")


def check_gradient(seed):
    """The gradient of the weighted sum of everything the program made, along random directions."""
    program = random_program(
        seed, dtypes=("float64",), ops=SMOOTH, steps=8, empties=False, layouts=False
    )
    rng = np.random.default_rng([seed, 1])
    made = [t for t in program.pool[len(program.inputs) :] if t.kind == "f"]
    if not made:
        return
    weights = [rng.normal(size=t.value.shape) for t in made]
    cost = sum((pt.constant(w) * t.var).sum() for w, t in zip(weights, made, strict=True))
    wrt = program.inputs
    gradients = pytensor.grad(cost, wrt, disconnected_inputs="ignore")
    plain = pytensor.function(wrt, cost, mode=MODES["plain"], on_unused_input="ignore")
    for name, mode in MODES.items():
        f = pytensor.function(wrt, gradients, mode=mode, on_unused_input="ignore")
        computed = f(*program.values)
        for k in range(3):
            directions = [rng.normal(size=v.shape) for v in program.values]
            step = 1e-6
            above = plain(*[v + step * d for v, d in zip(program.values, directions)])
            below = plain(*[v - step * d for v, d in zip(program.values, directions)])
            want = (above - below) / (2 * step)
            got = sum((g * d).sum() for g, d in zip(computed, directions, strict=True))
            scale = 1 + abs(plain(*program.values)) + abs(want)
            assert abs(got - want) < 1e-5 * scale, (
                f"seed {seed}, {name}, direction {k}: {got}, differences give {want}\n{program}"
            )


@pytest.mark.parametrize("seed", range(24))
def test_values(seed):
    check_values(seed, ["plain", "default"])


@pytest.mark.parametrize("seed", range(1000, 1008))
def test_complex_values(seed):
    check_values(seed, ["plain", "default"], dtypes=(*FLOATS, *COMPLEX, "int32"))


@pytest.mark.parametrize("seed", range(2000, 2012))
def test_gradients(seed):
    check_gradient(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 14_000, 50))
def test_values_at_length(first):
    for seed in range(first, first + 50):
        check_values(seed, MODES, steps=25)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(20_000, 22_000, 50))
def test_complex_and_float_values_at_length(first):
    dtypes = (*FLOATS, *COMPLEX, *INTS[:3]) if first % 100 else FLOATS
    for seed in range(first, first + 50):
        check_values(seed, MODES, steps=20, dtypes=dtypes)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(30_000, 32_000, 50))
def test_gradients_at_length(first):
    for seed in range(first, first + 50):
        check_gradient(seed)
