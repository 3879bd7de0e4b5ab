"""The C helpers of tensor/blas/c_code as Python functions on NumPy arrays."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

from pytensor.tensor.blas._ldflags import BLAS_NAMES, scipy_provider

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
C_CODE = ROOT / "pytensor" / "tensor" / "blas" / "c_code"
KERNEL_CODE = ROOT / "pytensor" / "link" / "c" / "c_code"
LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


class MatrixView(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        *[(name, ctypes.c_int64) for name in ("rows", "cols", "row_stride", "col_stride")],
        ("conj", ctypes.c_bool),
    ]

    @classmethod
    def of(cls, a, conj=False):
        return cls(a.ctypes.data, *a.shape, *a.strides, conj)


class VectorView(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_int64),
        ("stride", ctypes.c_int64),
        ("conj", ctypes.c_bool),
    ]

    @classmethod
    def of(cls, a, conj=False):
        return cls(a.ctypes.data, *a.shape, *a.strides, conj)


class BatchAxis(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("size", "x", "y", "z")]


class Batch(ctypes.Structure):
    _fields_ = [("ndim", ctypes.c_int64), ("axis", BatchAxis * 64)]

    @classmethod
    def of(cls, *arrays):
        """The batch axes of x, y and z, whose lengths of 1 are broadcast to z's."""
        *_, z = arrays
        steps = [[s if n > 1 else 0 for n, s in zip(a.shape, a.strides)] for a in arrays]
        axes = [BatchAxis(*item) for item in zip(z.shape[:-2], *steps)]
        return cls(len(axes), (BatchAxis * 64)(*axes))


def compiler(name="gcc"):
    return shutil.which(name) or shutil.which("cc")


def compile_harness(directory, flags=()):
    """Build harness.c into a shared object and return its path."""
    out = Path(directory) / "harness.so"
    command = [compiler(), "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    if os.environ.get("PYTENSOR_TEST_SANITIZE"):
        command += ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += [*flags, f"-I{C_CODE}", f"-I{HERE}", str(HERE / "harness.c"), "-o", str(out)]
    subprocess.run(command, check=True)
    return out


class Helpers:
    """Calls the helpers and returns the number of copies they made; negative is an error."""

    def __init__(self, path, limit=None, table=None):
        self.lib = ctypes.CDLL(str(path))
        addresses = table or scipy_provider().pointers(BLAS_NAMES)
        self.limit = limit
        self.table = (ctypes.c_void_p * len(addresses))(*addresses)

    def _call(self, routine, letter, *args):
        function = getattr(self.lib, f"test_{routine}_{letter}")
        return function(self.table, *[ctypes.byref(arg) for arg in args])

    @staticmethod
    def scalar(value, dtype):
        return np.asarray(value, dtype=dtype).reshape(1)

    def _scalars(self, dtype, *values):
        return [
            ctypes.c_char.from_buffer(bytearray(np.asarray(v, dtype=dtype).tobytes()))
            for v in values
        ]

    def gemm(self, alpha, x, y, beta, z, conj=(False, False)):
        a, b = self._scalars(z.dtype, alpha, beta)
        views = MatrixView.of(x, conj[0]), MatrixView.of(y, conj[1]), MatrixView.of(z)
        return self._call("gemm", LETTERS[z.dtype.name], a, *views[:2], b, views[2])

    def gemv(self, alpha, m, x, beta, y, conj=False):
        a, b = self._scalars(y.dtype, alpha, beta)
        views = MatrixView.of(m, conj), VectorView.of(x), VectorView.of(y)
        return self._call("gemv", LETTERS[y.dtype.name], a, *views[:2], b, views[2])

    def syrk(self, alpha, x, beta, old, z, hermitian=False):
        a, b = self._scalars(z.dtype, alpha, beta)
        views = MatrixView.of(x), MatrixView.of(old), MatrixView.of(z)
        flag = ctypes.c_int(hermitian)
        return self._call("syrk", LETTERS[z.dtype.name], flag, a, views[0], b, *views[1:])

    def ger(self, alpha, x, y, a, z, conj=(False, False)):
        (scale,) = self._scalars(z.dtype, alpha)
        views = VectorView.of(x, conj[0]), VectorView.of(y, conj[1])
        views += MatrixView.of(a), MatrixView.of(z)
        return self._call("ger", LETTERS[z.dtype.name], scale, *views)

    def batched(self, alpha, x, y, beta, z):
        a, b = self._scalars(z.dtype, alpha, beta)
        views = [
            MatrixView(m.ctypes.data, *m.shape[-2:], *m.strides[-2:], False) for m in (x, y, z)
        ]
        batch = Batch.of(x, y, z)
        return self._call("batched", LETTERS[z.dtype.name], a, *views[:2], b, views[2], batch)
