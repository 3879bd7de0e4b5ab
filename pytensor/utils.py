"""Small helpers without a home of their own; this module imports nothing of the package."""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable, MutableSet
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = [
    "LOCAL_BITWIDTH",
    "PYTHON_INT_BITWIDTH",
    "OrderedSet",
    "after_scipy_import",
    "difference",
    "flatten",
    "free_after_fork",
    "late",
    "lazy_scipy_module",
    "say_once",
    "usable_cores",
]

LOCAL_BITWIDTH = struct.calcsize("P") * 8
"""Bits in a pointer of this process."""

PYTHON_INT_BITWIDTH = struct.calcsize("l") * 8
"""Bits in a C ``long`` of this process."""


def free_after_fork(lock: Any) -> Any:
    """Return a lock of a module that nobody holds in a forked child: its holder is not there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lock._at_fork_reinit)
    return lock


_said: set[str] = set()
_said_lock = free_after_fork(threading.Lock())


def say_once(message: str, key: str = "") -> None:
    """Log one line once; of those with a key the first.

    Not with `warnings`: turned into errors they would stop what still works.
    """
    line = " ".join(message.split())
    line = line if len(line) <= 500 else f"{line[:496]} ..."
    with _said_lock:
        if (key or line) in _said:
            return
        _said.add(key or line)
    import logging  # noqa: PLC0415  (slow to import, seldom needed)

    logging.getLogger("pytensor.link").warning("%s", line)


# --------------------------------------------------------------------------------------
# Loading later
# --------------------------------------------------------------------------------------


class _LazyScipyModule(ModuleType):
    """Stand-in for a SciPy submodule that imports it when an attribute is first read.

    The attributes of the real module are copied into the stand-in then, so later reads
    cost what they cost on any module.
    """

    def __getattr__(self, name: str) -> Any:
        if name in ("__path__", "__file__"):  # asked by tools that only look at modules
            raise AttributeError(name)
        is_new = self.__name__ not in sys.modules
        real = import_module(self.__name__)
        for note in after_scipy_import if is_new else ():
            note()
        try:
            value = getattr(real, name)
        except AttributeError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))

    def __repr__(self) -> str:
        return f"<lazy module {self.__name__!r}>"

    def __reduce__(self):
        return lazy_scipy_module, (self.__name__.removeprefix("scipy").removeprefix("."),)


_lazy_modules: dict[str, _LazyScipyModule] = {}

after_scipy_import: list[Callable[[], object]] = []
"""Called after a part of SciPy was imported for the first time: its BLAS may be there now."""


def lazy_scipy_module(submodule: str = "") -> ModuleType:
    """Return a module-like object for ``scipy.<submodule>`` without importing SciPy.

    Parameters
    ----------
    submodule : str
        Dotted name below ``scipy``, for example ``"special"`` or ``"linalg.blas"``.

    Examples
    --------
    >>> special = lazy_scipy_module("special")
    >>> float(special.gamma(5.0))
    24.0
    """
    name = f"scipy.{submodule}" if submodule else "scipy"
    module = _lazy_modules.get(name)
    if module is None:
        module = _lazy_modules[name] = _LazyScipyModule(name)
    return module


def late(target: str) -> Any:
    """Return the object named ``"package.module:attribute"``, importing its module now.

    A few methods of low-level objects (``Variable.eval``, ``Variable.dprint``) reach
    layers above their own. They name them by string, so that imports keep pointing one way.
    """
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


# --------------------------------------------------------------------------------------
# Sequences
# --------------------------------------------------------------------------------------


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def difference(seq1: Iterable, seq2: Iterable) -> list:
    """Return the items of `seq1` that are not in `seq2`, in order."""
    seq2 = list(seq2)
    try:
        exclude = set(seq2)
        return [x for x in seq1 if x not in exclude]
    except TypeError:
        return [x for x in seq1 if x not in seq2]


def flatten(a: Any) -> list:
    """Flatten nested tuples, lists and sets into one list."""
    result: list = []
    stack = [iter((a,))]
    while stack:
        for item in stack[-1]:
            if isinstance(item, tuple | list | set):
                stack.append(iter(item))
                break
            result.append(item)
        else:
            stack.pop()
    return result


class OrderedSet(dict):
    """A set that iterates in order of insertion: graphs must look the same in every run.

    Built on `dict`, so membership, length and iteration cost what they cost there.
    """

    def __init__(self, items: Iterable = ()):
        super().__init__(dict.fromkeys(items))

    def add(self, item) -> None:
        """Add `item`; it keeps its place if it is there already."""
        self.setdefault(item)

    def discard(self, item) -> None:
        """Remove `item` if it is there."""
        dict.pop(self, item, None)

    def remove(self, item) -> None:
        """Remove `item`, or raise KeyError."""
        del self[item]

    def update(self, *others: Iterable) -> None:  # type: ignore[override]
        """Add the items of `others`."""
        for other in others:
            for item in other:
                self.setdefault(item)

    def difference_update(self, other: Iterable) -> None:
        """Remove the items of `other`."""
        for item in other:
            self.discard(item)

    def pop(self, last: bool = True):  # type: ignore[override]
        """Remove and return the newest item, or the oldest."""
        if not self:
            raise KeyError("[OrderedSet] set must not be empty")
        item = next(reversed(self)) if last else next(iter(self))
        del self[item]
        return item

    def copy(self) -> OrderedSet:
        """Return a set of the same items."""
        return OrderedSet(self)

    def union(self, *others: Iterable) -> OrderedSet:
        """Return the items of this set, then those of `others`."""
        result = OrderedSet(self)
        result.update(*others)
        return result

    def difference(self, other: Iterable) -> OrderedSet:
        """Return the items that are not in `other`."""
        other = other if isinstance(other, set | frozenset | dict) else set(other)
        return OrderedSet(item for item in self if item not in other)

    def intersection(self, other: Iterable) -> OrderedSet:
        """Return the items that are in `other` too."""
        other = other if isinstance(other, set | frozenset | dict) else set(other)
        return OrderedSet(item for item in self if item in other)

    def issubset(self, other: Iterable) -> bool:
        """Tell whether every item is in `other`."""
        other = other if isinstance(other, set | frozenset | dict) else set(other)
        return all(item in other for item in self)

    def issuperset(self, other: Iterable) -> bool:
        """Tell whether every item of `other` is in this set."""
        return all(item in self for item in other)

    def isdisjoint(self, other: Iterable) -> bool:
        """Tell whether no item is in `other`."""
        return not any(item in self for item in other)

    __or__ = union
    __sub__ = difference
    __and__ = intersection
    __le__ = issubset
    __ge__ = issuperset

    def __ror__(self, other):
        return OrderedSet(other).union(self)

    def __rsub__(self, other):
        return OrderedSet(other).difference(self)

    __rand__ = intersection

    def __ior__(self, other):
        self.update(other)
        return self

    def __isub__(self, other):
        self.difference_update(other)
        return self

    def __eq__(self, other):
        if isinstance(other, OrderedSet):
            return dict.__eq__(self, other)
        if isinstance(other, set | frozenset):
            return len(self) == len(other) and all(item in other for item in self)
        return NotImplemented

    def __ne__(self, other):
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"OrderedSet({list(self)})"

    def __reduce__(self):
        return OrderedSet, (list(self),)


MutableSet.register(OrderedSet)
