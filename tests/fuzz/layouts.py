"""Arrays of every memory layout a user may hand to a compiled function."""

import numpy as np


def c_order(a, rng):
    return np.ascontiguousarray(a)


def f_order(a, rng):
    return np.asfortranarray(a)


def transposed(a, rng):
    """The same values, stored with the axes in a random order."""
    order = rng.permutation(a.ndim)
    return np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))


def stepped(a, rng):
    """Every second (or third) element of a larger block filled with other numbers."""
    step = int(rng.integers(2, 4))
    block = np.ones([step * n + 1 for n in a.shape], dtype=a.dtype)
    view = block[tuple(slice(1, 1 + step * n, step) for n in a.shape)]
    view[...] = a
    return view


def negative(a, rng):
    """Stored backwards along a random set of axes."""
    flip = tuple(slice(None, None, -1) if rng.random() < 0.6 else slice(None) for _ in a.shape)
    return np.ascontiguousarray(a[flip])[flip]


def zero_stride(a, rng):
    """One axis repeated with stride 0: the values change, the shape does not."""
    if a.ndim == 0 or a.size == 0:
        return a
    axis = int(rng.integers(a.ndim))
    return np.broadcast_to(a.take([0], axis=axis), a.shape)


def read_only(a, rng):
    a = a.copy()
    a.flags.writeable = False
    return a


def misaligned(a, rng):
    """Data that begins one byte after an element boundary."""
    raw = np.empty(a.nbytes + 1, dtype=np.uint8)[1:]
    view = raw[: a.nbytes].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


LAYOUTS = [c_order, c_order, f_order, transposed, stepped, negative, zero_stride, read_only]
LAYOUTS.append(misaligned)


def random_layout(a, rng, layouts=LAYOUTS):
    """`a` in a randomly chosen layout, and the name of that layout."""
    if a.ndim == 0:
        return np.array(a), "c_order"
    choice = layouts[int(rng.integers(len(layouts)))]
    return choice(a, rng), choice.__name__
