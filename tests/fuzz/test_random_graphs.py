"""Random programs: compiled by default, run without rewrites, and evaluated by NumPy.

A failure prints the seed and the program. ``pytest -m slow tests/fuzz`` runs many more; there a
function computes many programs at once, and gcc works at ``-O1`` for most: it takes nine tenths of
the time otherwise.
"""

import contextlib
import re

import numpy as np
import pytest
from more_ops import EVERYTHING, MORE_LAYOUTS, WIDE
from random_graphs import COMPLEX, FLOATS, INTS, SMOOTH, random_program

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

MODES = {"plain": Mode("py", None), "py": Mode("py", "fast_run"), "default": None}
TIERS = ("native", "interpret")


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


@contextlib.contextmanager
def setting(name):
    """The configuration and the mode that a name stands for."""
    flags = {}
    if name in TIERS:
        flags["compile__tier"] = name
    if name == "quickly compiled":
        flags = {"compile__tier": "native", "gcc__cxxflags": "-O1"}
    with pytensor.config.change_flags(**flags):
        yield MODES.get(name)


def compiled(inputs, outputs, name):
    with setting(name) as mode:
        return pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")


def check_values(seed, modes, **options):
    check_programs([seed], modes, **options)


def check_programs(seeds, modes, **options):
    """Compile the programs of all seeds as one function, and compare each value with NumPy's."""
    programs = [random_program(seed, **options) for seed in seeds]
    made = [(p, t) for p in programs for t in p.pool[len(p.inputs) :]]
    inputs = [v for p in programs for v in p.inputs]
    values = [v for p in programs for v in p.values]
    kept = [v.copy() for v in values]
    by_tier = {}
    for name in modes:
        seed_of = dict(zip(map(id, programs), seeds, strict=True))
        try:
            f = compiled(inputs, [t.var for _, t in made], name)
            with np.errstate(all="ignore"):
                results = f(*values)
        except Exception as error:
            error.add_note(f"seeds {list(seeds)}, {name}")
            raise
        for (program, term), got in zip(made, results, strict=True):
            try:
                compare(term, got, tolerance(program))
            except AssertionError as error:
                raise AssertionError(
                    f"seed {seed_of[id(program)]}, {name}, {term.text}\n{program}\n{error}"
                ) from None
        for value, before in zip(values, kept, strict=True):
            np.testing.assert_array_equal(value, before, err_msg=f"seeds {seeds}: input modified")
        by_tier[name] = results
    if by_tier.keys() >= set(TIERS):
        check_tiers_agree(made, *(by_tier[tier] for tier in TIERS))


def check_tiers_agree(made, native, interpreted):
    """Interpreted and compiled loops run the same operations in the same order: equal bits.

    Steps of `scan` that are written out round ``a * b + c`` once: these, and what is computed of
    them, are as close as `compare` found them to NumPy's.
    """
    for (program, term), a, b in zip(made, native, interpreted, strict=True):
        if term.text in after_scans(program):
            continue
        same = np.asarray(a).tobytes() == np.asarray(b).tobytes()
        assert same or np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc"), (
            f"the tiers differ: {term.text}: {a} {b}\n{program}"
        )


def after_scans(program):
    """Return the names of the terms that depend on a scan."""
    found = set()
    for line in program.lines:
        name, text = line.split("  # ")[0].split(" = ", 1)
        if "scan" in text or found & set(re.findall(r"\bt\d+\b", text)):
            found.add(name)
    return found


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


WIDER = {"ops": EVERYTHING, "dtypes": WIDE, "layouts": MORE_LAYOUTS}


@pytest.mark.parametrize("first", range(4000, 4048, 16))
def test_values_of_more_operations(first):
    check_programs(range(first, first + 16), ["plain", *TIERS], **WIDER)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 14_000, 25))
def test_values_at_length(first):
    """Every tenth function is compiled as it is for users."""
    default = "default" if first % 250 == 0 else "quickly compiled"
    check_programs(range(first, first + 25), ["plain", "py", default, "interpret"], steps=25)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(20_000, 22_000, 25))
def test_complex_and_float_values_at_length(first):
    dtypes = (*FLOATS, *COMPLEX, *INTS[:3]) if first % 50 else FLOATS
    modes = ["plain", "py", "quickly compiled", "interpret"]
    check_programs(range(first, first + 25), modes, steps=20, dtypes=dtypes)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(50_000, 54_000, 25))
def test_values_of_more_operations_at_length(first):
    modes = ["plain", "py", *TIERS] if first % 250 == 0 else ["plain", "py", "interpret"]
    check_programs(range(first, first + 25), modes, steps=20, **WIDER)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(30_000, 32_000, 50))
def test_gradients_at_length(first):
    for seed in range(first, first + 50):
        check_gradient(seed)
