"""Small helpers without a home of their own; this module imports nothing of the package."""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, MutableSet, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = [
    "LOCAL_BITWIDTH",
    "PYTHON_INT_BITWIDTH",
    "NoDuplicateOptWarningFilter",
    "OrderedSet",
    "Singleton",
    "add_excepthook",
    "add_lazy_dispatcher",
    "apply_across_args",
    "call_subprocess_Popen",
    "difference",
    "flatten",
    "from_return_values",
    "get_unbound_function",
    "hash_from_code",
    "late",
    "lazy_scipy_module",
    "maybe_add_to_os_environ_pathlist",
    "output_subprocess_Popen",
    "subprocess_Popen",
    "to_return_values",
    "uniq",
    "unzip",
]

LOCAL_BITWIDTH = struct.calcsize("P") * 8
"""Bits in a pointer of this process."""

PYTHON_INT_BITWIDTH = struct.calcsize("l") * 8
"""Bits in a C ``long`` of this process."""


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
        real = import_module(self.__name__)
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
_lazy_dispatchers: list[Callable[[], Any]] = []


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


def add_lazy_dispatcher(dispatcher: Callable[[], Any]) -> Callable[[], Any]:
    """Remember a function that registers implementations when a backend is first used."""
    _lazy_dispatchers.append(dispatcher)
    return dispatcher


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


def uniq(seq: Sequence) -> list:
    """Return the distinct items of `seq` in order of first appearance."""
    try:
        return list(dict.fromkeys(seq))
    except TypeError:  # an unhashable item: fall back to comparing
        result: list = []
        for item in seq:
            if item not in result:
                result.append(item)
        return result


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


def unzip(iterable: Iterable, n: int, strict: bool = False) -> tuple[list, ...] | Iterator:
    """Turn an iterable of `n`-tuples into `n` tuples, also when it is empty.

    Examples
    --------
    >>> unzip([(1, "a"), (2, "b")], n=2)
    ((1, 2), ('a', 'b'))
    >>> unzip([], n=2)
    ((), ())
    """
    columns = tuple(zip(*iterable, strict=strict))
    if not columns:
        return tuple(() for _ in range(n))
    if len(columns) != n:
        raise ValueError(f"[unzip] rows must have {n} items, got {len(columns)}")
    return columns


def to_return_values(values: Sequence) -> Any:
    """Return the only item of `values`, or `values` itself if there are more or fewer."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> list | tuple:
    """Return `values` as a sequence; the inverse of `to_return_values`."""
    return values if isinstance(values, list | tuple) else [values]


def apply_across_args(*fns: Callable) -> tuple[Callable, ...] | Callable:
    """Make each function map over its arguments: one gives a value, several give a list.

    Examples
    --------
    >>> double = apply_across_args(lambda x: 2 * x)
    >>> double(3), double(1, 2)
    (6, [2, 4])
    """

    def over_arguments(fn: Callable, *args):
        return to_return_values([fn(arg) for arg in args])

    return to_return_values([partial(over_arguments, fn) for fn in fns])


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


# --------------------------------------------------------------------------------------
# Processes and environment
# --------------------------------------------------------------------------------------


def subprocess_Popen(command: list[str], **params) -> subprocess.Popen:
    """Start `command` with no window on Windows and nothing on its standard input.

    The command is a list of arguments, never a line for a shell.
    """
    if isinstance(command, str):
        raise TypeError(f"[subprocess_Popen] command must be a list of strings, got {command!r}")
    if os.name == "nt":
        startupinfo = subprocess.STARTUPINFO()  # type: ignore[attr-defined]
        startupinfo.dwFlags |= subprocess.STARTF_USESHOWWINDOW  # type: ignore[attr-defined]
        params.setdefault("startupinfo", startupinfo)
    params.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, **params)


def call_subprocess_Popen(command: list[str], **params) -> int:
    """Run `command`, drop what it prints, and return its exit status."""
    if "stdout" in params or "stderr" in params:
        raise TypeError("[call_subprocess_Popen] stdout and stderr are not accepted")
    with subprocess_Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **params
    ) as process:
        return process.wait()


def output_subprocess_Popen(command: list[str], **params) -> tuple[bytes, bytes, int]:
    """Run `command` and return its output, its error output and its exit status."""
    if "stdout" in params or "stderr" in params:
        raise TypeError("[output_subprocess_Popen] stdout and stderr are not accepted")
    with subprocess_Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **params
    ) as process:
        out, err = process.communicate()
        return out, err, process.returncode


def maybe_add_to_os_environ_pathlist(var: str, newpath: Path | str) -> None:
    """Add a directory to a path-like environment variable unless it is already there."""
    path = Path(newpath)
    if not path.is_absolute():
        raise ValueError(f"[environment] {var} must be given an absolute path, got {newpath!s}")
    present = [p for p in os.environ.get(var, "").split(os.pathsep) if p]
    if str(path) not in present:
        os.environ[var] = os.pathsep.join([str(path), *present])


def hash_from_code(msg: str | bytes) -> str:
    """Return a name for a piece of source text: ``m`` and the hex digits of its SHA-256."""
    if isinstance(msg, str):
        msg = msg.encode()
    return "m" + hashlib.sha256(msg).hexdigest()


# --------------------------------------------------------------------------------------
# Hooks and singletons
# --------------------------------------------------------------------------------------


def add_excepthook(hook: Callable) -> Callable:
    """Call `hook(type, value, traceback)` before the current exception hook.

    A hook that fails itself is ignored: the user must see the first error.
    """
    previous = sys.excepthook

    def chained(type, value, trace):
        try:
            hook(type, value, trace)
        except Exception as failure:
            sys.stderr.write(f"pytensor: an exception hook failed: {failure!r}\n")
        previous(type, value, trace)

    sys.excepthook = chained
    return chained


def get_unbound_function(unbound: Callable) -> Callable:
    """Return the function behind a method, or the function itself."""
    return getattr(unbound, "__func__", unbound)


class Singleton:
    """A class whose constructor always returns the same object (one per subclass)."""

    __instance: Singleton | None = None
    __lock = threading.Lock()

    def __new__(cls):
        if "_Singleton__instance" not in cls.__dict__ or cls.__instance is None:
            with Singleton.__lock:
                if "_Singleton__instance" not in cls.__dict__ or cls.__instance is None:
                    cls.__instance = super().__new__(cls)
        return cls.__instance

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return hash(type(self).__qualname__)


class NoDuplicateOptWarningFilter(logging.Filter):
    """Let each message that starts with "Optimization Warning" through once."""

    prev_msgs: set[str] = set()

    def filter(self, record):
        message = record.getMessage()
        if message.startswith("Optimization Warning: "):
            if message in self.prev_msgs:
                return False
            self.prev_msgs.add(message)
        return True
