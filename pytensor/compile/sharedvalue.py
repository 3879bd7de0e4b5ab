"""Variables with a value that lives between calls.

A leaf: it needs the graph package only, so that every type's own shared variable (tensors, random
generators ...) can derive from it.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import singledispatch
from threading import RLock
from typing import Any
from weakref import WeakSet

from pytensor.graph.basic import Variable
from pytensor.graph.type import Type
from pytensor.graph.utils import add_tag_trace
from pytensor.utils import late


class Generic(Type):
    """The type of values nothing is known about; anything is accepted as it is."""

    def filter(self, data, strict=False, allow_downcast=None):
        return data

    def is_valid_value(self, data, strict=True):
        return True

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(Generic)

    def __repr__(self):
        return "Generic"

    __str__ = __repr__


generic = Generic()


@singledispatch
def copied(value: Any) -> Any:
    """Return a copy of `value`; kinds of values with a quicker way than `deepcopy` register it."""
    return copy.deepcopy(value)


_containers: "WeakSet[Container]" = WeakSet()
_OF_PROCESS = ("__weakref__", "lock", "writing")


def _after_fork() -> None:
    """Nobody holds a lock in a forked child: the threads that did are not there."""
    for container in _containers:
        container._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Container:
    """A cell that holds the value of a variable and checks what is put into it.

    Parameters
    ----------
    r : Variable or Type
        What the cell holds a value of.
    storage : list
        A list of one element: the value. Several containers may share it.
    readonly : bool
        Refuse assignments through `value`.
    strict : bool
        Accept only values that need no conversion.
    allow_downcast : bool, optional
        Whether a conversion may lose precision; None allows it for Python floats only.
    name : str, optional
        Shown in errors; the variable's name by default.

    Attributes
    ----------
    lock : RLock
        Held by functions from reading the value to storing its update.
    writing : bytearray
        One byte: not zero while a function overwrites the value where it is, which it does only if
        nothing else refers to it. Who reads takes a reference, then looks here, and waits for the
        lock if it is set; see ``link/c/c_code/driver_shared.h``.
    """

    __slots__ = (
        "__weakref__",
        "allow_downcast",
        "lock",
        "name",
        "readonly",
        "storage",
        "strict",
        "type",
        "writing",
    )

    def __init__(
        self,
        r: Variable | Type,
        storage: list[Any],
        *,
        readonly: bool = False,
        strict: bool = False,
        allow_downcast: bool | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(storage, list) or len(storage) < 1:
            raise TypeError(f"[Container] storage must be a list of one element, got {storage!r}")
        self.type = r.type if isinstance(r, Variable) else r
        self.name = getattr(r, "name", None) if name is None else name
        self.storage = storage
        self.readonly = readonly
        self.strict = strict
        self.allow_downcast = allow_downcast
        self._begin()

    def _begin(self) -> None:
        self.lock = RLock()
        self.writing = bytearray(1)
        _containers.add(self)

    def _after_fork(self) -> None:
        self.lock._at_fork_reinit()  # type: ignore[attr-defined]
        self.writing[0] = 0

    @property
    def value(self) -> Any:
        value = self.storage[0]
        if self.writing[0]:
            with self.lock:
                value = self.storage[0]
        return value

    @value.setter
    def value(self, value: Any) -> None:
        if self.readonly:
            raise ValueError(f"[Container] {self.name} is read-only and cannot be assigned")
        value = None if value is None else self.filter(value)
        with self.lock:  # not between a function's reading it and storing its update
            self.storage[0] = value

    data = value

    def filter(self, value: Any) -> Any:
        """Return `value` as the type wants it, or raise with the container's name."""
        try:
            # A type may not know `allow_downcast` together with `strict`.
            if self.strict:
                return self.type.filter(value, strict=True)
            return self.type.filter(value, strict=False, allow_downcast=self.allow_downcast)
        except Exception as error:
            if self.name is not None:
                error.add_note(f'Container name "{self.name}"')
            raise

    def __getstate__(self):
        return {k: getattr(self, k) for k in self.__slots__ if k not in _OF_PROCESS}

    def __setstate__(self, state):
        for key, value in state.items():
            setattr(self, key, value)
        self._begin()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Container":
        """Copy the cell and its value; whoever shared the old storage list shares the new one."""
        known_storage = id(self.storage) in memo
        copied = type(self)(
            self.type,
            copy.deepcopy(self.storage, memo),
            readonly=self.readonly,
            strict=self.strict,
            allow_downcast=self.allow_downcast,
            name=self.name,
        )
        memo[id(self)] = copied
        # A deep copy of an array may have lost its layout or become read-only: check it once.
        if copied.storage[0] is not None and not known_storage:
            copied.storage[0] = copied.filter(copied.storage[0])
        return copied

    def __repr__(self) -> str:
        return f"<{self.storage[0]!r}>"

    def __str__(self) -> str:
        return f"<{self.storage[0]}>"


_collecting: ContextVar[tuple[list["SharedVariable"], ...]] = ContextVar("collecting", default=())


@contextmanager
def collect_new_shareds() -> Iterator[list["SharedVariable"]]:
    """Gather the shared variables created inside the `with` block."""
    found: list[SharedVariable] = []
    token = _collecting.set((*_collecting.get(), found))
    try:
        yield found
    finally:
        _collecting.reset(token)


class SharedVariable(Variable):
    """A variable with a value, shared by every function whose graph contains it.

    Parameters
    ----------
    type : Type
        The type of the variable.
    value : object
        The initial value; it is filtered by the type, not copied.
    strict, allow_downcast : bool
        How values are converted; see `Container`.
    container : Container, optional
        An existing cell to share instead of making one.
    name : str, optional
    """

    container: Container

    def __init__(
        self,
        type: Type,
        value: Any,
        strict: bool | None,
        allow_downcast: bool | None = None,
        container: Container | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(type=type, owner=None, index=None, name=name)
        if container is not None:
            if value is not None or strict is not None:
                raise TypeError("[shared] value and strict are ignored if a container is given")
            self.container = container
        else:
            if value is not None:
                if strict:
                    value = type.filter(value, strict=True)
                else:
                    value = type.filter(value, strict=False, allow_downcast=allow_downcast)
            self.container = Container(
                self, [value], strict=bool(strict), allow_downcast=allow_downcast
            )
        self._default_update: Variable | None = None
        for collected in _collecting.get():
            collected.append(self)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """Return the value.

        Parameters
        ----------
        borrow : bool
            Return the object in use, not a copy. Changing it may change the variable.
        return_internal_type : bool
            Accepted for compatibility; there is one kind of storage.
        """
        if borrow:
            return self.container.value
        with self.container.lock:  # not while a function overwrites the value in place
            return copied(self.container.value)

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the value.

        Parameters
        ----------
        new_value : object
            Compatible with the type of the variable.
        borrow : bool
            Keep `new_value` itself if it needs no conversion, instead of a copy.
        """
        self.container.value = new_value if borrow else copied(new_value)

    def clone(self, **kwargs: Any) -> "SharedVariable":
        """Return a new variable over the same container."""
        name = kwargs.get("name", self.name)
        copied = type(self)(
            type=self.type, value=None, strict=None, container=self.container, name=name
        )
        copied.tag = copy.copy(self.tag)
        return copied

    @property
    def default_update(self) -> Variable | None:
        """The expression that updates the variable in functions that say nothing else."""
        return self._default_update

    @default_update.setter
    def default_update(self, value: Variable | None) -> None:
        self._default_update = None if value is None else self.type.filter_variable(value)


@singledispatch
def shared_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    **kwargs: Any,
) -> SharedVariable:
    """Make the shared variable that fits the class of `value`; types register theirs here."""
    if type(value).__module__.startswith("numpy.random"):
        # Few programs draw: the module is imported by the first generator.
        constructor = late("pytensor.tensor.random.variable:randomgen_constructor")
        return constructor(value, name, strict, allow_downcast, **kwargs)
    if type(value).__module__.startswith("scipy.sparse"):
        constructor = late("pytensor.sparse.sharedvar:sparse_constructor")
        return constructor(value, name, strict, allow_downcast, **kwargs)
    if kwargs:
        raise TypeError(
            f"[shared] no shared variable for {type(value).__name__} takes {', '.join(kwargs)}"
        )
    return SharedVariable(
        type=generic, value=value, strict=strict, allow_downcast=allow_downcast, name=name
    )


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    **kwargs: Any,
) -> SharedVariable:
    """Create a variable whose value is kept between calls and shared between functions.

    Parameters
    ----------
    value : object
        The initial value. Its class decides which kind of variable is made.
    name : str, optional
    strict : bool
        Never convert values.
    allow_downcast : bool, optional
        Whether converting a value may lose precision; None allows it for Python floats only.
    **kwargs
        Passed to the constructor registered for the class of `value` (`borrow`, `shape` ...).

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor
    >>> w = pytensor.shared(np.zeros(3), name="w")
    >>> w.get_value()
    array([0., 0., 0.])
    """
    if isinstance(value, Variable):
        raise TypeError("Shared variable values can not be symbolic.")
    variable = shared_constructor(
        value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs
    )
    add_tag_trace(variable)
    return variable
