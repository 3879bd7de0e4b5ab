"""Loops of every form, against loops in Python."""

import functools

import numpy as np
from op_rows import Row, arrays, integer, real

import pytensor
import pytensor.tensor as pt
from pytensor.scan import views
from pytensor.scan.utils import until

MATRIX = [arrays((4, 3))]
SMALL = real(-1, 1)


def _scan(*args, **fields):
    return pytensor.scan(*args, return_updates=False, **fields)


def _collected(step, state, n):
    found = []
    for k in range(n):
        state = step(k, state)
        found.append(state)
    return np.stack(found)


def _taps(x):
    step = lambda now, later, back2, back1: pt.sin(back2) - 0.5 * back1 + now * later  # noqa: E731
    return _scan(step, [{"input": x, "taps": [0, 1]}], [{"initial": x[:2], "taps": [-2, -1]}])


def _taps_value(x):
    states = [x[0], x[1]]
    for now, later in zip(x[:-1], x[1:], strict=True):
        states.append(np.sin(states[-2]) - x.dtype.type(0.5) * states[-1] + now * later)
    return np.stack(states[2:])


def _two_states(x, y):
    a, b = _scan(lambda r, a, b, w: (pt.tanh(a + r * b), a * w), [x], [x[0], y[0]], [y[1]])
    return a, b[-1]


def _two_states_value(x, y):
    a, b, found = x[0], y[0], []
    for r in x:
        a, b = np.tanh(a + r * b), a * y[1]
        found.append(a)
    return np.stack(found), b


def _until(x, limit):
    return _scan(
        lambda r, s: (s + r**2, until(pt.gt((s + r**2).sum(), limit))), [x], [pt.zeros_like(x[0])]
    )


def _until_value(x, limit):
    s, found = np.zeros_like(x[0]), []
    for r in x:
        s = s + r**2
        found.append(s)
        if s.sum() > limit:
            break
    return np.stack(found)


def _nested(x):
    inner = lambda r: _scan(lambda v, s: s * v + 1, [r], [pt.ones_like(r[0])])[-1]  # noqa: E731
    return _scan(inner, [x])


def _nested_value(x):
    return np.array([functools.reduce(lambda s, v: s * v + 1, r, r.dtype.type(1)) for r in x])


ROWS = [
    Row("pytensor.scan.views:map", (SMALL,), lambda x: np.exp(x).sum(1),
        lambda x: views.map(lambda r: pt.exp(r).sum(), [x], return_updates=False), shapes=MATRIX,
        also="pytensor:map"),
    Row("pytensor.scan.views:reduce", (SMALL,), lambda x: functools.reduce(lambda s, r: s * r + 1, x, x[0] * 0 + 1),
        lambda x: views.reduce(lambda r, s: s * r + 1, [x], [pt.ones_like(x[0])], return_updates=False),
        shapes=MATRIX),
    Row("pytensor.scan.views:foldl", (SMALL,), lambda x: functools.reduce(lambda s, r: np.sin(s) + r, x, x[0] * 0),
        lambda x: views.foldl(lambda r, s: pt.sin(s) + r, [x], [pt.zeros_like(x[0])], return_updates=False),
        shapes=MATRIX),
    Row("pytensor.scan.views:foldr", (SMALL,), lambda x: functools.reduce(lambda s, r: np.sin(s) + r, x[::-1], x[0] * 0),
        lambda x: views.foldr(lambda r, s: pt.sin(s) + r, [x], [pt.zeros_like(x[0])], return_updates=False),
        shapes=MATRIX),
    Row("pytensor:scan steps", (SMALL,), lambda x: _collected(lambda k, s: np.cos(s), x, 5),
        lambda x: _scan(pt.cos, outputs_info=[x], n_steps=5), shapes=MATRIX),
    Row("pytensor:scan steps unknown", (SMALL, integer(3, 3)), lambda x, n: _collected(lambda k, s: np.cos(s), x, n),
        lambda x, n: _scan(pt.cos, outputs_info=[x], n_steps=n), shapes=[arrays((4, 3), ())]),
    Row("pytensor:scan taps", (SMALL,), _taps_value, _taps, shapes=MATRIX, dtypes="fc"),
    Row("pytensor:scan two states", (SMALL, SMALL), _two_states_value, _two_states,
        shapes=[arrays((4, 3), (2, 3))]),
    Row("pytensor:scan backwards", (SMALL,), lambda x: np.cumsum(x[::-1], axis=0, dtype=x.dtype),
        lambda x: _scan(lambda r, s: s + r, [x], [pt.zeros_like(x[0])], go_backwards=True), shapes=MATRIX,
        dtypes="fci"),
    Row("pytensor:scan until", (real(0.5, 1.0), real(3.9, 4.0)), _until_value, _until, wrt=(0,),
        shapes=[arrays((9, 3), ())], shape_known="the loop ends by its values"),
    Row("pytensor:scan nested", (SMALL,), _nested_value, _nested, shapes=MATRIX),
    Row("pytensor:scan matrices", (SMALL, SMALL), lambda x, w: _collected(lambda k, s: np.tanh(s @ w), x, 3),
        lambda x, w: _scan(lambda s, w: pt.tanh(s @ w), outputs_info=[x], non_sequences=[w], n_steps=3),
        shapes=[arrays((4, 3), (3, 3))]),
]  # fmt: skip
