"""What one call of a compiled function does, as Python code made for that function.

The usual call gives every argument by position. It is served by a few lines of generated code:
check each argument, read the shared values, run the program, store the updates. Everything else
(keywords, defaults, mistakes) goes through `CallSpec.slow`, which ends in the same code.
"""

import copy
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

import numpy as np

from pytensor.compile.sharedvalue import Container
from pytensor.graph.type import Type
from pytensor.link.basic import Program
from pytensor.link.utils import add_to_message, describe_value


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


MISSING = _Missing()


class InputSlot(NamedTuple):
    """One input of the graph, as the caller sees it.

    Attributes
    ----------
    name : str or None
        Keyword of the argument.
    type : Type
    container : Container
        Holds the default of an argument, or the value of a shared variable.
    explicit : bool
        The value is an argument of the call.
    has_default : bool
        The argument may be left out.
    overwritten : bool
        The program may write over the value.
    fragile : bool
        A failing call may leave the value half-written.
    """

    name: str | None
    type: Type
    container: Container
    explicit: bool
    has_default: bool = False
    overwritten: bool = False
    fragile: bool = False


class CallSpec:
    """All a driver needs to know to make the calls of one function.

    Attributes
    ----------
    program : Program
    inputs : sequence of InputSlot
        In the order of the inputs of the graph.
    n_returned : int
        How many of the outputs go to the caller; the others are updates.
    updates : sequence of (int, Container)
        Which output is stored where after success.
    unpack_single : bool
        Return the only output instead of a list.
    output_keys : sequence of str, optional
        Return a dictionary with these keys.
    trust_input : bool
        Leave out checks and conversions of arguments.
    name : str, optional
        Name of the function, for messages.
    """

    call: Callable[..., Any]

    def __init__(
        self,
        program: Program,
        inputs: Sequence[InputSlot],
        n_returned: int,
        updates: Sequence[tuple[int, Container]] = (),
        unpack_single: bool = True,
        output_keys: Sequence[str] | None = None,
        trust_input: bool = False,
        name: str | None = None,
    ) -> None:
        self.program = program
        self.inputs = inputs
        self.n_returned = n_returned
        self.updates = updates
        self.unpack_single = unpack_single
        self.output_keys = output_keys
        self.trust_input = trust_input
        self.name = name
        self.arguments = [slot for slot in self.inputs if slot.explicit]

    def build(self) -> Callable[..., Any]:
        """Return the callable, made by the program's own driver if it has one."""
        self.call = self.program.bind(self) or _generate(self)
        return self.call

    # -- calls that are not all positional -----------------------------------------------

    def slow(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Bind arguments that were not all given by position, then make the call."""
        given = [a for a in args if a is not MISSING]
        slots = self.arguments
        if len(given) + len(named) > len(slots):
            self._fail(f"takes {len(slots)} arguments, got {len(given) + len(named)}")
        values: list[Any] = given + [MISSING] * (len(slots) - len(given))
        for key, value in named.items():
            values[self._position(key, values)] = value
        for i, slot in enumerate(slots):
            if values[i] is MISSING:
                if not slot.has_default:
                    self._fail(f"Missing input: {slot.name or i}")
                values[i] = slot.container.storage[0]
        return self.call(*values)

    def _position(self, key: str, values: list[Any]) -> int:
        places = [i for i, slot in enumerate(self.arguments) if slot.name == key]
        if not places:
            names = ", ".join(s.name for s in self.arguments if s.name is not None)
            self._fail(f"Unknown input: {key}. The named inputs are ({names})")
        if len(places) > 1:
            self._fail(
                f"Ambiguous name: {key} is the name of {len(places)} inputs, give them by position"
            )
        if values[places[0]] is not MISSING:
            self._fail(f"Got multiple values for input {key}")
        return places[0]

    def _fail(self, problem: str) -> NoReturn:
        title = f"[{self.name or 'function'}]"
        wanted = ", ".join(map(self._describe, range(len(self.arguments))))
        raise TypeError(f"{title} {problem}. Inputs are ({wanted})")

    def _describe(self, i: int) -> str:
        slot = self.arguments[i]
        return f"{slot.name or f'argument {i}'}: {slot.type}"

    # -- checks ---------------------------------------------------------------------------

    def filter_for(self, i: int) -> Callable[[Any], Any]:
        """Return the function that converts argument `i`, or says what is wrong with it."""
        slot = self.arguments[i]
        container = slot.container
        type_filter, strict, downcast = slot.type.filter, container.strict, container.allow_downcast

        def check(value: Any) -> Any:
            try:
                if strict:
                    return type_filter(value, strict=True)
                return type_filter(value, strict=False, allow_downcast=downcast)
            except Exception as error:
                where = f"  in argument {i} of {self.name or 'the function'}, "
                add_to_message(error, f"{where}{self._describe(i)}, got {describe_value(value)}")
                raise

        return check


def writable(value: Any) -> Any:
    """Return `value`, or a copy if writing to it is impossible or would change several elements."""
    if not isinstance(value, np.ndarray):
        return value
    overlapping = 0 in value.strides and any(
        n > 1 and s == 0 for n, s in zip(value.shape, value.strides, strict=True)
    )
    return value if value.flags.writeable and not overlapping else value.copy(order="K")


def unshared(value: Any, others: Sequence[Any]) -> Any:
    """Return `value`, or a copy if one of `others` shares memory with it."""
    if isinstance(value, np.ndarray):
        for other in others:
            if isinstance(other, np.ndarray) and np.may_share_memory(value, other):
                return value.copy(order="K")
    return value


def duplicate(value: Any) -> Any:
    """Return a copy of `value`."""
    return value.copy(order="K") if isinstance(value, np.ndarray) else copy.deepcopy(value)


class _AllLocks:
    """Several locks as one, taken in the same order by everybody."""

    def __init__(self, locks: Sequence[Any]) -> None:
        self.locks = locks

    def __enter__(self) -> None:
        taken = []
        try:
            for lock in self.locks:
                lock.acquire()
                taken.append(lock)
        except BaseException:  # an interrupt between two locks
            for lock in reversed(taken):
                lock.release()
            raise

    def __exit__(self, *error: Any) -> None:
        for lock in reversed(self.locks):
            lock.release()


# ---------------------------------------------------------------------------------------
# Code
# ---------------------------------------------------------------------------------------


def _guard(slot: InputSlot, i: int, names: dict[str, Any]) -> str:
    """Return a condition under which argument `i` needs no conversion, or an empty string."""
    dtype, ndim = getattr(slot.type, "numpy_dtype", None), getattr(slot.type, "ndim", None)
    shape = getattr(slot.type, "shape", None)
    if dtype is None or ndim is None or shape is None:
        return ""
    names[f"t{i}"] = dtype
    tests = [f"type(a{i}) is ndarray", f"a{i}.dtype is t{i}", f"a{i}.ndim == {ndim}"]
    tests += [f"a{i}.shape[{k}] == {n}" for k, n in enumerate(shape) if n is not None]
    return " and ".join(tests)


def _input_lines(spec: CallSpec, names: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return statements that prepare arguments, and the expressions the program is called with."""
    lines, values = [], []
    argument = 0
    for k, slot in enumerate(spec.inputs):
        if not slot.explicit:
            names[f"s{k}"] = slot.container.storage
            values.append(f"s{k}[0]")
            continue
        i, argument = argument, argument + 1
        values.append(f"a{i}")
        if not spec.trust_input:
            names[f"f{i}"] = spec.filter_for(i)
            guard = _guard(slot, i, names)
            lines.append(f"if not ({guard}): a{i} = f{i}(a{i})" if guard else f"a{i} = f{i}(a{i})")
    for k, slot in enumerate(spec.inputs):
        if slot.explicit and slot.overwritten:
            others = ", ".join(v for j, v in enumerate(values) if j != k)
            lines.append(f"{values[k]} = unshared(writable({values[k]}), [{others}])")
        elif not slot.explicit and slot.fragile:
            values[k] = f"duplicate({values[k]})"
        elif not slot.explicit and slot.overwritten:
            values[k] = f"writable({values[k]})"
    return lines, values


def _output_lines(spec: CallSpec, names: dict[str, Any]) -> list[str]:
    lines = []
    for i, container in spec.updates:
        names[f"u{i}"] = container.storage
        lines.append(f"u{i}[0] = outputs[{i}]")
    n = spec.n_returned
    if spec.output_keys is not None:
        pairs = ", ".join(f"{key!r}: outputs[{i}]" for i, key in enumerate(spec.output_keys))
        lines.append(f"return {{{pairs}}}")
    elif spec.unpack_single and n == 1:
        lines.append("return outputs[0]")
    else:
        lines.append(f"return outputs[:{n}]" if spec.updates else "return outputs")
    return lines


def _source(spec: CallSpec) -> tuple[str, dict[str, Any]]:
    names: dict[str, Any] = {
        "MISSING": MISSING,
        "ndarray": np.ndarray,
        "slow": spec.slow,
        "program": spec.program.run,
        "writable": writable,
        "unshared": unshared,
        "duplicate": duplicate,
    }
    n = len(spec.arguments)
    prepare, values = _input_lines(spec, names)
    body = [f"outputs = program({', '.join(values)})", *_output_lines(spec, names)]
    if spec.updates:
        # One at a time from reading a shared value to storing its update; always in this order.
        containers = sorted({id(c): c for _, c in spec.updates}.values(), key=id)
        locks = [c.lock for c in containers]
        names["lock"] = locks[0] if len(locks) == 1 else _AllLocks(locks)
        body = ["with lock:", *(f"    {line}" for line in body)]
    parameters = "".join(f"a{i}=MISSING, " for i in range(n)) + ("/, " if n else "")
    unusual = f"a{n - 1} is MISSING or more or named" if n else "more or named"
    arguments = "".join(f"a{i}, " for i in range(n))
    lines = [
        f"if {unusual}: return slow(({arguments}*more,), named)",
        *prepare,
        *body,
    ]
    head = f"def make({', '.join(names)}):\n    def call({parameters}*more, **named):\n"
    text = "".join(f"        {line}\n" for line in lines)
    return f"{head}{text}    return call\n", names


@lru_cache(maxsize=512)
def _compiled(source: str) -> Callable[..., Any]:
    """Compile a factory; functions of the same form share it."""
    scope: dict[str, Any] = {}
    exec(compile(source, "<pytensor function call>", "exec"), scope)
    return scope["make"]


def _generate(spec: CallSpec) -> Callable[..., Any]:
    source, names = _source(spec)
    return _compiled(source)(**names)
