"""Reading and writing parts of arrays."""

import numpy as np
from op_rows import Row, arrays, boolean, integer, real

import pytensor.tensor as pt

COUNTED = "the length depends on the values"
X = real(-9, 9)
PLACES = integer(-3, 2)


def row(name, words, call, reference, shapes, args, dtypes="fciub", **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


def written(index, add=False):
    """NumPy's way to set or increase a part."""

    def write(x, y, *places):
        x = x.copy()
        at = index(*places) if callable(index) else index
        if add:
            np.add.at(x, at, y)
        else:
            x[at] = y
        return x

    return write


READ = [
    row("pytensor.tensor.subtensor:Subtensor", "slices", lambda x: x[1:, ::-2], lambda x: x[1:, ::-2],
        [arrays((3, 4), also=[((0, 4),)])], (X,)),
    row("pytensor.tensor.subtensor:Subtensor", "number", lambda x, i: x[:, i], lambda x, i: x[:, i],
        [arrays((3, 4), ())], (X, PLACES)),
    row("pytensor.tensor.subtensor:AdvancedSubtensor", "vector", lambda x, i: x[i], lambda x, i: x[i],
        [arrays((3, 4), (5,), also=[((3, 4), (0,))])], (X, PLACES)),
    row("pytensor.tensor.subtensor:AdvancedSubtensor", "two", lambda x, i, j: x[i, j],
        lambda x, i, j: x[i, j], [arrays((3, 4), (5,), (5,))], (X, PLACES, PLACES)),
    row("pytensor.tensor.subtensor:AdvancedSubtensor", "mask", lambda x, m: x[m], lambda x, m: x[m],
        [arrays((3, 4), (3, 4))], (X, boolean()), shape_known=COUNTED),
    row("take", "", lambda x, i: pt.take(x, i, axis=1), lambda x, i: np.take(x, i, axis=1),
        [arrays((3, 4), (2, 2))], (X, PLACES)),
    row("take", "flat", pt.take, np.take, [arrays((3, 4), (5,))], (X, PLACES)),
    row("take_along_axis", "", lambda x, i: pt.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1), [arrays((3, 4), (3, 2))], (X, PLACES)),
    row("choose", "", lambda i, x, y: pt.choose(i, [x, y]), lambda i, x, y: np.choose(i, [x, y]),
        [arrays((3, 4), (3, 4), (3, 4))], (integer(0, 1), X, X), "f", wrt=(1, 2)),
    row("slice_at_axis", "", lambda x: x[pt.slice_at_axis(slice(1, 3), 1)], lambda x: x[:, 1:3],
        [arrays((3, 4))], (X,)),
]  # fmt: skip
WRITTEN = [
    row("set_subtensor", "slice", lambda x, y: pt.set_subtensor(x[1:], y), written(np.s_[1:]),
        [arrays((3, 4), (2, 4)), arrays((3, 4), ())], (X, X)),
    row("inc_subtensor", "slice", lambda x, y: pt.inc_subtensor(x[:, ::2], y), written(np.s_[:, ::2], True),
        [arrays((3, 4), (3, 2)), arrays((3, 4), ())], (X, X), "fciu"),
    row("set_subtensor", "mask", lambda x, y, m: pt.set_subtensor(x[m], y), written(lambda m: m),
        [arrays((3, 4), (), (3, 4))], (X, X, boolean()), "fi"),
    row("inc_subtensor", "vector", lambda x, y, i: pt.inc_subtensor(x[i], y), written(lambda i: i, True),
        [arrays((3, 4), (5, 4), (5,)), arrays((3, 4), (), (5,))], (X, X, PLACES), "fci"),
    row("inc_subtensor", "two", lambda x, y, i, j: pt.inc_subtensor(x[i, j], y),
        written(lambda i, j: (i, j), True), [arrays((3, 4), (5,), (5,), (5,))], (X, X, PLACES, PLACES), "fi"),
]  # fmt: skip
ROWS = [*READ, *WRITTEN]
