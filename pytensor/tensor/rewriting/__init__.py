"""The laws of arrays, one file per subject; each registers its rules when imported.

`pytensor.tensor` names this package to `optdb`, which imports it at its first query.
"""

import importlib
import pkgutil

# In this order rules of equal standing are tried; a subject builds on the ones above it.
_SUBJECTS = (
    "basic",
    "reshape",
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
    """Import the subjects above, which import the files they are made of."""
    present = {module.name for module in pkgutil.iter_modules(__path__)}
    for subject in _SUBJECTS:
        if subject in present:
            importlib.import_module(f"{__name__}.{subject}")


_load_subjects()
