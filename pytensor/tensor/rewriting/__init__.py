"""The laws of arrays, one file per subject; each registers its rules when imported.

`pytensor.tensor` names this package to `optdb`, which imports it at its first query.
"""

import importlib.util

# In this order rules of equal standing are tried; a subject builds on the ones above it.
_SUBJECTS = (
    "basic",
    "shape",
    "elemwise",
    "math",
    "subtensor",
    "subtensor_lift",
    "extra_ops",
    "special",
    "ofg",
    "blockwise",
    "linalg",
    "einsum",
    "jax",
    "numba",
    "random",
    "blas",
    "inplace",
    "fusion",
)


def _load_subjects() -> None:
    for subject in _SUBJECTS:
        name = f"{__name__}.{subject}"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


_load_subjects()
