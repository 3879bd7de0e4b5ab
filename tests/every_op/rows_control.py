"""Choices, checks, functions made of graphs, loops."""

import numpy as np
from op_rows import Row, arrays, boolean, real

import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import disconnected_grad, grad_clip, grad_scale, zero_grad
from pytensor.ifelse import ifelse
from pytensor.raise_op import Assert, CheckAndRaise

MATRIX = [arrays((3, 4), also=[((0, 4),)])]


def _silent(op, value):
    """Print nothing."""


def _from_graph(inline):
    def call(x, y):
        a, b = x.type(), y.type()
        return OpFromGraph([a, b], [a * b + pt.exp(a), a - b], inline=inline)(x, y)

    return call


def _scanned(x):
    return pytensor.scan(lambda row, s: pt.tanh(s + row), [x], [pt.zeros_like(x[0])],
                         return_updates=False)  # fmt: skip


def _scanned_value(x):
    s, found = np.zeros_like(x[0]), []
    for r in x:
        s = np.tanh(s + r)
        found.append(s)
    return np.stack(found)


ROWS = [
    Row("pytensor.ifelse:ifelse", (boolean(), real(), real()), lambda c, x, y: x if c else y, ifelse,
        shapes=[arrays((), (3, 4), (3, 4))], dtypes="fci"),
    Row("pytensor.raise_op:Assert", (real(),), np.copy, lambda x: Assert("message")(x, pt.all(x < 99)),
        shapes=MATRIX, dtypes="fi"),
    Row("pytensor.raise_op:CheckAndRaise", (real(),), np.copy,
        lambda x: CheckAndRaise(ValueError, "message")(x, x.ndim > 0), shapes=MATRIX),
    *[Row(f"pytensor.compile.builders:OpFromGraph inline={inline}", (real(), real()),
          lambda x, y: (x * y + np.exp(x), x - y), _from_graph(inline), shapes=[arrays((3, 4), (3, 4))],
          also="pytensor:OpFromGraph")
      for inline in (False, True)],
    Row("pytensor.scan:scan", (real(),), _scanned_value, _scanned, shapes=[arrays((3, 4))],
        also="pytensor:scan"),
    Row("pytensor.gradient:grad_scale", (real(),), np.copy, lambda x: 0 * grad_scale(x, 3.0) + x,
        shapes=MATRIX),
    Row("pytensor.gradient:grad_clip", (real(),), np.copy, lambda x: grad_clip(x, -99, 99), shapes=MATRIX),
    Row("pytensor.gradient:zero_grad", (real(),), lambda x: 2 * x, lambda x: zero_grad(x) + x,
        gradient="stopped by definition", shapes=MATRIX),
    Row("pytensor.gradient:disconnected_grad", (real(),), lambda x: 2 * x,
        lambda x: disconnected_grad(x) + x, gradient="stopped by definition", shapes=MATRIX),
    Row("pytensor.printing:Print", (real(),), np.copy,
        lambda x: pytensor.printing.Print("x", global_fn=_silent)(x), shapes=MATRIX),
]  # fmt: skip
