"""Numbers at the ends of int64: an answer or an error, never foreign memory.

See also tests/reliability/test_extreme_numbers.py.
"""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.link.c.toolchain import find_compiler

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

LEAST, MOST = -(2**63), 2**63 - 1
i, j, k = pt.lscalar("i"), pt.lscalar("j"), pt.lscalar("k")
x, v = pt.dvector("x"), pt.lvector("v")


def in_c(inputs, output):
    return pytensor.function(inputs, output, mode="C")


def test_shapes_whose_size_wraps_are_refused():
    """2**32 * 2**32 is 0 in 64 bits, the size of an empty array."""
    reshape = in_c([x, i, j], x.reshape((i, j)) + 1)
    with pytest.raises(ValueError, match="that large"):
        reshape(np.zeros(0), 2**32, 2**32)
    with pytest.raises(ValueError, match="that large"):
        reshape(np.zeros(4), 2**62 + 1, 4)
    assert reshape(np.zeros(0), 0, 5).shape == (0, 5)


def test_lengths_whose_sum_wraps_are_refused():
    many = np.broadcast_to(np.int8(1), (2**62,))
    b = pt.bvector("b")
    with pytest.raises(MemoryError):
        in_c([b], pt.join(0, b, b, b, b) + 1)(many)


@pytest.mark.parametrize(
    "start, stop, step",
    [
        (LEAST, MOST, 2**62),
        (MOST, LEAST, LEAST),
        (MOST, LEAST, -(2**61)),
        (5, -5, LEAST),
        (LEAST, LEAST + 3, 1),
        (MOST, MOST, 1),
    ],
)
def test_ranges_between_the_ends(start, stop, step):
    got = in_c([i, j, k], pt.arange(i, j, k))(start, stop, step)
    np.testing.assert_array_equal(got, np.array(range(start, stop, step), dtype="int64"))


def test_a_range_of_everything_is_refused():
    with pytest.raises(ValueError, match="length"):
        in_c([i, j, k], pt.arange(i, j, k))(LEAST, MOST, 1)


def test_slices_with_numbers_at_the_ends():
    f = in_c([i, j, k, x], x[i:j:k])
    values, ends = np.arange(5.0), (LEAST, -1, 0, 1, MOST)
    for start in ends:
        for stop in ends:
            for step in (LEAST, -1, 1, 2, MOST):
                got = f(start, stop, step, values)
                np.testing.assert_array_equal(
                    got, values[start:stop:step], f"{start}:{stop}:{step}"
                )


@pytest.mark.parametrize("index", [LEAST, -4, 3, MOST])
def test_index_out_of_bounds(index):
    with pytest.raises(IndexError, match=rf"index {index} is out of bounds"):
        in_c([x, i], x[i] + 1)(np.zeros(3), index)
    with pytest.raises(IndexError, match=rf"index {index} is out of bounds"):
        in_c([x, v], pt.inc_subtensor(x[v], 1.0))(np.zeros(3), np.array([0, index]))
