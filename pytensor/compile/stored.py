"""How compiled functions are pickled.

What a call needs (types, cells, tables of the program) is pickled plainly. The graphs are pickled
apart, as bytes, and read when somebody asks for them: an error, ``f.maker``, `debugprint`. So the
time to load a function does not grow with what nobody looks at.
"""

import io
import pickle
import sys
from collections.abc import Callable, Sequence
from threading import RLock
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.compile.calling import CallSpec, InputSlot
from pytensor.compile.collector import no_collection
from pytensor.compile.sharedvalue import Container
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.compile.executor import Function
    from pytensor.compile.maker import FunctionMaker

FORMAT = 1
"""Number of this form; who changes it in a way that old code misreads counts up."""

# Arrays from this size on are pickled once, wherever they are used.
_LARGE = 256
_FUNCTIONS = "pytensor.compile.executor"
_NEAR = {"pytensor", "numpy", "scipy"} | sys.stdlib_module_names


def _outer(number: int) -> Any:
    """Stand for object `number` of those that are pickled outside."""
    raise pickle.UnpicklingError("[pickle] a packed graph is read by Packed.value only")


def _is_foreign(thing: Any) -> bool:
    """Tell whether a class or function is of neither this package nor what it is made with."""
    return (getattr(thing, "__module__", None) or "builtins").partition(".")[0] not in _NEAR


class _Packer(pickle.Pickler):
    """Pickles graphs, and leaves to the pickler around it what is not theirs alone.

    These are cells, large arrays, and everything of the user's own classes: the other pickler may
    be one that knows how to pickle classes by value (cloudpickle).
    """

    def __init__(self, file: io.BytesIO, aliases: dict[int, Any]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.outside: list[Any] = []
        self._number: dict[int, int] = {}
        self._aliases = aliases
        # Classes whose objects are always inside.
        self._inside: set[type] = set()

    def reducer_override(self, thing: Any) -> Any:
        alias = self._aliases.get(id(thing))
        if alias is None:
            kind = type(thing)
            if kind in self._inside:
                return NotImplemented
            if not self._is_outside(thing):
                if kind not in (np.ndarray, FunctionType) and not issubclass(kind, type):
                    self._inside.add(kind)
                return NotImplemented
            alias = thing
        number = self._number.setdefault(id(alias), len(self.outside))
        if number == len(self.outside):
            self.outside.append(alias)
        return _outer, (number,)

    @staticmethod
    def _is_outside(thing: Any) -> bool:
        # A compiled function inside (of an inner graph) is pickled like any other.
        if isinstance(thing, Container) or type(thing).__module__ == _FUNCTIONS:
            return True
        if isinstance(thing, np.ndarray):
            return thing.nbytes >= _LARGE
        if isinstance(thing, type | FunctionType):
            return _is_foreign(thing)
        # Variables and nodes belong to the graph, whatever their class.
        return not isinstance(thing, Variable | Apply) and _is_foreign(type(thing))


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, outside: Sequence[Any]) -> None:
        super().__init__(file)
        self._outside = outside

    def find_class(self, module: str, name: str) -> Any:
        if name == "_outer" and module == __name__:
            return self._outside.__getitem__
        return super().find_class(module, name)


class Graphs:
    """What is pickled apart.

    Attributes
    ----------
    written, fgraph : FunctionGraph
        As the user wrote it, and rewritten.
    specs, outputs : list of SymbolicInput, list of SymbolicOutput
        Over `written`.
    nodes : sequence of Apply, optional
        Those a program wants to find again.
    """

    def __init__(self, written: Any, fgraph: Any, specs: Any, outputs: Any, nodes: Any) -> None:
        # The graph as written comes first: the specifications refer to its variables.
        self.written, self.fgraph, self.specs, self.outputs = written, fgraph, specs, outputs
        self.nodes = nodes

    def __getstate__(self) -> dict[str, Any]:
        """Compiled inner graphs travel too; Ops by themselves leave them behind."""
        ops = [node.op for node in self.fgraph.apply_nodes]
        inner = [(op, op._fn) for op in ops if getattr(op, "_fn", None) is not None]
        return {**self.__dict__, "inner": inner}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for op, compiled in state.pop("inner"):
            op._fn = compiled
        self.__dict__.update(state)


class Packed:
    """Objects as bytes, unpickled when their value is asked for.

    Parameters
    ----------
    value : object
    aliases : dict
        From ``id`` of an object to the one that takes its place, pickled outside.
    """

    def __init__(self, value: Any, aliases: dict[int, Any]) -> None:
        file = io.BytesIO()
        packer = _Packer(file, aliases)
        with no_collection:
            packer.dump(value)
        self._set(late("zlib:compress")(file.getbuffer(), 1), packer.outside)

    def _set(self, data: bytes, outside: Sequence[Any]) -> None:
        self._data = data
        self._outside = tuple(outside)
        self._lock = RLock()
        self._value: Any = None
        self._is_read = False

    @property
    def value(self) -> Any:
        """The objects, the same at each call."""
        with self._lock:
            if not self._is_read:
                file = io.BytesIO(late("zlib:decompress")(self._data))
                with no_collection:
                    self._value = _Unpacker(file, self._outside).load()
                self._is_read = True
        return self._value

    def __len__(self) -> int:
        return len(self._data)

    def __reduce__(self) -> tuple[Callable, tuple]:
        return _packed, (self._data, self._outside)


def _packed(data: bytes, outside: Sequence[Any]) -> Packed:
    packed = object.__new__(Packed)
    packed._set(data, outside)
    return packed


# ---------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------


def state_of(function: "Function") -> dict[str, Any]:
    """Return all that is pickled of a function."""
    maker, program, spec = function.maker, function.vm, function._spec
    stored, nodes = program.to_stored() or (None, None)
    packed = maker.packed(nodes)
    cell_numbers = {id(cell): i for i, cell in enumerate(function.input_storage)}
    return {
        "format": FORMAT,
        "version": _version(),
        "class": type(function),
        "maker_class": type(maker),
        "maker": maker.light_state(),
        "packed": packed,
        "program": stored,
        "cells": function.input_storage,
        "inputs": [
            (s.name, s.type, s.explicit, s.has_default, s.overwritten, s.fragile)
            for s in spec.inputs
        ],
        "n_returned": spec.n_returned,
        "updates": [(output, cell_numbers[id(cell)]) for output, cell in spec.updates],
        "trust_input": spec.trust_input,
        "blas_threads": function.blas_threads,
        "notes": {k: v for k, v in vars(function).items()},
    }


def revived(state: dict[str, Any]) -> "Function | None":
    """Make a function of what was pickled.

    Nothing is rewritten. The program is bound as it was if the code that runs it is the same;
    otherwise the rewritten graph is linked again, and one line says why.
    """
    if not config.unpickle_function:
        return None
    if state["format"] != FORMAT:
        raise RuntimeError(
            f"[pickle] the function was pickled by pytensor {state['version']} in form "
            f"{state['format']}; pytensor {_version()}, which is reading it, knows form {FORMAT}: "
            "pickle and unpickle with the same version, or compile it again here"
        )
    maker = object.__new__(state["maker_class"])
    maker.__setstate__({**state["maker"], "_packed": state["packed"]})
    function = _bound(state, maker) or maker.create(
        state["cells"], trust_input=state["trust_input"]
    )
    vars(function).update(state["notes"])
    return function._with_threads(state["blas_threads"])


def _bound(state: dict[str, Any], maker: "FunctionMaker") -> "Function | None":
    """Return the function over its stored program, or None if that does not fit here."""
    stored, cells = state["program"], state["cells"]
    if stored is None:
        return None
    program = stored.revived(state["packed"], maker.profile, maker.name)
    if program is None:
        return None
    inputs = [
        InputSlot(name, type_, cell, *rest)
        for cell, (name, type_, *rest) in zip(cells, state["inputs"], strict=True)
    ]
    spec = CallSpec(
        program=program,
        inputs=inputs,
        n_returned=state["n_returned"],
        updates=[(output, cells[i]) for output, i in state["updates"]],
        unpack_single=maker.unpack_single,
        output_keys=maker.output_keys,
        trust_input=state["trust_input"],
        name=maker.name,
    )
    return state["class"](program, cells, maker, spec=spec, name=maker.name)


def _version() -> str:
    return late("pytensor:__version__")
