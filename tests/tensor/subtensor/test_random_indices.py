"""All of NumPy's indexing, drawn at random: reads, writes, additions; in C and in Python."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile import function
from tests.tensor.subtensor.random_indices import Maker, contradicts

MODES = ("C", "PY")


def evaluate(mode, inputs, outputs, values):
    """Return the results, or the class of the exception."""
    try:
        return function(inputs, outputs, mode=mode, on_unused_input="ignore")(*values)
    except (IndexError, ValueError) as error:
        return type(error)


def read(case):
    try:
        return np.asarray(case.x[case.index])
    except IndexError:
        return IndexError


@pytest.mark.parametrize("seed", range(0, 240, 24))
def test_reads(seed):
    for s in range(seed, seed + 24):
        make = Maker(s, bad=0.04)
        case = make.case(make.array())
        x = case.static_x(make.rng)
        want = read(case)
        try:
            out = x[case.symbolic]
        except IndexError:
            assert want is IndexError, (s, case.index)
            continue
        if want is not IndexError:
            assert not contradicts(out.type.shape, want.shape), (s, out.type, want.shape)
        for mode in MODES:
            found = evaluate(mode, [x, *case.variables], [out, out.shape], [case.x, *case.values])
            if want is IndexError:
                assert found is IndexError, (s, mode, case.index)
                continue
            assert not isinstance(found, type), (s, mode, case.index, found)
            assert found[0].shape == want.shape == tuple(found[1]), (s, mode, case.index)
            np.testing.assert_array_equal(found[0], want, err_msg=f"seed {s}, {mode}")


def in_order(index):
    """Return an index that NumPy follows in C order: of several writes the last one stays."""
    return tuple(i.copy(order="C") if isinstance(i, np.ndarray) else i for i in index)


def written(case, y, set_instead_of_inc):
    x = case.x.copy()
    if set_instead_of_inc:
        x[in_order(case.index)] = y.copy(order="C")
    else:
        np.add.at(x, case.index, y)
    return x


@pytest.mark.parametrize("seed", range(1000, 1160, 20))
def test_writes(seed):
    for s in range(seed, seed + 20):
        make = Maker(s)
        case = make.case(make.array())
        part = read(case)
        if part is IndexError or any(i is None for i in case.index):
            continue
        shape = part.shape[int(make.rng.integers(0, part.ndim + 1)) :]
        shape = [1 if make.chance(0.2) else n for n in shape]
        y_value = make.strided(make.rng.integers(-5, 5, size=shape).astype(float))
        x, y = case.static_x(make.rng), make._given(case, y_value)
        for is_set in (True, False):
            write = pt.set_subtensor if is_set else pt.inc_subtensor
            out = write(x[case.symbolic], y)
            assert not contradicts(out.type.shape, case.x.shape)
            for mode in MODES:
                found = evaluate(mode, [x, *case.variables], [out], [case.x, *case.values])
                want = written(case, y_value, is_set)
                np.testing.assert_array_equal(found[0], want, err_msg=f"seed {s}, {mode}, {is_set}")


@pytest.mark.parametrize("dtype", ["int8", "bool", "float16", "float32", "complex64", "complex128"])
def test_dtypes(dtype):
    make = Maker(7)
    for _ in range(6):
        case = make.case(make.array(3).astype(dtype))
        x = case.static_x(make.rng)
        part = read(case)
        if part is IndexError or any(i is None for i in case.index):
            continue
        y_value = make.rng.integers(0, 2, size=part.shape).astype(dtype)
        y = pt.TensorType(dtype, (None,) * y_value.ndim)("y")
        outs = [x[case.symbolic], x[case.symbolic].set(y), x[case.symbolic].inc(y)]
        wants = [part, written(case, y_value, True), written(case, y_value, False)]
        for mode in MODES:
            found = evaluate(mode, [x, y, *case.variables], outs, [case.x, y_value, *case.values])
            for f, want in zip(found, wants, strict=True):
                assert f.dtype == dtype
                np.testing.assert_array_equal(f, want)


@pytest.mark.slow
def test_many():
    for seed in range(5000, 8000, 24):
        test_reads(seed)
    for seed in range(8000, 10000, 20):
        test_writes(seed)
