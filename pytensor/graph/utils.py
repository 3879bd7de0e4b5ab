"""Errors, the metaclass that turns ``__props__`` into methods, and user lines."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from abc import ABCMeta
from collections.abc import Callable, Sequence
from io import StringIO
from operator import attrgetter
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from pytensor.configdefaults import config

T = TypeVar("T")

PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Frames of files below this directory are ours, not the user's."""

_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


class MissingInputError(Exception):
    """A graph needs a variable that is neither an input nor computable from the inputs."""

    def __init__(self, *args, **kwargs):
        # The variable is kept out of the exception: a traceback must not keep a graph alive.
        variable = kwargs.pop("variable", None)
        if kwargs:
            raise TypeError(f"[MissingInputError] unknown keyword {next(iter(kwargs))!r}")
        if variable is not None:
            where = user_line(variable)
            if where:
                args = (f"{args[0] if args else ''}\n  made in  {where}", *args[1:])
        super().__init__(*args)


class TestValueError(Exception):
    """A variable has no usable test value."""

    __test__ = False  # not a test case, whatever pytest thinks of the name


class MethodNotDefined(Exception):
    """An Op doesn't define a method that was needed.

    It isn't an AttributeError: callers ask for the method on purpose and handle its absence.
    """


class InconsistencyError(Exception):
    """A graph breaks a rule of one of its features, for example a write before a read."""


class CycleError(InconsistencyError, ValueError):
    """Nodes wait for each other, so that there is no order in which to compute them."""

    @classmethod
    def of(cls, nodes: Sequence) -> CycleError:
        """Return the error for a circle: each node needs the next one, and the last the first."""
        names = [str(getattr(node, "op", node)) for node in nodes]
        shown = names if len(names) <= 6 else [*names[:3], f"({len(names) - 5} more)", *names[-2:]]
        where = next(filter(None, map(user_line, (n for n in nodes if hasattr(n, "tag")))), "")
        return cls(
            f"[toposort] graph must not contain cycles, got {' <- '.join([*shown, *names[:1]])}"
            + (f"\n  in  {where}" if where else "")
        )


# --------------------------------------------------------------------------------------
# Where the user wrote it
# --------------------------------------------------------------------------------------

# File name -> is it ours? Keyed by the name: its hash is stored, a code object's is computed anew.
_internal_file: dict[str, bool] = {}


class _Source(threading.local):
    """What variables made now are derived from: while a node is rewritten, that node."""

    node: Any = None


source = _Source()


def _is_internal(filename: str) -> bool:
    """Tell whether code is this package's or the standard library's, which calls for it."""
    if filename.startswith((PACKAGE_DIRECTORY, "<frozen ")):
        return True
    installed = "site-packages" in filename or "dist-packages" in filename
    return filename.startswith(_STANDARD_LIBRARY) and not installed


def user_frames(limit: int | None = None) -> tuple[tuple[str, int, str], ...]:
    """Return (file, line, function) of the innermost frames of the user's code.

    That is code outside this package and the standard library.

    This runs for every node that is made, hence no `traceback`, no source lookup: only names
    and numbers are kept. Lines are read from disk when somebody asks (see `user_line`).
    What a rewrite makes (`source.node` is set) inherits the frames of the node it rewrites: they
    say more than the line that called `function`, and cost no walk.
    """
    if source.node is not None and limit is None:
        trace = getattr(source.node.outputs[0].tag, "trace", None)
        return trace[0] if trace else ()
    if limit is None:
        limit = config.traceback__limit
    if limit <= 0:
        return ()
    frame: FrameType | None = sys._getframe(1)
    known = _internal_file
    found: list[tuple[str, int, str]] = []
    while frame is not None:
        code = frame.f_code
        filename = code.co_filename
        internal = known.get(filename)
        if internal is None:
            if len(known) > 20_000:  # names made up for exec would be kept for ever
                known.clear()
            internal = known[filename] = _is_internal(filename)
        if not internal:
            found.append((filename, frame.f_lineno, code.co_name))
            if len(found) >= limit:
                break
        frame = frame.f_back
    return tuple(found)


def add_tag_trace(thing: T, user_line: int | None = None) -> T:
    """Store in ``thing.tag.trace`` where the user's code made it, and return `thing`.

    Parameters
    ----------
    thing : Variable or Apply
        Anything with a ``tag``.
    user_line : int, optional
        How many frames to keep; ``config.traceback__limit`` if None, nothing at 0.
    """
    frames = user_frames(user_line)
    if frames:
        thing.tag.trace = [frames]  # type: ignore[attr-defined]
    return thing


def simple_extract_stack(
    f=None, limit: int | None = None, skips=None
) -> list[tuple[str | None, int, str, str | None]]:
    """Return (file, line, function, None) of the frames above `f`, outermost first.

    Parameters
    ----------
    f : frame, optional
        Where to start; the caller's frame if None.
    limit : int, optional
        Most frames to return.
    skips : sequence of str, optional
        Innermost frames whose file name contains one of these are left out.
    """
    frame = sys._getframe(1) if f is None else f
    result: list[tuple[str | None, int, str, str | None]] = []
    while frame is not None and (limit is None or len(result) < limit):
        name = frame.f_code.co_filename
        if result or not any(skip in name for skip in skips or ()):
            result.append((name, frame.f_lineno, frame.f_code.co_name, None))
        frame = frame.f_back
    result.reverse()
    return result


def _trace_of(thing) -> list:
    """Return the stacks recorded for a variable, or for the outputs of a node."""
    trace = getattr(thing.tag, "trace", None)
    if not trace:
        for output in getattr(thing, "outputs", ()):
            trace = getattr(output.tag, "trace", None)
            if trace:
                break
    return trace or []


def user_line(thing) -> str:
    """Return the user's line that made a variable or node, or an empty string.

    Examples
    --------
    ``user_line(f.maker.fgraph.outputs[0])`` may give ``model.py:12: C - 0.5 * (A @ B)``.
    """
    for stack in _trace_of(thing):
        if stack:
            file, line, *_ = stack[0]
            text = linecache.getline(file, line).strip()
            where = f"{os.path.basename(file)}:{line}"
            return f"{where}: {text}" if text else where
    return ""


def get_variable_trace_string(v) -> str:
    """Return the recorded stacks of `v` as text in the manner of Python's tracebacks."""
    import traceback  # noqa: PLC0415  (slow to import, seldom needed)

    out = StringIO()
    for stack in getattr(v.tag, "trace", None) or []:
        if not stack:
            continue
        frames = [
            traceback.FrameSummary(file, line, function)
            for file, line, function, *_ in reversed(stack)
        ]
        out.write("Backtrace when that variable is created:\n\n")
        out.writelines(traceback.format_list(frames))
    return out.getvalue()


# --------------------------------------------------------------------------------------
# Props
# --------------------------------------------------------------------------------------


def _props_reader(props: tuple[str, ...]):
    """Return a function from an object to the tuple of its props."""
    if not props:
        return lambda self: ()
    if len(props) == 1:
        read_one = attrgetter(props[0])
        return lambda self: (read_one(self),)
    return attrgetter(*props)


class MetaType(ABCMeta):
    """Metaclass that derives methods from a tuple of attribute names, ``__props__``.

    Two objects of one class are equal when their props are, and hash accordingly.
    ``_props()``, ``_props_dict()``, ``__hash__``, ``__eq__`` and ``__str__`` are added where
    the class itself doesn't define them.
    """

    def __new__(cls, name, bases, dct, **kwargs):
        props = dct.get("__props__")
        if props is not None:
            if not isinstance(props, tuple):
                raise TypeError(f"[{name}] __props__ must be a tuple, got {type(props).__name__}")
            if not all(isinstance(prop, str) for prop in props):
                raise TypeError(f"[{name}] __props__ must hold strings, got {props}")
            for key, method in _props_methods(props, dct).items():
                dct.setdefault(key, method)
        return super().__new__(cls, name, bases, dct, **kwargs)

    # Rules ask for the class of an op all the time; `ABCMeta` takes twice as long to answer, for
    # the sake of virtual subclasses, which ops have not.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__


def _props_methods(props: tuple[str, ...], dct: dict) -> dict:
    """Return the methods that `props` imply for a class with namespace `dct`."""
    read = _props_reader(props)

    def _props(self):
        """Tuple of the props."""
        return read(self)

    def _props_dict(self):
        """Mapping from the name of each prop to its value."""
        return dict(zip(props, read(self)))

    def __hash__(self):
        return hash((type(self), read(self)))

    def __eq__(self, other):
        if self is other:
            return True
        return type(self) is type(other) and read(self) == read(other)

    def __str__(self):
        name = type(self).__name__
        if not props:
            return name
        return f"{name}{{{', '.join(f'{k}={v}' for k, v in zip(props, read(self)))}}}"

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in zip(props, read(self)))})"

    methods: dict[str, Callable[..., Any]] = {"_props": _props, "_props_dict": _props_dict}
    # A class that defines one of the two must not get half of ours.
    if "__hash__" not in dct and "__eq__" not in dct:
        methods["__hash__"] = __hash__
        methods["__eq__"] = __eq__
    elif "__eq__" in dct and "__hash__" not in dct:
        methods["__hash__"] = __hash__
    methods["__str__"] = __str__
    methods["__repr__"] = __repr__
    return methods


class MetaObject(metaclass=MetaType):
    """Base of everything that may declare ``__props__``."""

    def __ne__(self, other):
        return not self == other


# --------------------------------------------------------------------------------------
# Notes on a node or variable
# --------------------------------------------------------------------------------------


class Scratchpad:
    """A bag of attributes for notes about an object (``variable.tag``, ``node.tag``)."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

    def clear(self) -> None:
        """Forget all notes."""
        self.__dict__.clear()

    def __update__(self, other: Scratchpad) -> Scratchpad:
        """Take over the notes of another bag."""
        self.__dict__.update(other.__dict__)
        return self

    def __copy__(self) -> Scratchpad:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    def __str__(self) -> str:
        return f"scratchpad{self.__dict__}"

    __repr__ = __str__

    def info(self) -> None:
        """Print the notes, one a line."""
        for key, value in self.__dict__.items():
            print(f"{key}: {value}")


class ValidatingScratchpad(Scratchpad):
    """A bag of attributes, one of which passes through a function when it is set."""

    def __init__(self, attr: str, attr_filter):
        object.__setattr__(self, "attr", attr)
        object.__setattr__(self, "attr_filter", attr_filter)

    def __setattr__(self, attr, value):
        if attr == self.__dict__.get("attr"):
            value = self.attr_filter(value)
        object.__setattr__(self, attr, value)


class AssocList:
    """A mapping whose keys need only ``==``; hashable keys are found without a scan."""

    def __init__(self):
        self._dict: dict = {}
        self._list: list[tuple[Any, Any]] = []

    def __getitem__(self, item):
        missing = object()
        found = self.get(item, missing)
        if found is missing:
            raise KeyError(item)
        return found

    def __setitem__(self, item, value):
        try:
            self._dict[item] = value
        except TypeError:
            for i, (key, _) in enumerate(self._list):
                if key == item:
                    self._list[i] = (item, value)
                    return
            self._list.append((item, value))

    def __delitem__(self, item):
        try:
            if item in self._dict:
                del self._dict[item]
                return
        except TypeError:
            pass  # unhashable: it can only be in the list
        for i, (key, _) in enumerate(self._list):
            if key == item:
                del self._list[i]
                return
        raise KeyError(item)

    def discard(self, item) -> None:
        """Remove `item` if it is there."""
        if item in self:
            del self[item]

    def __contains__(self, item) -> bool:
        missing = object()
        return self.get(item, missing) is not missing

    def get(self, item, default):
        """Return the value of `item`, or `default`."""
        try:
            return self._dict[item]
        except KeyError:
            return default
        except TypeError:
            for key, value in self._list:
                if key == item:
                    return value
            return default

    def clear(self) -> None:
        """Remove everything."""
        self._dict.clear()
        self._list.clear()

    def __len__(self) -> int:
        return len(self._dict) + len(self._list)

    def __repr__(self) -> str:
        return f"AssocList({self._dict}, {self._list})"
