"""Lengths, offsets and indices at the ends of int64 and uint64: NumPy's answer or an exception.

They used to write or read outside of arrays, so that all run in a process of their own.
"""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np, pytensor, pytensor.tensor as pt
x, matrix, tensor3 = pt.vector("x"), pt.matrix("m"), pt.tensor3("t")
n, m, k = pt.lscalars("nmk")
i, many = pt.scalar("i", dtype="uint64"), pt.vector("many", dtype="uint64")
lengths = pt.lvector("lengths")
four, last = np.arange(4.0), 2**64 - 1

compiled = pytensor.function

def raises(kind, f, *args):
    try:
        f(*args)
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")
"""
CASES = {
    "eye_without_columns": """
f = compiled([n, m, k], pt.eye(n, m, k))
assert f(100_000, 0, 0).shape == (100_000, 0) and f(0, 100_000, 0).shape == (0, 100_000)
for offset in (-2**63, -2**63 + 1, -4, 4, 2**63 - 1):
    assert not f(3, 3, offset).any(), offset
for offset in (-2, 0, 1):
    np.testing.assert_array_equal(f(3, 4, offset), np.eye(3, 4, offset))
""",
    "repeat": """
f = compiled([x, lengths], pt.repeat(x, lengths))
raises(MemoryError, f, four, np.array([2**62] * 4))
np.testing.assert_array_equal(f(four, np.array([0, 1, 2, 0])), [1, 2, 2])
""",
    "split": """
f = compiled([x, lengths], [part.sum() for part in pt.split(x, splits_size=lengths, n_splits=3)])
raises(ValueError, f, four, np.array([2**63 - 1, 2**63 - 1, 6]))
raises(ValueError, f, four, np.array([1, 4, 0]))
assert f(four, np.array([1, 3, 0])) == [0, 6, 0]
""",
    "unsigned_indices": """
raises(IndexError, compiled([x, i], x[i]), four, np.uint64(last))
raises(IndexError, compiled([x, many], x[many]), four, np.array([last], "uint64"))
f = compiled([x, i], [x[:i], x[i:], pt.set_subtensor(x[:i], 7.0)])
first, rest, changed = f(four, np.uint64(last))
assert first.tolist() == [0, 1, 2, 3] and rest.size == 0 and changed.tolist() == [7] * 4
""",
    "scan_over_empty_rows": """
f = compiled([tensor3], pytensor.scan(lambda row, s: pt.tanh(row + 0.5 * s), sequences=[tensor3],
    outputs_info=[pt.zeros_like(tensor3[0])], return_updates=False)[-1])
assert f(np.ones((8, 0, 2))).shape == (0, 2)
""",
}


@pytest.mark.parametrize("name", CASES)
def test_extreme_numbers(name):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM + CASES[name]], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
