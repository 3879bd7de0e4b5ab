"""What is asked of a BLAS by calling it: the width of its integers, old output, speed."""

import ctypes
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np

__all__ = ["gemm_seconds", "measure_integer_bits", "reads_old_output", "wrong_routines"]

_DTYPES = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}


def _routine(address: int, n_arguments: int) -> Callable[..., None]:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * n_arguments)(address)


def measure_integer_bits(daxpy: int) -> int:
    """Return how many bits of its first argument ``daxpy`` reads.

    The length is 1 in its low half and negative as a whole: the 32-bit routine adds one number,
    the 64-bit one returns at once, as daxpy does for lengths below 1.
    """
    n, one = ctypes.c_int64(-(1 << 32) + 1), ctypes.c_int64(1)
    alpha, x, y = ctypes.c_double(1.0), ctypes.c_double(2.0), ctypes.c_double(3.0)
    args = (n, alpha, x, one, y, one)
    _routine(daxpy, 6)(*(ctypes.addressof(arg) for arg in args))
    return 32 if y.value == 5.0 else 64


def gemm_call(
    address: int, int_bits: int, x: np.ndarray, y: np.ndarray, z: np.ndarray, beta: float = 0.0
) -> Callable[[], None]:
    """A function that computes Z <- X Y + beta Z for square matrices by columns."""
    keep = (
        np.array([len(z)], np.int64 if int_bits == 64 else np.int32),
        np.ones(1, z.dtype),
        np.full(1, beta, z.dtype),
        np.frombuffer(b"N", np.uint8),
    )
    n, one, scale, letter = (array.ctypes.data for array in keep)
    a, b, c = (array.ctypes.data for array in (x, y, z))
    routine = _routine(address, 13)

    def call(_keep=(keep, x, y, z)) -> None:
        routine(letter, letter, n, n, n, one, a, n, b, n, scale, c, n)

    return call


def _gemv_call(address: int, int_bits: int, x: np.ndarray, z: np.ndarray) -> Callable[[], None]:
    """A function that computes the first column of Z as X times the first column of X."""
    integer = np.int64 if int_bits == 64 else np.int32
    keep = (
        np.array([len(z)], integer),
        np.ones(1, integer),
        np.ones(1, z.dtype),
        np.zeros(1, z.dtype),
        np.frombuffer(b"N", np.uint8),
    )
    n, step, one, zero, letter = (array.ctypes.data for array in keep)
    a, c = x.ctypes.data, z.ctypes.data
    routine = _routine(address, 11)

    def call(_keep=(keep, x, z)) -> None:
        routine(letter, n, n, one, a, n, a, step, zero, c, step)

    return call


def reads_old_output(routines: Mapping[str, int], int_bits: int) -> bool:
    """Tell whether a library's gemm or gemv lets old NaN through although beta is 0.

    Sizes 2 and 40 reach the kernels for small and for large products.
    """
    for letter, dtype in _DTYPES.items():
        for n in (2, 40):
            x, z = np.ones((n, n), dtype), np.full((n, n), np.nan, dtype)
            gemm_call(routines[f"{letter}gemm"], int_bits, x, x, z)()
            v = np.full(n, np.nan, dtype)
            _gemv_call(routines[f"{letter}gemv"], int_bits, x, v)()
            if not np.all(z == n) or not np.all(v == n):
                return True
    return False


# How routines are tried, argument by argument: capital letters are characters, n the size, i a
# step of 1, 1 and 0 numbers, x and y the operands, z the result (each by columns).
_CALLS = {
    "gemm": "T N n n n 1 x n y n 0 z n",
    "gemv": "T n n 1 x n y i 0 z i",
    "ger": "n n 1 x i y i z n",
    "geru": "n n 1 x i y i z n",
    "gerc": "n n 1 x i y i z n",
    "syrk": "U N n n 1 x n 0 z n",
    "herk": "U N n n 1 x n 0 z n",
    "symm": "L U n n 1 x n y n 0 z n",
    "trmm": "L U N N n n 1 x n z n",
    "trsm": "L U N U n n 1 x n z n",
}


def _results(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of (z before, z after) for each routine, computed without BLAS."""

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a[:, :, None] * b[None]).sum(1)

    upper, strict = np.triu(x), np.triu(x, 1)
    nothing, nan = np.zeros_like(x), np.full_like(x, np.nan)
    first = np.zeros_like(x)
    first[:, :1] = product(x.T, y[:, :1])
    return {
        "gemm": (nan, product(x.T, y)),
        "gemv": (nothing, first),
        "ger": (nothing, x[:, :1] * y[:, 0]),
        "geru": (nothing, x[:, :1] * y[:, 0]),
        "gerc": (nothing, x[:, :1] * y[:, 0].conj()),
        "syrk": (nothing, np.triu(product(x, x.T))),
        "herk": (nothing, np.triu(product(x, x.conj().T))),
        "symm": (nan, product(upper + strict.T, y)),
        "trmm": (y, product(upper, y)),
        "trsm": (product(strict, y) + y, y),
    }


def wrong_routines(routines: Mapping[str, int], int_bits: int) -> list[str]:
    """Return the names of the routines that give wrong numbers for small matrices of integers.

    Parameters
    ----------
    routines : mapping
        From names to addresses; names of real and complex routines differ as in BLAS.
    int_bits : int
        Width of the library's integers.
    """
    wrong = []
    letters = {letter: np.frombuffer(letter.encode(), np.uint8) for letter in "TNLU"}
    sizes = {"n": 3, "i": 1}
    integers = {key: np.array([v], f"i{int_bits // 8}") for key, v in sizes.items()}
    x, y = (np.arange(9.0).reshape(3, 3) % period - 1 for period in (5, 4))
    for kinds, u, v in (("sd", x, y), ("cz", x + 1j * y, y - 1j * x)):
        results = _results(u, v)
        for kind in kinds:
            dtype = _DTYPES[kind]
            operands = {"x": np.array(u, dtype, order="F"), "y": np.array(v, dtype, order="F")}
            numbers = {"1": np.ones(1, dtype), "0": np.zeros(1, dtype)}
            given = {**letters, **integers, **numbers, **operands}
            at = {name: array.ctypes.data for name, array in given.items()}
            for name, (before, after) in results.items():
                address = routines.get(f"{kind}{name}")
                if address:
                    z = np.array(before, dtype, order="F")
                    at["z"] = z.ctypes.data
                    arguments = [at[word] for word in _CALLS[name].split()]
                    _routine(address, len(arguments))(*arguments)
                    if not (z == after).all():
                        wrong.append(f"{kind}{name}")
    return wrong


def gemm_seconds(address: int, int_bits: int, n: int = 256, budget: float = 0.05) -> float:
    """Return the best time of ``dgemm`` for `n` by `n` matrices within about `budget` seconds."""
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(n, n)), rng.normal(size=(n, n)), np.empty((n, n))
    call = gemm_call(address, int_bits, x, y, z)
    call()
    return best_time(call, budget)


def best_time(call: Callable[[], object], budget: float) -> float:
    """Return the shortest time of a call, out of at least five and for about `budget` seconds."""
    best, began, count = float("inf"), perf_counter(), 0
    while count < 5 or perf_counter() - began < budget:
        start = perf_counter()
        call()
        best = min(best, perf_counter() - start)
        count += 1
    return best
