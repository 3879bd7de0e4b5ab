"""Loops inside graphs: `scan`, and `map`, `reduce`, `foldl`, `foldr` made of it.

basic         the function `scan`: from a Python function of one step to a node
op, info      the Op: an inner graph, and how its inputs and outputs are fed
fields, args  names for the groups of inputs and outputs
loop          the loop in Python
pullback, pushforward   derivatives of loops: loops again (forward: what they read)
views, checkpoints   loops of special forms
rewriting     what is simplified before a loop is compiled

``pytensor.scan`` is the function, not this package, whatever is imported from here. So this
package is imported with ``pytensor``, and loads its modules when their names are first used.
"""

from importlib import import_module as _import_module

_HOMES = {
    "scan": "basic",
    "until": "utils",
    "map": "views",
    "reduce": "views",
    "foldl": "views",
    "foldr": "views",
    "scan_checkpoints": "checkpoints",
}
_MODULES = ("basic", "checkpoints", "op", "rewriting", "utils", "views")

__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _MODULES:
        return _import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
