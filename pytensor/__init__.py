"""Array expressions in Python, compiled; matrix products become BLAS calls by themselves.

    >>> import pytensor, pytensor.tensor as pt
    >>> A, B, C = pt.dmatrices("A", "B", "C")
    >>> f = pytensor.function([A, B, C], C - 0.5 * (A @ B))      # one Gemm

Importing runs nothing: no subprocess, no probe, no optional library.
"""

from importlib import import_module as _import_module

from pytensor import tensor  # isort: skip  (first: the other rooms name tensor's modules)
from pytensor import compile, gradient, graph, raise_op, scalar
from pytensor.compile import In, Mode, OpFromGraph, Out, function, get_mode, shared, wrap_py
from pytensor.configdefaults import config
from pytensor.gradient import Lop, Rop, grad, pullback, pushforward

# `pytensor.scan` is the function. The (empty) package is imported now, so that importing one of its
# modules later does not put the package in the function's place.
from pytensor import scan  # isort: skip

del scan

__version__ = "3.3.90"

# Names few programs use, and the rooms that look at everything: loaded when first asked for.
_LAZY = {
    "dprint": ("pytensor.printing", "debugprint"),
    "ifelse": ("pytensor.ifelse", "ifelse"),
    "scan": ("pytensor.scan.basic", "scan"),
    "map": ("pytensor.scan.views", "map"),
    "wrap_jax": ("pytensor.link.jax.ops", "wrap_jax"),
    "d3viz": ("pytensor.d3viz", None),
    "link": ("pytensor.link", None),
    "printing": ("pytensor.printing", None),
    "sparse": ("pytensor.sparse", None),
}

__all__ = [
    "In",
    "Lop",
    "Mode",
    "OpFromGraph",
    "Out",
    "Rop",
    "compile",
    "config",
    "function",
    "get_mode",
    "grad",
    "gradient",
    "graph",
    "pullback",
    "pushforward",
    "raise_op",
    "scalar",
    "shared",
    "tensor",
    "wrap_py",
]


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    try:
        value = _import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith(str(error.name)):
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    if attribute is not None:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
