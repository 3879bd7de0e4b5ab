"""Joining, stacking and splitting."""

import numpy as np
from op_rows import Row, arrays, real

import pytensor.tensor as pt

TWO = (real(), real())
PAIR = [arrays((3, 4), (2, 4), also=[((0, 4), (2, 4)), ((1, 1), (1, 1))])]
SAME = [arrays((3, 4), (3, 4), also=[((0, 4), (0, 4))])]


def row(name, words, call, reference, shapes=PAIR, args=TWO, dtypes="fciub", **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


ROWS = [
    row("join", "rows", lambda x, y: pt.join(0, x, y), lambda x, y: np.concatenate([x, y])),
    row("join", "columns", lambda x, y: pt.join(-1, x, y), lambda x, y: np.concatenate([x, y], -1), SAME),
    row("concatenate", "", lambda x, y: pt.concatenate([x, y], axis=0), lambda x, y: np.concatenate([x, y])),
    row("stack", "first", lambda x, y: pt.stack([x, y]), lambda x, y: np.stack([x, y]), SAME),
    row("stack", "last", lambda x, y: pt.stack([x, y], axis=-1), lambda x, y: np.stack([x, y], -1), SAME),
    row("stack", "scalars", lambda x, y: pt.stack([x, y]), lambda x, y: np.stack([x, y]),
        [arrays((), ())]),
    row("stacklists", "", lambda x, y: pt.stacklists([[x, y], [y, x]]),
        lambda x, y: np.array([[x, y], [y, x]]), [arrays((), ()), arrays((3,), (3,))]),
    row("horizontal_stack", "", pt.horizontal_stack, lambda x, y: np.hstack([x, y]), SAME),
    row("vertical_stack", "", pt.vertical_stack, lambda x, y: np.vstack([x, y])),
    row("concat_with_broadcast", "", lambda x, y: pt.concat_with_broadcast([x, y], axis=-1),
        lambda x, y: np.concatenate([x, np.broadcast_to(y, (len(x), 4))], -1),
        [arrays((3, 4), (1, 4), static=((None, None), (1, None)))]),
    row("split", "", lambda x: pt.split(x, [1, 3], n_splits=2, axis=1), lambda x: np.split(x, [1], 1),
        [arrays((3, 4), also=[((0, 4),)])], (real(),)),
    row("pytensor.tensor.basic:Split", "", lambda x: pt.basic.Split(2, axis=0)(x, [1, 2]),
        lambda x: np.split(x, [1], 0), [arrays((3, 4))], (real(),)),
    row("pytensor.tensor.basic:MakeVector", "", lambda x, y: pt.basic.MakeVector(x.type.dtype)(x, y),
        lambda x, y: np.array([x, y]), [arrays((), ())]),
]  # fmt: skip
