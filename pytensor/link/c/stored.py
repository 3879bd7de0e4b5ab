"""The pickled form of a C program: its tables, and the C text of its kernels.

Where the driver, NumPy's numbering of dtypes, the processor and the BLAS are as they were, the
tables are bound as they are, and the kernels come from the package, from the cache (by the key
they were stored under, so that no compiler is needed), or are compiled from the stored text.
Elsewhere the rewritten graph is lowered again. What is read from the cache is never a pickle.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.compile.inner_function import HasInnerFunction
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.link.c.cache import content_key, get_cache
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.driver import (
    Unit,
    _units,
    driver_source,
    get_driver,
    load_unit,
    open_unit,
)
from pytensor.link.c.linker import CProgram
from pytensor.link.c.lower import LAZY_PYTHON, PYTHON, Lowered, _python_call
from pytensor.link.c.tiers import SHARE, Promotion, estimate
from pytensor.link.c.toolchain import CompileError, cpu_features, environment_key
from pytensor.link.c.units import UnitSource, unit_arguments
from pytensor.link.schedule import Schedule, destroyed_inputs
from pytensor.utils import late, say_once

if TYPE_CHECKING:
    from pytensor.compile.stored import Packed
    from pytensor.graph.fg import FunctionGraph

__all__ = ["StoredProgram", "stored"]

_DTYPES = "?bhilqBHILQfdFD"


@cache
def abi() -> str:
    """Return the hash of what the tables of a program mean: the driver's text, sizes of types."""
    numbers = [f"{np.dtype(code).num}:{np.dtype(code).str}" for code in _DTYPES]
    return content_key((driver_source(), *numbers))


def _blas() -> str:
    """Return what kernels that call BLAS or LAPACK rely on: the tables' order, the integer."""
    names = late("pytensor.tensor.blas._provider:BLAS_NAMES")
    lapack = late("pytensor.tensor.blas._provider:LAPACK_NAMES")
    defines = late("pytensor.tensor.blas:get_provider")().defines
    return content_key((repr(names), repr(lapack), repr(defines)))


def cached_unit(key: str) -> Unit | None:
    """Return the unit this process or the cache has under a key, or None; nothing is compiled."""
    unit = _units.get(key)
    if unit is None:
        path = get_cache().find(key)
        if path is None:
            return None
        try:
            capsule = get_driver().load(path)
        except (OSError, ImportError):
            # It does not load from there: the text is at hand.
            return None
        unit = _units.setdefault(key, Unit(key, capsule))
    return unit


@cache
def shipped_unit(name: str) -> Unit | None:
    """Return the unit that came with the package, if it has this name: its hash is in it."""
    path = Path(__file__).parent / "_built" / name
    try:
        return open_unit(path) if path.is_file() else None
    except (CompileError, OSError, ImportError):
        return None


class StoredUnit(UnitSource):
    """A translation unit as text, with the key under which the cache may hold it compiled.

    Attributes
    ----------
    flags : tuple of str
    ready : bool
        It came with the package, as the file `key`.
    is_library : bool
    key : str
        Empty if it was not compiled.
    place : tuple of str
        Processor and compiler variables for which `key` is good.
    functions : range
        As many as it has.
    """

    is_library = False
    functions: Any

    def __init__(self, unit: UnitSource, loaded: Unit | None) -> None:
        self._text = b"" if unit.ready else zlib.compress(unit.text.encode(), 3)
        self.flags, self.ready, self.is_library = unit.flags, unit.ready, unit.is_library
        self.functions = range(len(unit.functions))
        self.key, self.place = "" if loaded is None else loaded.key, _place()

    @property
    def text(self) -> str:  # type: ignore[override]
        """The C text; empty for what came with the package."""
        return zlib.decompress(self._text).decode() if self._text else ""

    def identity(self) -> tuple:
        return (hashlib.sha256(self.text.encode()).digest(),)

    def find(self) -> Unit | None:
        """Return the unit if it is in the package, this process or the cache; compile nothing."""
        if not self.key or self.place != _place():
            return None
        return shipped_unit(self.key) if self.ready else cached_unit(self.key)

    def load(self) -> Unit | None:
        """Return the unit, compiled here if need be; None if the package has another one."""
        found = self.find()
        return load_unit(*unit_arguments(self)) if found is None and not self.ready else found


def _place() -> tuple[str, str]:
    return cpu_features(), environment_key()


class _LateNodes:
    """The nodes of the steps, read from the pickle when one is asked for."""

    def __init__(self, packed: "Packed") -> None:
        self._packed = packed

    def __getitem__(self, number: int) -> Apply | None:
        return self._packed.value.nodes[number]

    def __iter__(self) -> Iterator[Apply | None]:
        return iter(self._packed.value.nodes)

    def __len__(self) -> int:
        return len(self._packed.value.nodes)


def _late_call(nodes: _LateNodes, number: int) -> Callable[..., tuple]:
    """Return the call of a Python step; its node is looked for at the first call."""
    found: list[Callable[..., tuple]] = []

    def call(*values: Any) -> tuple:
        if not found:
            node = nodes[number]
            assert node is not None, "only skips have none"
            found.append(_python_call(node))
        return found[0](*values)

    return call


def _late_special(nodes: _LateNodes, number: int) -> Callable[[bytes], Any]:
    """Return what writes the kernel of a step for what its first call noted, once it is asked for."""

    def specialise(data: bytes) -> Any:
        node = nodes[number]
        assert node is not None, "only skips have none"
        load_dispatch(node.op)
        kernel = c_funcify(node.op, node=node, whole=False)
        return None if kernel is None or kernel.specialise is None else kernel.specialise(data)

    return specialise


class RevivedProgram(CProgram):
    """A program made of its pickled form; its graph is read when asked for."""

    def __init__(self, record: "StoredProgram", packed: "Packed", units: list[Unit]) -> None:
        self._record = record
        self._packed = packed
        nodes: Any = _LateNodes(packed)
        calls = tuple(_late_call(nodes, number) for number in record.call_steps)
        filters = tuple(type_.filter for type_ in record.types)
        tables = {**record.tables, "calls": calls, "filters": filters}
        lowered = Lowered(record.units, tables, nodes)
        plan = Schedule(nodes, {}, record.fragile_inputs)
        super().__init__(lambda: packed.value.fgraph, plan, lowered, loaded=units)
        self.destroyed_inputs = record.destroyed_inputs
        self.special_steps = record.special_steps
        if record.later or record.special_steps:
            special = [(number, _late_special(nodes, number)) for number in record.special_steps]
            self.promotion = Promotion(self._run, record.later, record.later_numbers, special)
            self._promote(self.promotion, record.later)

    @staticmethod
    def _promote(promotion: Promotion, later: tuple[StoredUnit, ...]) -> None:
        """Take the loops if they are compiled; otherwise interpret them as long as that is cheap."""
        compiled = [found for unit in later if (found := unit.find()) is not None]
        if not later:
            promotion.begin()
        elif len(compiled) == len(later):
            promotion.adopt(compiled)
        elif config.compile__tier == "native":
            promotion.finish()
        elif config.compile__tier == "auto":
            promotion.watch(SHARE * 1e9 * estimate(promotion.n_loops))

    @property
    def fgraph(self) -> "FunctionGraph":
        """The rewritten graph."""
        return self._packed.value.fgraph

    @fgraph.setter
    def fgraph(self, graph: "FunctionGraph | None") -> None:
        """Leave it to the pickle."""

    def to_stored(self) -> tuple["StoredProgram", None]:
        """Return what it was made of."""
        return self._record, None


class StoredProgram:
    """What is pickled of a `CProgram`.

    Attributes
    ----------
    abi, blas : str
        What the tables mean, and what the calls of BLAS rely on ("" if there is none).
    special : tuple
        Functions of SciPy that its own had, if some are called.
    tables : dict
        Arguments of the driver's program, but for what cannot be pickled.
    types : tuple of Type
        Of the inputs.
    call_steps : tuple of int
        For each call of Python its step.
    units : tuple of StoredUnit
    later : tuple of StoredUnit
    later_numbers : bytes
        What is interpreted at first, as in `Lowered`.
    special_steps : tuple of int
        The steps of `Lowered.special`.
    interpreter : str
        Name of the interpreter's object; empty if nothing is interpreted.
    fragile_inputs, destroyed_inputs : collection of int
        As for `Program`.
    """

    def __init__(self, program: CProgram) -> None:
        self.abi = abi()
        self.blas = _blas() if _calls_blas(program.units) else ""
        self.special = _special_functions(program)
        self.tables = {k: v for k, v in program.tables.items() if k not in ("calls", "filters")}
        self.types = tuple(v.type for v in program.fgraph.inputs)
        self.call_steps = _call_steps(program.tables["steps"], len(program.step_nodes))
        for number in self.call_steps:
            node = program.step_nodes[number]
            if node is not None and isinstance(node.op, HasInnerFunction):
                node.op.fn  # noqa: B018  (compiled, so that it is pickled)
        self.units = tuple(map(StoredUnit, program.units, program.loaded_units))
        self.later: tuple[StoredUnit, ...] = ()
        self.later_numbers, self.interpreter = b"", ""
        self.special_steps = program.special_steps
        if program.promotion is not None and program.promotion.units:
            promotion = program.promotion
            loaded = promotion.loaded or [None] * len(promotion.units)
            self.later = tuple(map(StoredUnit, promotion.units, loaded))
            self.later_numbers = promotion._numbers
            self.interpreter = late("pytensor.link.c.vm:load")().key
        self.fragile_inputs = program.fragile_inputs
        found = destroyed_inputs(program.fgraph, (n for n in program.nodes if n.op.destroy_map))
        self.destroyed_inputs = tuple(sorted(set().union(*found.values())))

    def revived(self, packed: "Packed", profile: Any, name: str | None) -> CProgram | None:
        """Return the program over the stored tables; None if the graph must be lowered again."""
        if profile is not None:
            # Who measures reads the graph anyway.
            return None
        reason = self._why_not()
        if reason is None:
            try:
                units = [unit.load() for unit in self.units]
                if self.later:
                    same = self.later[0].place == _place()
                    units.append(shipped_unit(self.interpreter) if same else None)
                found = [unit for unit in units if unit is not None]
                if len(found) == len(units):
                    return RevivedProgram(self, packed, found)
                reason = "this installation has other compiled kernels"
            except CompileError as error:
                reason = str(error)
        title = f"{name!r}" if name else "a function"
        say_once(f"pytensor lowers {title} again from its pickled graph: {reason}")
        return None

    def _why_not(self) -> str | None:
        if self.abi != abi():
            return "it was pickled by another version of pytensor or on another platform"
        if self.blas and self.blas != _blas():
            return "it was pickled with another kind of BLAS"
        if self.special and not set(self.special) <= set(
            late("pytensor.link.c.special:addresses")()
        ):
            return "it was pickled with a SciPy that has more functions"
        return None


def _calls_blas(units: Sequence[UnitSource]) -> bool:
    return any(not {"blas", "lapack"}.isdisjoint(unit.flags) for unit in units)


def _special_functions(program: CProgram) -> tuple[tuple[str, str], ...]:
    """Return the functions of SciPy that could be called, if any are."""
    later = () if program.promotion is None else program.promotion.units
    if any("special" in unit.flags for unit in (*program.units, *later)):
        return tuple(late("pytensor.link.c.special:addresses")())
    return ()


def _call_steps(steps: bytes, n_steps: int) -> tuple[int, ...]:
    """Return for each call of Python the number of its step."""
    rows: Any = np.frombuffer(steps, np.int32).reshape(n_steps, -1) if n_steps else np.empty((0, 2))
    calls = [(row[1], i) for i, row in enumerate(rows) if row[0] in (PYTHON, LAZY_PYTHON)]
    return tuple(int(i) for _, i in sorted(calls))


def stored(program: CProgram) -> StoredProgram:
    """Return what is pickled of a program."""
    return StoredProgram(program)
