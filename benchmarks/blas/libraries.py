"""NumPy's and SciPy's own OpenBLAS, the raw routines called alike: what no kernel above can change.

A difference here is one that no kernel can make up for. It is why this package calls NumPy's library
where it is not older; SciPy's (`blas__ldflags=` empty, or wherever NumPy's is in doubt) is judged.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.linalg.blas

from benchmarks.blas.case import NUMPY, OURS, Case

SHAPES = ((16, 16, 16), (64, 64, 64), (128, 128, 128), (512, 512, 512), (128, 512, 128))
GEMV = ((256, 256), (1024, 1024))
SYRK = ((100, 100), (1000, 1000), (50, 10000), (20, 100000))
REAL = {"s": (ctypes.c_float, "float32"), "d": (ctypes.c_double, "float64")}


def loaded_libraries() -> dict[str, tuple[ctypes.CDLL, type, str]]:
    """Return OpenBLAS of NumPy (judged as such) and of SciPy: handle, integer, name of a routine.

    Names are templates in which ``{}`` is the routine. Empty where wheels do not bring OpenBLAS.
    """
    found: dict[str, tuple[ctypes.CDLL, type, str]] = {}
    for owner, module in ((OURS, scipy), (NUMPY, np)):
        directory = Path(str(module.__file__)).resolve().parents[1] / f"{module.__name__}.libs"
        for path in directory.glob("libscipy_openblas*"):
            long = bool(re.match("libscipy_openblas64_", path.name))
            template = "scipy_{}_64_" if long else "scipy_{}_"
            integer = ctypes.c_int64 if long else ctypes.c_int32
            found[owner] = (ctypes.CDLL(str(path)), integer, template)
    return found if len(found) == 2 else {}


def routine(library, name: str, *arguments) -> Callable:
    """Return a call with all arguments passed by reference; it returns the last array."""
    handle, integer, template = library
    function = getattr(handle, template.format(name))
    function.restype = None
    real = REAL[name[0]][0]
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]  # held as long as the call is
    words = {str: lambda v: ctypes.c_char(v.encode()), int: integer, float: real}
    given = [
        ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray)
        else ctypes.byref(words[type(a)](a))
        for a in arguments
    ]  # fmt: skip

    def call() -> np.ndarray:
        function(*given)
        return arrays[-1]

    return call


def cases(quick: bool = False) -> Iterator[Case]:
    if not loaded_libraries():
        return
    for p in "sd":
        for m, k, n in SHAPES[:1] if quick else SHAPES:
            yield case(f"{p}gemm NN ({m}, {k}, {n})", gemm(p, m, k, n))
        for m, n in () if quick else GEMV:
            yield case(f"{p}gemv N ({m}, {n})", gemv(p, "N", m, n))
            yield case(f"{p}gemv T ({m}, {n})", gemv(p, "T", m, n))
        for n, k in () if quick else SYRK:
            for trans in "NT":
                yield case(f"{p}syrk {trans} n = {n}, k = {k}", syrk(p, trans, n, k))


def case(name: str, build: Callable) -> Case:
    return Case(name, build, {"routine": name.split()[0]}, rtol=1e-3)


def each(p: str, name: str, *arguments) -> tuple[tuple, dict]:
    libraries = loaded_libraries()
    return (), {owner: routine(libraries[owner], p + name, *arguments) for owner in (OURS, NUMPY)}


def draw(p: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(REAL[p][1])


def gemm(p: str, m: int, k: int, n: int) -> Callable:
    def build():
        a, b, c = draw(p, k, m), draw(p, n, k), draw(p, n, m)
        return each(p, "gemm", "N", "N", m, n, k, 1.0, a, m, b, k, 0.0, c, m)

    return build


def gemv(p: str, trans: str, m: int, n: int) -> Callable:
    def build():
        a, x, y = draw(p, n, m), draw(p, max(m, n)), draw(p, max(m, n))
        return each(p, "gemv", trans, m, n, 1.0, a, m, x, 1, 0.0, y, 1)

    return build


def syrk(p: str, trans: str, n: int, k: int) -> Callable:
    def build():
        a, c = draw(p, k, n), draw(p, n, n)
        ld = n if trans == "N" else k
        return each(p, "syrk", "L", trans, n, k, 1.0, a, ld, 0.0, c, n)

    return build
