"""Arrays of equal values in every memory layout that NumPy can make."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

DTYPES = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}
TOLERANCE = {"s": 2e-5, "d": 1e-12, "c": 2e-5, "z": 1e-12}


def random(rng, shape, dtype):
    values = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.normal(size=shape)
    return np.asarray(values, dtype=dtype)


def misaligned(a):
    buffer = np.empty(a.nbytes + 1, np.uint8)
    out = buffer[1:].view(a.dtype).reshape(a.shape) if a.size else a.copy()
    out[...] = a
    return out


def odd_stride(a):
    """Elements one byte apart from each other, as in a packed record array."""
    record = np.dtype([("pad", np.uint8), ("value", a.dtype)])
    out = np.zeros(a.shape, record)["value"]
    out[...] = a
    return out


def odd_rows(a):
    """Contiguous rows, one byte apart from each other."""
    record = np.dtype([("value", a.dtype, a.shape[1:]), ("pad", np.uint8)])
    out = np.zeros(a.shape[0], record)["value"]
    out[...] = a
    return out


def stepped(a, *steps):
    """A view that walks `steps` through a larger array; negative steps walk backwards."""
    big = np.zeros([n * abs(s) for n, s in zip(a.shape, steps)], a.dtype)
    out = big[tuple(slice(None, None, s) for s in steps)]
    out[...] = a
    return out


def padded(a):
    out = np.zeros([n + 3 for n in a.shape], a.dtype)[tuple(slice(1, 1 + n) for n in a.shape)]
    out[...] = a
    return out


def odd_unit_axes(a):
    """Length-1 axes with strides that mean nothing."""
    return as_strided(a, a.shape, [7 if n == 1 else s for n, s in zip(a.shape, a.strides)])


MATRIX_LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "padded": padded,
    "padded F": lambda a: padded(a.T).T,
    "step rows": lambda a: stepped(a, 2, 1),
    "step columns": lambda a: stepped(a, 1, 3),
    "step both": lambda a: stepped(a, 2, 3),
    "negative rows": lambda a: stepped(a, -1, 1),
    "negative columns": lambda a: stepped(a, 1, -1),
    "negative both": lambda a: stepped(a, -1, -1),
    "negative both F": lambda a: stepped(a.T, -1, -1).T,
    "negative steps": lambda a: stepped(a, -2, -3),
    "misaligned": misaligned,
    "odd stride": odd_stride,
    "odd rows": odd_rows,
    "odd columns": lambda a: odd_rows(a.T).T,
    "odd unit axes": lambda a: odd_unit_axes(np.ascontiguousarray(a)),
    "odd unit axes F": lambda a: odd_unit_axes(np.asfortranarray(a)),
}
# Views whose elements share memory: operands only.
SHARED_LAYOUTS = {
    "zero rows": lambda a: np.broadcast_to(a[:1], a.shape) if len(a) else a,
    "zero columns": lambda a: np.broadcast_to(a[:, :1], a.shape) if a.shape[1] else a,
    "zero both": lambda a: np.broadcast_to(a[:1, :1], a.shape) if a.size else a,
    "sliding": lambda a: as_strided(
        np.arange(sum(a.shape) + 1).astype(a.dtype), a.shape, [a.itemsize, a.itemsize]
    ),
}
VECTOR_LAYOUTS = {
    "C": np.ascontiguousarray,
    "step": lambda a: stepped(a, 3),
    "negative": lambda a: stepped(a, -1),
    "negative step": lambda a: stepped(a, -2),
    "misaligned": misaligned,
    "odd stride": odd_stride,
    "odd unit axes": odd_unit_axes,
}
# Not aligned: what converts inputs hands an aligned copy to a program.
UNALIGNED = ("misaligned", "odd stride", "odd rows", "odd columns")
SHARED_VECTORS = {"zero": lambda a: np.broadcast_to(a[:1], a.shape) if len(a) else a}
