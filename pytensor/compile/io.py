"""What a user may say about the inputs and outputs of a function."""

from typing import Any

from pytensor.compile.sharedvalue import Container, SharedVariable
from pytensor.graph.basic import Variable


class SymbolicInput:
    """An input of a function: a variable, its name, and what may happen to its value.

    Parameters
    ----------
    variable : Variable
        Receives the value; its own definition, if it has one, is not computed.
    name : str, optional
        Keyword under which the input can be passed; the variable's name if `autoname`.
    update : Variable, optional
        New value of the input after each call.
    mutable : bool, optional
        Allow the function to overwrite the array that is passed. True if there is an update.
    strict : bool
        Refuse values that would need a conversion.
    allow_downcast : bool, optional
        Whether a conversion may lose precision; None allows it for Python floats only.
    autoname : bool
    implicit : bool
        The input is not an argument of the call; its value comes from elsewhere.
    """

    value: Any = None
    borrow = False
    shared = False

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool | None = False,
    ) -> None:
        if implicit is None:
            raise TypeError("[In] implicit must be True or False, got None")
        self.variable = variable
        self.name = variable.name if (autoname and name is None) else name
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"name must be a string! (got: {self.name})")
        if update is not None and not variable.type.is_super(update.type):
            raise TypeError(
                f"Variable '{variable}' has type {variable.type} but an update of type "
                f"{update.type}. The type of the update should be compatible with the type of "
                "the variable."
            )
        self.update = update
        self.mutable = mutable if mutable is not None else update is not None
        self.strict = strict
        self.allow_downcast = allow_downcast
        self.implicit = implicit

    def __str__(self) -> str:
        if self.update is not None:
            return f"In({self.variable} -> {self.update})"
        return f"In({self.variable})"

    __repr__ = __str__


class In(SymbolicInput):
    """An input of a function, with an optional default value.

    Parameters
    ----------
    variable : Variable
        Receives the value.
    name : str, optional
        Keyword under which the input can be passed.
    value : object or Container, optional
        Default. With an update it is the first value, and keeps what each call stores.
    update, mutable, strict, allow_downcast, autoname
        As for `SymbolicInput`.
    implicit : bool, optional
        True: the value cannot be passed in a call. None: True if `value` is a container.
    borrow : bool, optional
        Outputs may share memory with the value that is passed. As `mutable` by default.
    shared : bool
        The input stands for a shared variable.

    Examples
    --------
    >>> x, total = pt.scalar("x"), pt.scalar("total")
    >>> add = pytensor.function([x, pytensor.In(total, value=0.0, update=total + x)], total + x)
    >>> add(3.0).item(), add(4.0).item()
    (3.0, 7.0)
    """

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        value: Any = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool | None = None,
        borrow: bool | None = None,
        shared: bool = False,
    ) -> None:
        if mutable is None:
            mutable = update is not None
        if mutable and borrow is False:
            raise ValueError(
                f"Symbolic input for variable {variable} (name={name}) has flags mutable=True, "
                "borrow=False. An input that may be overwritten is also aliased, so that "
                "mutable=True needs borrow=True."
            )
        if implicit is None:
            implicit = isinstance(value, Container) or (
                isinstance(value, SharedVariable) and value is variable
            )
        if implicit and value is None:
            raise TypeError("An implicit input must be given a default value")
        self.shared = shared
        self.borrow = mutable if borrow is None else borrow
        super().__init__(
            variable=variable,
            name=name,
            update=update,
            mutable=mutable,
            strict=strict,
            allow_downcast=allow_downcast,
            autoname=autoname,
            implicit=implicit,
        )
        self.value = value


class SymbolicOutput:
    """An output of a function.

    Parameters
    ----------
    variable : Variable
    borrow : bool
        The returned array may share memory with an input or a shared variable.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> pytensor.function([x], pytensor.Out(x + 1, borrow=True))([1.0, 2.0]).tolist()
    [2.0, 3.0]
    """

    def __init__(self, variable: Variable, borrow: bool = False) -> None:
        self.variable = variable
        self.borrow = borrow

    def clone(self, **kwargs: Any) -> "SymbolicOutput":
        return SymbolicOutput(
            kwargs.get("variable", self.variable), kwargs.get("borrow", self.borrow)
        )

    def __str__(self) -> str:
        return f"Out({self.variable},{self.borrow})"

    __repr__ = __str__


Out = SymbolicOutput
