"""Load ``scipy.linalg.cython_blas`` and ``cython_lapack`` without the rest of ``scipy.linalg``.

Importing ``scipy.linalg`` takes 100 to 200 ms, most of it for array-API and testing modules that
have nothing to do with BLAS; the two extension modules themselves take 5.
"""

import importlib
import importlib.util
import sys
import threading
from importlib.machinery import PathFinder
from types import ModuleType

__all__ = ["capsule_table"]

_PACKAGE = "scipy.linalg"
_lock = threading.Lock()


def capsule_table(name: str) -> dict[str, object]:
    """Return the table of C functions that an extension module of ``scipy.linalg`` exports.

    Parameters
    ----------
    name : {"cython_blas", "cython_lapack"}
        Module below ``scipy.linalg``.
    """
    module = _load_alone(name) if _PACKAGE not in sys.modules else None
    if module is None:
        module = importlib.import_module(f"{_PACKAGE}.{name}")
    return module.__pyx_capi__


def _load_alone(name: str) -> ModuleType | None:
    """The extension module, loaded from its file; None if it cannot be had in this way.

    ``sys.modules`` is left as it was: a later import of ``scipy.linalg`` runs as always, and
    gets the same module object, since extension modules made by Cython exist once per process.
    """
    # On Windows this is what makes the libraries beside SciPy loadable.
    scipy = importlib.import_module("scipy")
    full_name = f"{_PACKAGE}.{name}"
    with _lock:
        spec = PathFinder.find_spec(full_name, [f"{place}/linalg" for place in scipy.__path__])
        if spec is None or spec.loader is None or full_name in sys.modules:
            return None
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except (ImportError, RuntimeError):
            return None
        finally:
            # Without its parent package there, it would never become an attribute of it.
            if _PACKAGE not in sys.modules:
                sys.modules.pop(full_name, None)
    return module if hasattr(module, "__pyx_capi__") else None
