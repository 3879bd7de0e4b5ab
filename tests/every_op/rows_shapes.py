"""Axes and shapes: transposing, reshaping, adding and dropping axes, broadcasting, repeating."""

import numpy as np
from op_rows import Row, arrays, integer, real

import pytensor.tensor as pt

ANY = "fciub"
CUBE = [arrays((2, 3, 4), also=[((1, 1, 1),), ((0, 3, 4),)])]
MATRIX = [arrays((3, 4), also=[((1, 1),), ((0, 4),)])]
NO_NUMBERS = "depends on the shape only"


def row(name, words, call, reference, shapes=MATRIX, dtypes="fi", args=(real(),), **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


AXES = [
    row("transpose", "reversed", pt.transpose, np.transpose, CUBE, ANY),
    row("transpose", "given", lambda x: pt.transpose(x, (1, 2, 0)), lambda x: x.transpose(1, 2, 0), CUBE),
    row("matrix_transpose", "", pt.matrix_transpose, lambda x: np.swapaxes(x, -1, -2), CUBE),
    row("swapaxes", "", lambda x: pt.swapaxes(x, 0, 2), lambda x: np.swapaxes(x, 0, 2), CUBE),
    row("moveaxis", "", lambda x: pt.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), CUBE),
    row("expand_dims", "", lambda x: pt.expand_dims(x, (0, 2)), lambda x: np.expand_dims(x, (0, 2))),
    row("squeeze", "axis", lambda x: pt.squeeze(x, 1), lambda x: np.squeeze(x, 1),
        [arrays((3, 1), static=((None, 1),))], ANY),
    row("squeeze", "all", pt.squeeze, np.squeeze, [arrays((1, 3), static=((1, None),))]),
    row("flip", "", lambda x: pt.flip(x, 0), lambda x: np.flip(x, 0)),
    row("flip", "all", pt.flip, np.flip),
    row("roll", "flat", lambda x: pt.roll(x, 2), lambda x: np.roll(x, 2)),
    row("roll", "axis", lambda x: pt.roll(x, -1, 1), lambda x: np.roll(x, -1, 1)),
    row("atleast_1d", "", pt.atleast_1d, np.atleast_1d, [arrays(()), arrays((3,))]),
    row("atleast_2d", "", pt.atleast_2d, np.atleast_2d, [arrays(()), arrays((3,))]),
    row("atleast_3d", "", lambda x: pt.atleast_3d(x), lambda x: x.reshape((1,) * (3 - x.ndim) + x.shape),
        [arrays(()), arrays((3, 4))]),
    row("atleast_Nd", "", lambda x: pt.atleast_Nd(x, n=4), lambda x: x.reshape((1, 1) + x.shape)),
    row("shape_padleft", "", lambda x: pt.shape_padleft(x, 2), lambda x: x[None, None]),
    row("shape_padright", "", lambda x: pt.shape_padright(x, 2), lambda x: x[..., None, None]),
    row("shape_padaxis", "", lambda x: pt.shape_padaxis(x, 1), lambda x: x[:, None]),
    row("pytensor.tensor.elemwise:DimShuffle", "", lambda x: x.dimshuffle(1, "x", 0), lambda x: x.T[:, None]),
]  # fmt: skip
RESHAPED = [
    row("reshape", "minus one", lambda x: pt.reshape(x, (4, -1)), lambda x: x.reshape(4, -1),
        [arrays((3, 4))], ANY),
    row("reshape", "own shape", lambda x: pt.reshape(x, (x.shape[1], x.shape[0])),
        lambda x: x.reshape(x.shape[::-1])),
    row("flatten", "", pt.flatten, np.ravel, CUBE),
    row("flatten", "two axes", lambda x: pt.flatten(x, 2), lambda x: x.reshape(len(x), -1),
        [arrays((2, 3, 4))]),
    row("join_dims", "", lambda x: pt.join_dims(x, 1, 2), lambda x: x.reshape(x.shape[0], -1),
        [arrays((2, 3, 4))]),
    row("split_dims", "", lambda x: pt.split_dims(x, (2, 2), 1), lambda x: x.reshape(x.shape[0], 2, 2),
        [arrays((3, 4))]),
    row("pack", "", lambda x, y: pt.pack(x, y, keep_axes=None)[0],
        lambda x, y: np.concatenate([x.ravel(), y.ravel()]), [arrays((3, 4), (2,))], args=(real(), real())),
    row("unpack", "", lambda x: pt.unpack(x, [(2, 3), (4,)]),
        lambda x: (x[:6].reshape(2, 3), x[6:]), [arrays((10,))]),
    row("specify_shape", "", lambda x: pt.specify_shape(x, (3, None)), lambda x: x, [arrays((3, 4))]),
    row("specify_broadcastable", "", lambda x: pt.specify_broadcastable(x, 1), lambda x: x,
        [arrays((3, 1))]),
]  # fmt: skip
REPEATED = [
    row("broadcast_to", "", lambda x: pt.broadcast_to(x, (2, 3, 4)),
        lambda x: np.broadcast_to(x, (2, 3, 4)).copy(), [arrays((3, 4)), arrays((3, 1), static=((None, 1),))]),
    row("broadcast_arrays", "", pt.broadcast_arrays, np.broadcast_arrays,
        [arrays((3, 1), (4,), static=((None, 1), (None,)))], args=(real(), real())),
    row("broadcast_shape", "", lambda x, y: pt.stack(pt.broadcast_shape(x, y)),
        lambda x, y: np.array(np.broadcast_shapes(x.shape, y.shape)),
        [arrays((3, 1), (4,), static=((None, 1), (None,)))], args=(real(), real()), gradient=NO_NUMBERS),
    row("tile", "", lambda x: pt.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    row("tile", "one", lambda x: pt.tile(x, 2), lambda x: np.tile(x, 2)),
    row("repeat", "flat", lambda x: pt.repeat(x, 2), lambda x: np.repeat(x, 2)),
    row("repeat", "axis", lambda x: pt.repeat(x, 3, 0), lambda x: np.repeat(x, 3, 0), dtypes=ANY),
    row("repeat", "each", lambda x, n: pt.repeat(x, n, axis=1), lambda x, n: np.repeat(x, n, axis=1),
        [arrays((3, 4), (4,))], args=(real(), integer(0, 2))),
]  # fmt: skip
LENGTHS = [
    row("shape", "", pt.shape, lambda x: np.array(x.shape), CUBE, gradient=NO_NUMBERS),
    row("pytensor.tensor.shape:shape_i", "", lambda x: pt.basic.shape(x)[1], lambda x: np.array(x.shape[1]),
        CUBE, gradient=NO_NUMBERS),
    row("is_flat", "", lambda x: pt.as_tensor(np.array(pt.is_flat(x))), lambda x: np.array(True), [arrays((3,))],
        gradient=NO_NUMBERS),
    row("tensor_copy", "", pt.tensor_copy, np.copy, dtypes=ANY),
    row("identity", "", pt.identity, np.copy),
    row("cast", "float32", lambda x: pt.cast(x, "float32"), lambda x: x.astype("float32"), dtypes="fiub",
        gradient="float32 has no finite differences"),
    row("cast", "int16", lambda x: pt.cast(x, "int16"), lambda x: x.astype("int16"), dtypes="fiub",
        gradient="integers"),
    row("cast", "complex128", lambda x: pt.cast(x, "complex128"), lambda x: x.astype("complex128"),
        dtypes="fciub"),
    row("transfer", "", lambda x: pt.transfer(x, "cpu"), lambda x: x),
    row("tensor_from_scalar", "", lambda x: pt.tensor_from_scalar(pt.scalar_from_tensor(x)), np.copy,
        [arrays(())], ANY, also="scalar_from_tensor"),
    row("vectorize", "", lambda x, y: pt.vectorize(lambda a, b: a[::-1] * b, signature="(n),()->(n)")(x, y),
        lambda x, y: x[:, ::-1] * y[:, None], [arrays((3, 4), (3,))], args=(real(), real())),
]  # fmt: skip
ROWS = [*AXES, *RESHAPED, *REPEATED, *LENGTHS]
