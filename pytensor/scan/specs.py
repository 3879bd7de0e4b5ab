"""What the arguments of `scan` say, and what the function of one step returned."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pytensor.compile.sharedvalue import SharedVariable
from pytensor.configdefaults import config
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.utils import user_line
from pytensor.raise_op import CheckAndRaise
from pytensor.scan.utils import until
from pytensor.tensor.basic import as_tensor_variable, constant
from pytensor.tensor.math import ge
from pytensor.tensor.shape import shape, shape_padleft, specify_shape
from pytensor.tensor.type import TensorType


def as_list(value: Any) -> list[Any]:
    """Return an argument that may be one thing, several or None as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _element(var: Variable, suffix: str) -> Variable:
    """Return a variable for one element of `var` along its first axis."""
    new = var.type.clone(shape=var.type.shape[1:])()
    new.name = f"{var.name}{suffix}" if var.name else None
    return new


def _suffix(tap: int) -> str:
    return f"[t{tap:+d}]" if tap else "[t]"


def _as_taps(label: str, what: str, taps: Any) -> tuple[int, ...]:
    taps = list(taps) if isinstance(taps, list | tuple | range | np.ndarray) else [taps]
    if not taps or not all(isinstance(t, int) or hasattr(t, "__index__") for t in taps):
        raise ValueError(f"[{label}] taps of {what} must be integers, got {taps}")
    taps = [int(t) for t in taps]
    if len(set(taps)) != len(taps):
        raise ValueError(f"[{label}] taps of {what} must differ, got {taps}")
    return tuple(taps)


# Sequences -------------------------------------------------------------------------------


class SequenceSpec:
    """A sequence and the offsets at which a step reads it."""

    def __init__(self, source: Variable, taps: tuple[int, ...], go_backwards: bool) -> None:
        self.source = source
        self.taps = taps
        self.go_backwards = go_backwards
        self.first = min(0, *taps)
        self.last = max(0, *taps)
        self.inner = [_element(source, _suffix(tap)) for tap in taps]

    @property
    def length(self) -> Any:
        """Number of steps this sequence is good for: an int or a variable."""
        n = self.source.type.shape[0]
        lost = self.last - self.first
        if n is not None:
            return max(n - lost, 0)
        if not hasattr(self, "_length"):
            n = shape(self.source)[0]
            self._length = n - lost if lost else n
        return self._length

    def outer(self, steps: Variable) -> list[Variable]:
        """Return what the loop walks along, one array for each offset."""
        own = self.length
        exact = own is steps or (isinstance(steps, Constant) and own == int(steps.data))
        found = []
        for tap in self.taps:
            seq = self.source
            start, end = tap - self.first, self.last - tap
            if start or end:
                seq = seq[start : -end if end else None]
            if self.go_backwards:
                seq = seq[::-1]
            found.append(seq if exact else seq[:steps])
        return found


def read_sequences(label: str, sequences: Any, go_backwards: bool) -> list[SequenceSpec]:
    """Return the specifications of all sequences."""
    specs = []
    for i, given in enumerate(as_list(sequences)):
        taps: Any = [0]
        if isinstance(given, Mapping):
            unknown = set(given) - {"input", "taps"}
            if unknown or "input" not in given:
                raise ValueError(
                    f"[{label}] sequence {i} must have 'input' and maybe 'taps', got {list(given)}"
                )
            taps = given.get("taps", [0])
            given = given["input"]
        source = as_tensor_variable(given)
        if source.type.ndim == 0:
            raise IndexError(
                f"[{label}] sequence {i} must have at least one dimension, got {source} "
                f"({source.type}); what is the same at each step goes into non_sequences"
            )
        taps = _as_taps(label, f"sequence {i}", [0] if taps is None else taps)
        specs.append(SequenceSpec(source, taps, go_backwards))
    return specs


# Outputs ---------------------------------------------------------------------------------


class OutputSpec:
    """An output, and how later steps read it: `initial` is None if they don't."""

    def __init__(
        self,
        initial: Variable | None = None,
        taps: tuple[int, ...] = (),
        inner: Sequence[Variable] = (),
        number: Any = None,
    ) -> None:
        self.initial = initial
        self.number = number  # a number of Python, which has no dtype of its own
        self.taps = taps
        self.inner = list(inner)

    @property
    def lag(self) -> int:
        return -min(self.taps)

    @property
    def kind(self) -> str:
        if self.initial is None:
            return "nit_sot"
        if not isinstance(self.initial.type, TensorType):
            return "untraced"
        return "sit_sot" if self.taps == (-1,) else "mit_sot"

    def initial_values(self, label: str) -> Variable:
        """Return the initial values along a first axis."""
        if self.taps == (-1,):
            return shape_padleft(self.initial, 1)
        rows = self.initial[: self.lag]
        if rows.type.shape[0] is not None:
            return rows
        message = (
            f"[{label}] the initial values {self.initial} must have a first axis of length "
            f"{self.lag} for taps {self.taps}"
        )
        enough = ge(shape(self.initial)[0], self.lag)
        rows = CheckAndRaise(ValueError, message)(rows, enough)
        return specify_shape(rows, (self.lag, *(None for _ in rows.type.shape[1:])))

    def take_dtype_of(self, new: Variable) -> bool:
        """Give an initial number of Python the dtype that steps return; return whether it changed."""
        if self.number is None or not isinstance(new.type, TensorType):
            return False
        dtype = new.type.dtype
        if dtype == self.initial.type.dtype or not np.can_cast(_LEAST[type(self.number)], dtype):
            return False
        self.initial = constant(np.asarray(self.number, dtype=dtype))
        self.inner = [self.initial.type()]
        return True

    def checked(self, label: str, new: Variable) -> Variable:
        """Return the value of a step in the type of the state it becomes.

        Raises
        ------
        ValueError
            If dtype, rank or known lengths differ.
        """
        state = self.inner[0].type
        what = None
        if not isinstance(new.type, TensorType) or new.type.ndim != state.ndim:
            what = "number of dimensions"
        elif new.type.dtype != state.dtype:
            what = "dtype"
        elif any(a not in (None, b) and b is not None for a, b in zip(state.shape, new.type.shape)):
            what = "shape"
        if what is None:
            return new
        where = user_line(new)
        raise ValueError(
            f"[{label}] the step must keep the {what} of its state: the initial state "
            f"(outputs_info) {self.initial} gives {state}, fn returned {new.type}"
            + (f"\n  in  {where}" if where else "")
        )


# Numbers of Python, and what a dtype must hold to take them.
_LEAST = {bool: "bool", int: "int8", float: "float16", complex: "complex64"}
_NUMBERS = frozenset(_LEAST)


def _number(value: Any, dtype: str) -> Variable:
    """Return a number of Python as a constant; `dtype` is for floats."""
    kept = {float: dtype, complex: np.result_type(dtype, "complex64").name}
    return constant(np.asarray(value, dtype=kept.get(type(value), type(value))))


def read_outputs_info(
    label: str, outputs_info: Any, others: Sequence[Variable] = ()
) -> list[OutputSpec]:
    """Return the specifications of all outputs.

    A float of Python has the precision of the arrays among `others`, or else `config.floatX`.
    """
    given = as_list(outputs_info)
    known = [v.type.dtype for v in (*others, *given) if isinstance(v, Variable) and is_float(v)]
    dtype = np.result_type(*known).name if known else config.floatX
    return [_read_output(label, i, value, dtype) for i, value in enumerate(given)]


def is_float(var: Variable) -> bool:
    """Tell whether a variable holds real floating point numbers."""
    return isinstance(var.type, TensorType) and var.type.numpy_dtype.kind == "f"


def _read_output(label: str, i: int, given: Any, float_dtype: str) -> OutputSpec:
    taps: Any = None
    what = f"output {i}"
    if isinstance(given, Mapping):
        unknown = set(given) - {"initial", "taps", "return_steps", "inplace"}
        taps = given.get("taps")
        if unknown:
            raise ValueError(
                f"These keys were unexpected in Scan outputs_info[{i}]: {unknown}; [{label}] it may "
                "have 'initial' and 'taps'"
            )
        if taps is not None and given.get("initial") is None:
            raise ValueError(
                "If you are using slices of an output you need to provide a initial state for it: "
                f"[{label}] outputs_info of {what} must have 'initial' and 'taps', got {given}"
            )
        given = given.get("initial")
    if given is None:
        return OutputSpec()
    number = given if type(given) in _NUMBERS else None
    if number is not None:
        given = _number(number, float_dtype)
    elif not isinstance(given, Variable):
        given = as_tensor_variable(given)
    if not isinstance(given.type, TensorType):
        return OutputSpec(given, (-1,), [given.type()])
    rows = isinstance(taps, range | tuple)
    taps = (-1,) if taps is None else _as_taps(label, what, taps)
    if any(tap >= 0 for tap in taps):
        raise ValueError(
            f"All the tap values must be smaller than 0: [{label}] {what} got taps {taps}"
        )
    if taps == (-1,):
        if rows:  # `range(-n, 0)` and n rows, n = 1 is no exception; [-1] is the state itself
            _earlier_values(label, what, given, taps)
            given = given[0]
        inner = given.type()
        inner.name = f"{given.name}[t-1]" if given.name else None
        return OutputSpec(given, taps, [inner], number)
    return OutputSpec(given, taps, _earlier_values(label, what, given, taps))


def _earlier_values(
    label: str, what: str, given: Variable, taps: tuple[int, ...]
) -> list[Variable]:
    lag = -min(taps)
    if given.type.ndim == 0:
        raise IndexError(
            f"[{label}] the initial values of {what} must have a first axis of length {lag} for "
            f"taps {taps}, got {given} ({given.type})"
        )
    n = given.type.shape[0]
    if n is not None and n < lag:
        raise ValueError(
            f"[{label}] the initial values of {what} must have a first axis of length {lag} for "
            f"taps {taps}, got shape {given.type.shape}"
        )
    return [_element(given, _suffix(tap)) for tap in taps]


# Steps -----------------------------------------------------------------------------------


class StepResult:
    """What the function of one step returned."""

    def __init__(self) -> None:
        self.outputs: list[Variable] = []
        self.updates: dict[SharedVariable, Variable] = {}
        self.condition: list[Variable] = []


def read_step(label: str, returned: Any) -> StepResult:
    """Sort what the function of one step returned.

    Raises
    ------
    ValueError
        If there is something that is neither variable, updates nor `until`.
    """
    result = StepResult()
    for item in _parts(returned):
        _sort_part(label, item, result)
    return result


def _parts(returned: Any) -> list[Any]:
    """Return the things in a result; outputs may be a list of their own beside the updates."""
    if isinstance(returned, Variable | Mapping | until):
        return [returned]
    if not isinstance(returned, list | tuple):
        return [returned]
    if _is_pairs(returned):
        return [dict(returned)]
    parts: list[Any] = []
    for item in returned:
        if _is_pairs(item):
            parts.append(dict(item))
        else:
            parts.extend(item if isinstance(item, list | tuple) else [item])
    return parts


def _is_pairs(value: Any) -> bool:
    """Tell whether `value` is a list of (shared variable, new value)."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, Variable)
        and len(value) > 0
        and all(
            isinstance(p, list | tuple) and len(p) == 2 and isinstance(p[0], SharedVariable)
            for p in value
        )
    )


def _sort_part(label: str, item: Any, result: StepResult) -> None:
    if isinstance(item, until):
        if result.condition:
            raise ValueError(f"[{label}] fn must return at most one until")
        result.condition.append(item.condition)
    elif isinstance(item, Mapping):
        for var, new in item.items():
            if not isinstance(var, SharedVariable):
                raise TypeError(f"[{label}] updates must be of shared variables, got {var}")
            result.updates[var] = (
                new if isinstance(new, Variable) else var.type.filter_variable(new)
            )
    elif isinstance(item, Variable):
        result.outputs.append(item)
    else:
        raise ValueError(
            f"[{label}] The return value of your scan lambda expression may only be made of lists, "
            "tuples, or dictionaries containing PyTensor variables (or "
            "`pytensor.scan.utils.until` objects for conditions). In particular if you need to use "
            "constant values, you can use `tensor.constant` to turn them into PyTensor variables; "
            f"got {item!r}"
        )
