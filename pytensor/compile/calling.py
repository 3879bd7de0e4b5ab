"""What one call of a compiled function does, as Python code made for that function.

The usual call gives every argument by position. It is served by a few lines of generated code:
check each argument, read the shared values, run the program, store the updates. Everything else
(keywords, defaults, mistakes) goes through `CallSpec.slow`, which ends in the same code.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import call, itemgetter, setitem
from threading import RLock
from typing import Any, NamedTuple, NoReturn

import numpy as np

from pytensor.compile.sharedvalue import Container, copied
from pytensor.graph.type import Type
from pytensor.link.basic import Program
from pytensor.link.utils import add_to_message, describe_value
from pytensor.utils import free_after_fork


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


def is_transactional(type_: Type) -> bool:
    """Tell whether shared values of a type are copied before a call overwrites them.

    Arrays are, and random generators: a failing call leaves them as they were.
    """
    return hasattr(type_, "numpy_dtype") or getattr(type_, "cheap_to_copy", False)


def duplicate(value: Any) -> Any:
    """Return a copy of `value`."""
    return value.copy(order="K") if isinstance(value, np.ndarray) else copied(value)


def in_order(containers: Iterable[Container]) -> list[Container]:
    """Return each container once, in the order in which everybody takes their locks."""
    return sorted({id(c): c for c in containers}.values(), key=id)


# Several things done without a line of Python in between: no signal handler runs and, where there
# is a GIL, no other thread. Results are dropped.
_all_of: Callable[[Iterable[Any]], None] = deque[Any](maxlen=0).extend
_first = itemgetter(0)
# Without a GIL, updates of a call are stored, and several values read, one call at a time.
_commit = free_after_fork(RLock())
_has_gil = getattr(sys, "_is_gil_enabled", lambda: True)


def store(cells: Sequence[list[Any]], values: Sequence[Any]) -> None:
    """Put values into cells; others see all of them or none, and so does an interrupt."""
    if _has_gil():
        _all_of(map(setitem, cells, repeat(0), values))
        return
    with _commit:
        _all_of(map(setitem, cells, repeat(0), values))


def read(containers: Sequence[Container], cells: Sequence[list[Any]]) -> list[Any]:
    """Return the values of shared variables, none while it is being overwritten."""
    own: set[int] = set()
    while True:
        if _has_gil() or len(cells) == 1:
            values = [*map(_first, cells)]
        else:
            with _commit:
                values = [*map(_first, cells)]
        # The references are taken: nobody begins to overwrite these values from here on.
        busy = [c for c in containers if c.writing[0] and id(c) not in own]
        if not busy:
            return values
        with busy[0].lock:
            if busy[0].writing[0]:  # by this very thread, further out
                own.add(id(busy[0]))


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


def _input_lines(spec: CallSpec, names: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return statements that prepare arguments, statements that read shared values, and the
    expressions the program is called with."""
    checks, reads, values = [], [], []
    arguments: list[int] = []
    shared = [k for k, slot in enumerate(spec.inputs) if not slot.explicit]
    for k, slot in enumerate(spec.inputs):
        if not slot.explicit:
            values.append(f"v{k}")
            continue
        i = len(arguments)
        arguments.append(k)
        values.append(f"a{i}")
        if not spec.trust_input:
            names[f"f{i}"] = spec.filter_for(i)
            guard = _guard(slot, i, names)
            checks.append(f"if not ({guard}): a{i} = f{i}(a{i})" if guard else f"a{i} = f{i}(a{i})")
    if shared:
        names["containers"] = [spec.inputs[k].container for k in shared]
        names["cells"] = [c.storage for c in names["containers"]]
        reads.append(f"{''.join(f'v{k}, ' for k in shared)}= read(containers, cells)")
    for k, slot in enumerate(spec.inputs):
        if slot.explicit and slot.overwritten:
            others = ", ".join(v for j, v in enumerate(values) if j != k)
            reads.append(f"{values[k]} = unshared(writable({values[k]}), [{others}])")
            continue
        overwritten = slot.overwritten and is_transactional(slot.type)
        if not slot.explicit and (slot.fragile or overwritten):
            # A reader in another thread, or the user, may refer to it; a failure would show.
            reads.append(f"{values[k]} = duplicate({values[k]})")
    return checks, reads, values


def _output_line(spec: CallSpec) -> str:
    n = spec.n_returned
    if spec.output_keys is not None:
        pairs = ", ".join(f"{key!r}: outputs[{i}]" for i, key in enumerate(spec.output_keys))
        return f"return {{{pairs}}}"
    if spec.unpack_single and n == 1:
        return "return outputs[0]"
    return f"return outputs[:{n}]" if spec.updates else "return outputs"


def _locked(body: list[str], spec: CallSpec, names: dict[str, Any]) -> list[str]:
    """Hold the locks of what is updated, from reading shared values to storing the updates.

    An interrupt cannot come between taking a lock and noting that it is taken, nor between two
    releases: each is one call that runs no Python code.
    """
    containers = in_order(c for _, c in spec.updates)
    names |= {
        "acquire": [c.lock.acquire for c in containers],
        "release": [c.lock.release for c in containers],
        "compress": compress,
        "call_each": call,
        "all_of": _all_of,
    }
    return [
        "taken = []",
        "leave = map(call_each, taken)",
        "try:",
        "    taken.extend(compress(release, map(call_each, acquire)))",
        *(f"    {line}" for line in body),
        "finally:",
        "    all_of(leave)",
    ]


def _source(spec: CallSpec) -> tuple[str, dict[str, Any]]:
    names: dict[str, Any] = {
        "MISSING": MISSING,
        "ndarray": np.ndarray,
        "slow": spec.slow,
        "program": spec.program.run,
        "writable": writable,
        "unshared": unshared,
        "duplicate": duplicate,
        "read": read,
        "store": store,
    }
    n = len(spec.arguments)
    checks, reads, values = _input_lines(spec, names)
    body = [*reads, f"outputs = program({', '.join(values)})"]
    if spec.updates:
        names["updated"] = [container.storage for _, container in spec.updates]
        news = "".join(f"outputs[{i}], " for i, _ in spec.updates)
        body = _locked([*body, f"store(updated, ({news}))"], spec, names)
    parameters = "".join(f"a{i}=MISSING, " for i in range(n)) + ("/, " if n else "")
    unusual = f"a{n - 1} is MISSING or more or named" if n else "more or named"
    arguments = "".join(f"a{i}, " for i in range(n))
    lines = [
        f"if {unusual}: return slow(({arguments}*more,), named)",
        *checks,
        *body,
        _output_line(spec),
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
