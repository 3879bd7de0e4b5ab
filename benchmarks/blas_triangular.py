"""Do triangular and symmetric BLAS routines gain over the general ones? Ratios, float64, one thread.

``python benchmarks/blas_triangular.py [--quick]`` from the repository; needs a C compiler. The
routines are SciPy's own, called from C; the contenders take turns and the ratios are medians of
the rounds, so that what else the machine does hits all alike. Above 1 the routine is faster.

SciPy's OpenBLAS 0.3.30, 2026-11-22, gemm / routine:

    n x n times n x m    8     16     32     64    128    256    512   1000   2000
    trmm, m = n       0.08   0.61   0.72   0.99   1.81   1.91   1.94   1.93   1.98
    trmm, m = 4       0.47   0.51   0.57   0.50   0.46   0.41   1.47   1.95   1.78
    trmm, m = 8 n     0.64   0.78   1.07   1.66   1.83   1.81
    symm, m = n       0.39   0.44   0.53   0.72   1.01   1.07   1.00   1.00   1.00
    trmv / gemv       0.86   0.64   0.58   0.75   0.94   1.39   1.31   1.88   1.85
    trsm, m = n, against scipy.linalg.solve_triangular
                        68     41    7.8    2.9    1.8    1.8    1.4    1.1    1.1
    trsv, against the same
                       120     57     30     14      6    3.4    1.9    1.6    1.3

Decisions: `Trmm` calls trmm from 64 rows and 32 columns on and gemm below; for few columns, and
for a vector (`Trmv`), blocks of gemm and gemv without the zeros, which need no copy of X
(c_code/trmm.c). symm never gains: there is no Symm. SolveTriangular and CholeskySolve call trsm
in C; a vector is solved in blocks by gemv and substitution, since trsm of one column takes 1.2 to
5.7 times as long as trsv.
"""

import ctypes
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.linalg import cython_blas, solve_triangular

HERE = Path(__file__).resolve().parent
ROUTINES = ("dgemm", "dsymm", "dtrmm", "dtrsm", "dgemv", "dtrmv", "dtrsv")
HOW = {
    "gemm": 0,
    "tril+gemm": 1,
    "trmm": 2,
    "trmm, transposed": 3,
    "symm": 4,
    "trsm": 5,
    "trsm on columns": 6,
    "gemv": 7,
    "trmv": 8,
    "tril+gemv": 9,
    "trsv": 10,
    "trsm of one column": 11,
    "substitution": 12,
}
MATRIX_RATIOS = (
    ("gemm", "trmm"),
    ("gemm", "trmm, transposed"),
    ("tril+gemm", "trmm"),
    ("gemm", "symm"),
    ("SciPy", "trsm"),
    ("trsm on columns", "trsm"),
)
VECTOR_RATIOS = (
    ("gemv", "trmv"),
    ("tril+gemv", "trmv"),
    ("SciPy", "trsv"),
    ("trsm of one column", "trsv"),
    ("substitution", "trsv"),
)
SIZES = (8, 16, 32, 64, 128, 256, 512, 1000, 2000)
ROUNDS = 9


def load():
    out = Path(tempfile.mkdtemp()) / "bench.so"
    flags = ["-std=gnu11", "-O3", "-march=native", "-Wall", "-Wextra", "-shared", "-fPIC"]
    command = [os.environ.get("CC", "cc"), *flags, str(HERE / "blas_triangular.c"), "-o", str(out)]
    subprocess.run(command, check=True)
    bench = ctypes.CDLL(str(out)).bench
    bench.restype = ctypes.c_double
    pointer, number = ctypes.c_void_p, ctypes.c_int
    bench.argtypes = [pointer, number, *[pointer] * 4, number, number, ctypes.c_int64]
    return bench, (pointer * len(ROUTINES))(*map(address, ROUTINES))


def address(routine):
    """Where SciPy's BLAS has a routine."""
    capsule = cython_blas.__pyx_capi__[routine]
    get_name, get_pointer = (
        ctypes.pythonapi.PyCapsule_GetName,
        ctypes.pythonapi.PyCapsule_GetPointer,
    )
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return get_pointer(capsule, get_name(capsule))


class Contest:
    """All the ways to compute with one lower triangle and one right-hand side."""

    def __init__(self, bench, table, n, m):
        rng = np.random.default_rng(n)
        self.a = np.tril(rng.normal(size=(n, n))) / n + np.eye(n)
        self.b = rng.normal(size=(n, m))
        self.z, self.work = np.empty_like(self.b), np.empty_like(self.a)
        self.bench, self.table = bench, table

    def __call__(self, how, calls):
        if how == "SciPy":
            return self.scipy(calls)
        data = (v.ctypes.data for v in (self.a, self.b, self.z, self.work))
        return self.bench(self.table, HOW[how], *data, *self.b.shape, calls)

    def scipy(self, calls):
        b = self.b[:, 0] if self.b.shape[1] == 1 else self.b
        start = time.process_time_ns()
        for _ in range(calls):
            solve_triangular(self.a, b, lower=True, check_finite=False)
        return (time.process_time_ns() - start) / calls

    def ratios(self, pairs):
        ways = list(dict.fromkeys(way for pair in pairs for way in pair))
        calls = {way: max(1, int(3e6 / max(self(way, 1), self(way, 1)))) for way in ways}
        rounds = [{way: self(way, calls[way]) for way in ways} for _ in range(ROUNDS)]
        return [statistics.median(r[slow] / r[fast] for r in rounds) for slow, fast in pairs]


def table_of(title, pairs, cases, bench, table):
    print(f"{title:>12}" + "".join(f"{slow + ' / ' + fast:>30}" for slow, fast in pairs))
    for n, m in cases:
        ratios = Contest(bench, table, n, m).ratios(pairs)
        print(f"{n:7d}{m:5d}" + "".join(f"{ratio:30.2f}" for ratio in ratios), flush=True)


def main():
    sizes = SIZES[:-3] if "--quick" in sys.argv else SIZES
    bench, table = load()
    table_of("square", MATRIX_RATIOS, [(n, n) for n in sizes], bench, table)
    table_of("thin", MATRIX_RATIOS, [(n, 4) for n in sizes], bench, table)
    table_of("wide", MATRIX_RATIOS, [(n, 8 * n) for n in sizes if n <= 256], bench, table)
    table_of("vector", VECTOR_RATIOS, [(n, 1) for n in sizes], bench, table)


if __name__ == "__main__":
    main()
