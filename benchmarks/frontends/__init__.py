"""Who computes: one module per library, with one function per family of workloads.

A front end module has

- a function ``family(*arguments, *state, **options)`` for every family it can do,
- ``compile_row(family_function, row, inputs, state)``, which returns a function of the inputs.

Importing it imports its library. FRONTENDS says how to start each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OURS = "ours"
BY_HAND = "numpy"
FLOOR = "c"


@dataclass(frozen=True)
class Frontend:
    """How to start one competitor.

    Attributes
    ----------
    name, title
        On the command line, and in the table.
    module
        Its module in this package.
    library
        What must be importable.
    settings
        Environment; ``{cache}`` is the directory of this row's caches, ``{blas}`` the link flags
        given by `--upstream-blas`.
    compiles
        Whether there is anything to measure before the first call.
    floor
        Whether it is a bound (raw C) and not a competitor: left out of "the best peer".
    uses_ours
        Whether it needs this checkout on its search path.
    """

    name: str
    title: str
    module: str
    library: str
    settings: Mapping[str, str] = field(default_factory=dict)
    compiles: bool = True
    floor: bool = False
    uses_ours: bool = False


_JAX_SETTINGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": "{cache}/jax",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
_COMMON_FLAGS = "base_compiledir={cache}/pytensor"

FRONTENDS = {
    frontend.name: frontend
    for frontend in (
        Frontend(OURS, "this package", "with_pytensor", "pytensor",
                 {"PYTENSOR_FLAGS": _COMMON_FLAGS}, uses_ours=True),
        Frontend(FLOOR, "C floor", "with_c", "numpy", {"PYTENSOR_FLAGS": _COMMON_FLAGS},
                 compiles=False, floor=True, uses_ours=True),
        Frontend(BY_HAND, "NumPy by hand", "with_numpy", "numpy", compiles=False),
        Frontend("jax", "jax.jit", "with_jax", "jax", _JAX_SETTINGS),
        Frontend("upstream", "PyTensor Numba", "with_pytensor", "pytensor",
                 {"PYTENSOR_FLAGS": _COMMON_FLAGS + ",mode=NUMBA",
                  "NUMBA_CACHE_DIR": "{cache}/numba"}),
        Frontend("upstream-c", "PyTensor C", "with_pytensor", "pytensor",
                 {"PYTENSOR_FLAGS": _COMMON_FLAGS + ",linker=cvm,blas__ldflags={blas}"}),
        Frontend("torch", "torch eager", "with_torch", "torch", compiles=False),
        Frontend("numba", "Numba by hand", "with_numba", "numba",
                 {"NUMBA_CACHE_DIR": "{cache}/numba"}),
    )
}  # fmt: skip
