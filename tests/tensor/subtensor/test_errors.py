"""Bad indices: NumPy's class of exception, the same in C and in Python, with numbers in the text."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile import function

x, xs = pt.dmatrix("x"), pt.tensor("xs", shape=(3, 4), dtype="float64")
v, y = pt.dvectors("v", "y")
i, j = pt.lvectors("i", "j")
k = pt.lscalar("k")
m = pt.vector("m", dtype="bool")
X, V = np.zeros((3, 4)), np.zeros(4)

AT_RUN_TIME = {
    "number": (x[k], {x: X, k: 3}, IndexError, "index 3 .* axis 0 with size 3"),
    "negative number": (x[:, k], {x: X, k: -5}, IndexError, "index -5 .* axis 1 with size 4"),
    "array": (x[i], {x: X, i: [0, 3]}, IndexError, "index 3 .* axis 0 with size 3"),
    "columns": (x[:, i], {x: X, i: [-5, 0]}, IndexError, "index -5 .* axis 1 with size 4"),
    "second array": (x[i, j], {x: X, i: [0], j: [4]}, IndexError, "index 4 .* axis 1"),
    "long array": (v[i], {v: V, i: [1] * 3000 + [4]}, IndexError, "index 4 .* axis 0"),
    "nothing to take": (v[i], {v: V[:0], i: [0]}, IndexError, "index 0 .* size 0"),
    "arrays": (x[i, j], {x: X, i: [0, 1], j: [0, 1, 2]}, IndexError, "could not be broadcast"),
    "mask": (x[m], {x: X, m: [True] * 4}, IndexError, "axis 0; size of axis is 3 .* axis is 4"),
    "mask of two axes": (x[x.T > 0], {x: X}, IndexError, "boolean index did not match"),
    "step": (x[::k], {x: X, k: 0}, ValueError, "step cannot be zero"),
    "set number": (v[k].set(1.0), {v: V, k: 4}, IndexError, "index 4 .* size 4"),
    "inc array": (v[i].inc(1.0), {v: V, i: [0, 4]}, IndexError, "index 4 .* size 4"),
    "inc long array": (v[i].inc(1.0), {v: V, i: [1] * 3000 + [-5]}, IndexError, "index -5"),
    "set slice": (x[1:].set(y), {x: X, y: np.zeros(3)}, ValueError, "y must broadcast .* 3"),
    "set rows": (x[i].set(y), {x: X, i: [0], y: np.zeros(3)}, ValueError, "y must broadcast .* 3"),
    "inc elements": (v[i].inc(y), {v: V, i: [0], y: V}, ValueError, "y must broadcast .* 4"),
    "set masked": (v[m].set(y), {v: V, m: [True] * 4, y: V[:3]}, ValueError, "y must broadcast"),
    "repeated at run time": (v[i].inc(y), {v: V, i: [0, 1], y: V[:1]}, ValueError, "Runtime broad"),
    "take": (pt.take(x, i, axis=1), {x: X, i: [9]}, IndexError, "index 9 .* axis 1 with size 4"),
    "take_along_axis": (pt.take_along_axis(v, i, 0), {v: V, i: [9]}, IndexError, "index 9"),
    "choose": (pt.choose(i, [v, v]), {i: [2], v: V[:1]}, ValueError, "invalid entry"),
    "unravel_index": (pt.unravel_index(i, (2, 2))[0], {i: [4]}, ValueError, "index 4"),
}


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("name", AT_RUN_TIME)
def test_at_run_time(name, mode):
    out, given, error, text = AT_RUN_TIME[name]
    values = [np.asarray(a) for a in given.values()]
    kept = [a.copy() for a in values]
    f = function(list(given), out, mode=mode)
    with pytest.raises(error, match=text):
        f(*values)
    for a, b in zip(values, kept, strict=True):
        np.testing.assert_array_equal(a, b)


WHEN_WRITTEN = {
    "too many": (lambda: x[0, 0, 0], IndexError, "too many indices"),
    "two ellipses": (lambda: x[..., ...], IndexError, "single ellipsis"),
    "float": (lambda: x[1.0], TypeError, "must be integers"),
    "float variable": (lambda: x[y], TypeError, "integer or a boolean mask"),
    "float array": (lambda: x[np.array([1.0])], TypeError, "integer or a boolean mask"),
    "text": (lambda: x["a"], TypeError, "must be integers"),
    "number": (lambda: xs[3], IndexError, "index 3 .* axis 0 with size 3"),
    "array": (lambda: xs[:, [0, 4]], IndexError, "index 4 .* axis 1 with size 4"),
    "array behind a mask": (
        lambda: xs[None, xs > 0, [1]],
        IndexError,
        "index 1 .* axis 3|too many",
    ),
    "mask": (lambda: xs[np.array([True, False])], IndexError, "axis 0; size of axis is 3"),
    "step": (lambda: xs[::0], ValueError, "step cannot be zero"),
    "set": (lambda: xs[0].set(np.zeros(3)), ValueError, r"\(4,\), got \(3,\)"),
    "set complex": (lambda: xs[0].set(1j), TypeError, "must be real"),
    "set too much": (lambda: xs[0].set(xs), TypeError, "2-dimensional value"),
    "take": (lambda: pt.take(x, [0], axis=3), IndexError, "axis must be between -2 and 1, got 3"),
}


@pytest.mark.parametrize("name", WHEN_WRITTEN)
def test_when_written(name):
    write, error, text = WHEN_WRITTEN[name]
    with pytest.raises(error, match=text):
        write()


def test_a_shared_value_survives_a_bad_index():
    """The C kernel checks all indices before it writes the first one."""
    from pytensor import shared

    s = shared(np.arange(4.0))
    for mode in ("C", "PY"):
        f = function([i], [], updates={s: s[i].inc(1.0)}, mode=mode)
        with pytest.raises(IndexError):
            f(np.r_[np.zeros(2000, dtype="int64"), 4])
        np.testing.assert_array_equal(s.get_value(), np.arange(4.0))
