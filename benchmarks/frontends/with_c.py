"""The floor in C: `floor.c`, compiled when it is asked for, calling the BLAS this package calls.

Not a competitor but a bound: the loop over calls is in C too, results go to arrays that exist, and lengths
are known to be right. Rows whose time is not that of one routine or one loop are not written.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

import pytensor
from pytensor.tensor.blas._ldflags import get_provider

SOURCE = Path(__file__).with_name("floor.c")
FLAGS = ("-std=gnu11", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math",
         "-fopenmp-simd", "-shared", "-fPIC")  # fmt: skip
if platform.machine() in {"x86_64", "AMD64"}:
    # The floor is to be low: gcc prefers 256 bits, also where 512 are a fifth faster.
    FLAGS += ("-mprefer-vector-width=512",)
ROUTINES = ("dgemm", "dgemv", "dsyrk")
LIBRARY = np
NOT_WRITTEN = ("gp", "hierarchical", "mlp", "rnn", "wide", "deep", "layers", "outputs", "steps")
WRITTEN = (
    *("empty", "total", "chain", "gemv", "gemm", "product", "ger", "symmetric_rows"),
    *("symmetric_columns", "batched", "associate", "gemv_scan", "logistic", "ar1", "kalman"),
    "power",
)
globals().update({family: family for family in WRITTEN})
MISSING = dict.fromkeys(NOT_WRITTEN, "the time is not that of one routine or one loop")


class Floor:
    """A function of `floor.c` on fixed arrays: a call copies results out, `repeat` only computes."""

    def __init__(self, function, arrays, results, fixed: int):
        provider = get_provider()
        self.held = arrays, results, provider
        lengths = [n for array in arrays for n in array.shape]
        self.inputs, self.results = arrays, results
        pointers = [array.ctypes.data for array in (*arrays, *results)]
        self.arguments = (
            (ctypes.c_void_p * len(pointers))(*pointers),
            (ctypes.c_int64 * max(1, len(lengths)))(*lengths),
            ctypes.c_int64(fixed),
            (ctypes.c_void_p * len(ROUTINES))(*provider.pointers(ROUTINES)),
        )
        self.function = function

    def repeat(self, calls: int) -> None:
        self.function(ctypes.c_int64(calls), *self.arguments)

    def __call__(self, *inputs):
        for mine, given in zip(self.inputs, inputs, strict=True):
            np.copyto(mine, given)
        self.repeat(1)
        return [result.copy() for result in self.results]


def compile_row(family, row, inputs, state):
    shapes = [x.shape for x in row.expected(1)[0]]
    inputs = [x.copy() for x in inputs]
    function = getattr(ctypes.CDLL(str(shared_object())), family)
    function.restype = None
    results = [np.empty(shape) for shape in shapes]
    return Floor(function, inputs, results, next(iter(row.options.values()), 0))


def shared_object(source: Path = SOURCE) -> Path:
    """Compile `floor.c` into the directory of the caches (the current one), once per text."""
    headers = Path(pytensor.__file__).parent / "link" / "c" / "c_code"
    flags = [*FLAGS, f"-DBLAS_INT_BITS={get_provider().int_bits}", f"-I{headers}"]
    text = (
        source.read_bytes()
        + SOURCE.read_bytes()
        + (headers / "vector_math.h").read_bytes()
        + repr(flags).encode()
    )
    target = Path(f"{source.stem}-{hashlib.sha256(text).hexdigest()[:16]}.so").resolve()
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}")
        command = [os.environ.get("CC", "cc"), *flags, str(source), "-o", str(part), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        sys.stderr.write(done.stderr)
        part.replace(target)
    return target
