"""Functions of ``scipy.special``, reached by address so that compiled loops call them.

SciPy exports them for Cython, ``scipy.special.cython_special.__pyx_capi__``: C functions of numbers
that need no GIL, the very ones that its ufuncs call. Names of those that exist for several types are
decorated in ways that change, so the signature decides, which the capsules carry. SciPy is loaded
by programs that use such functions, not before.
"""

import ctypes
import functools
import importlib
import re
from typing import Any

import numpy as np

__all__ = ["FUNCTIONS", "addresses", "is_available", "table"]

# In the order of the enum in c_code/special.h: names and types of operands, the last that of the result.
FUNCTIONS = (
    *(("betainc", "ddd"), ("betaincinv", "ddd"), ("erfcinv", "d"), ("erfcx", "d"), ("erfinv", "d")),
    *(("gamma", "d"), ("gammainc", "dd"), ("gammaincc", "dd"), ("gammainccinv", "dd")),
    *(("gammaincinv", "dd"), ("hyp2f1", "dddd"), ("i0", "d"), ("i1", "d"), ("ive", "dd")),
    *(("j0", "d"), ("j1", "d"), ("jv", "dd"), ("kve", "dd"), ("ndtri_exp", "d"), ("owens_t", "dd")),
    *(("psi", "d"), ("betainc", "fff"), ("betaincinv", "fff"), ("erfinv", "f"), ("erf", "D")),
    *(("gamma", "D"), ("ive", "dD"), ("jv", "dD"), ("kve", "dD"), ("psi", "D")),
)

_TYPES = {"double": "d", "float": "f", "__pyx_t_double_complex": "D", "double complex": "D"}
_SIGNATURE = re.compile(r"^([\w ]+?) \(([^()]*)\)")
_DECORATED = re.compile(r"^(?:__pyx_fuse(?:_\d+)+_?)?([a-z]\w*)$")

# What helpers of other names call.
_CALLS = {"tri_gamma": (), "polygamma": ("psi", "gamma")}
_OWN_FLOATS = {name for name, types in FUNCTIONS if types[-1] == "f"}


def _types_of(signature: str) -> str | None:
    """Return the letters of a C signature whose result has the type of the last operand, else None."""
    found = _SIGNATURE.match(signature)
    if found is None:
        return None
    operands = [part.strip() for part in found[2].split(",")]
    if operands and operands[-1].startswith("int"):
        operands.pop()
    letters = "".join(_TYPES.get(operand, "?") for operand in operands)
    same = letters and "?" not in letters and _TYPES.get(found[1]) == letters[-1]
    return letters if same else None


@functools.cache
def addresses() -> dict[tuple[str, str], int]:
    """Return the addresses of those of `FUNCTIONS` that this SciPy has."""
    try:
        module = importlib.import_module("scipy.special.cython_special")
    except ImportError:
        return {}
    name_of, pointer_of = _capsule_functions()
    found: dict[tuple[str, str], int] = {}
    wanted = set(FUNCTIONS)
    for spelling, capsule in getattr(module, "__pyx_capi__", {}).items():
        name = _DECORATED.match(spelling)
        signature = name_of(capsule)
        if name is None or signature is None:
            continue
        types = _types_of(signature.decode())
        if types is not None and (name[1], types) in wanted:
            found[name[1], types] = pointer_of(capsule, signature)
    return found


def _capsule_functions() -> tuple[Any, Any]:
    # Objects of their own: the attributes of `pythonapi` are everybody's.
    name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    return (
        name(("PyCapsule_GetName", ctypes.pythonapi)),
        pointer(("PyCapsule_GetPointer", ctypes.pythonapi)),
    )


def is_available(helper: str, suffix: str) -> bool:
    """Tell whether SciPy has what the C helper ``pt_<helper>_<suffix>`` calls."""
    names = _CALLS.get(helper, (helper,))
    own = suffix == "f32" and helper in _OWN_FLOATS
    result = "D" if suffix.startswith("c") else "f" if own else "d"
    found = {(name, types[-1]) for name, types in addresses()}
    return all((name, result) in found for name in names)


@functools.cache
def table() -> bytes:
    """Return the addresses as C reads them. Never freed: kernels of all programs share it."""
    found = addresses()
    return np.array([found.get(key, 0) for key in FUNCTIONS], dtype=np.uintp).tobytes()
