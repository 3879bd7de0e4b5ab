"""Helper or inlined code? Nanoseconds per product of n x n matrices, float64.

``python benchmarks/blas_helpers/run.py`` from the repository; needs a C compiler.
"""

import ctypes
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tensor" / "blas")]

from blas_helpers import MatrixView, VectorView  # noqa: E402

from pytensor.tensor.blas._ldflags import BLAS_NAMES, scipy_provider  # noqa: E402

WAYS = ("helper", "library", "by hand", "loops", "zero + by hand")
SQUARE = (1, 2, 3, 4, 5, 6, 8, 16, 32, 64)
THIN = ((1000, 2, 1000), (1000, 8, 1000), (2000, 16, 64), (16, 512, 16), (1, 64, 64), (64, 64, 1))


def load(extra=()):
    out = Path(tempfile.mkdtemp()) / "bench.so"
    flags = ["-std=gnu11", "-O3", "-march=native", "-shared", "-fPIC", *extra]
    include = f"-I{ROOT / 'pytensor' / 'tensor' / 'blas' / 'c_code'}"
    subprocess.run(["gcc", *flags, include, str(HERE / "bench.c"), "-o", str(out)], check=True)
    lib = ctypes.CDLL(str(out))
    for name in ("bench_gemv", "bench_ger"):
        getattr(lib, name).restype = ctypes.c_double
    return lib


def time_gemm(lib, table, rng):
    """Time each way of calling for each size; the ways take turns."""
    print(" " * 15 + "".join(f"{way:>10}" for way in WAYS))
    rows = {}
    for m, k, n in (*((n, n, n) for n in SQUARE), *THIN):
        x, y, z = (rng.normal(size=s) for s in ((m, k), (k, n), (m, n)))
        views = [ctypes.byref(MatrixView.of(a)) for a in (x, y, z)]
        calls = ctypes.c_long(max(1, 2_000_000 // (1000 + m * k * n // 5)))
        best = (ctypes.c_double * len(WAYS))()
        lib.bench_gemm(table, best, *views, calls)
        rows[f"{m} x {k} x {n}"] = dict(zip(WAYS, (round(t, 1) for t in best)))
        print(f"{m:5d}{k:5d}{n:5d}" + "".join(f"{t:10.1f}" for t in best))
    return rows


def time_vectors(lib, table, rng):
    print("gemv   n   helper    loops  by hand")
    for n in (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 512):
        a, x, y = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=n)
        views = [ctypes.byref(v) for v in (MatrixView.of(a), VectorView.of(x), VectorView.of(y))]
        calls = ctypes.c_long(max(1, 20_000_000 // (200 * 50 + n**2 * 20)))
        times = [lib.bench_gemv(table, how, *views, calls) for how in range(3)]
        print(f"{n:8d}" + "".join(f"{t:9.0f}" for t in times))
    print("ger    n   helper    loops  library")
    for n in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048):
        a, x, y = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=n)
        views = [ctypes.byref(v) for v in (VectorView.of(x), VectorView.of(y), MatrixView.of(a))]
        calls = ctypes.c_long(max(1, 10_000_000 // (200 * 50 + n**2 * 10)))
        times = [lib.bench_ger(table, how, *views, calls) for how in range(3)]
        print(f"{n:8d}" + "".join(f"{t:9.0f}" for t in times))


def main():
    lib = load()
    provider = scipy_provider()
    addresses = provider.pointers(BLAS_NAMES)
    table = (ctypes.c_void_p * len(addresses))(*addresses)
    rng = np.random.default_rng(0)
    rows = time_gemm(lib, table, rng)
    record = {
        "what": "nanoseconds per float64 product m x k x n, best of 25 interleaved rounds",
        "machine": platform.processor() or platform.machine(),
        "blas": f"{provider.name} {provider.version}".strip(),
        "gemm": rows,
    }
    (HERE / "result.json").write_text(json.dumps(record, indent=1) + "\n")
    time_vectors(lib, table, rng)


if __name__ == "__main__":
    main()
