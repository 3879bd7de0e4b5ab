"""Compiling that somebody waits for: a line on the terminal meanwhile, and where the time went."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.link.c.lower import LAZY_PYTHON, PYTHON

if TYPE_CHECKING:
    from pytensor.link.c.linker import CProgram
    from pytensor.link.c.units import UnitSource

__all__ = ["Waiting", "report", "say", "waiting_for"]

# Shorter waits are not worth a line.
_PATIENCE = 1.0
_ERASE = "\r\033[K"


class Waiting:
    """Around what waits for compilers: shows that they run, on terminals, after a second.

    Parameters
    ----------
    n_loops, n_units : int
        What is compiled, in how many parts.
    of : str
        The name of a function.

    Attributes
    ----------
    runs : list of float
        The seconds of each run of a compiler. Empty: everything was found.
    """

    def __init__(self, n_loops: int, n_units: int, of: str | None = None):
        self._what = f"{count(n_loops, 'kernel')}{f' of {of}' if of else ''}"
        self._n_units = n_units
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.runs: list[float] = []

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, compiler: Callable[[], bytes]) -> bytes:
        """Run a compiler; several threads may."""
        start = perf_counter()
        with self._lock:
            if self._thread is None and _is_terminal():
                self._thread = threading.Thread(target=self._show, args=(start,), daemon=True)
                self._thread.start()
        try:
            return compiler()
        finally:
            self.runs.append(perf_counter() - start)

    def _show(self, start: float) -> None:
        if self._ended.wait(_PATIENCE):
            return
        while True:
            parts = f", {len(self.runs)} of {self._n_units} parts done" if self._n_units > 1 else ""
            line = f"pytensor compiles {self._what}{parts} ({perf_counter() - start:.0f} s)"
            _write(f"{_ERASE}{line[:79]}")
            if self._ended.wait(0.25):
                break
        _write(_ERASE)


def waiting_for(units: Sequence["UnitSource"], of: str | None = None) -> Waiting:
    """Return what shows that these units are compiled."""
    return Waiting(sum(len(unit.functions) for unit in units), len(units), of)


def _is_terminal() -> bool:
    # None in programs without a console.
    return sys.stderr is not None and sys.stderr.isatty()


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        # The terminal has gone, or somebody closed the stream: nobody is looking.
        return


def say(text: str) -> None:
    """Print what `config.compiler_verbose` asks for."""
    print(f"pytensor: {text}", file=sys.stderr)


def count(n: int, what: str) -> str:
    """Return ``"1 loop"`` or ``"2 loops"``."""
    return f"{n} {what}{'s' if n != 1 else ''}"


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.0f} ms" if seconds >= 0.01 else f"{1e3 * seconds:.1f} ms"


def report(program: Any, name: str | None, rewriting: float, linking: float) -> None:
    """Print where the time of making a function went, and what its operations became."""
    late = f"{name or 'a function'}: rewriting {duration(rewriting)}"
    if not hasattr(program, "tables"):
        say(f"{late}, linking {duration(linking)}; runs in Python")
        return
    names = ("lowering", "compiling", "binding")
    times = [f"{n} {duration(t)}" for n, t in zip(names, program.took, strict=False)]
    say(", ".join([late, *times]))
    say("  " + "; ".join(_parts(program)))


def _parts(program: "CProgram") -> list[str]:
    """Say what runs: kernels by where they come from, and Python."""
    shipped = sum(len(unit.functions) for unit in program.units if unit.ready)
    own = [unit for unit in program.units if not unit.ready]
    loops = sum(len(unit.functions) for unit in own)
    parts = [f"{count(shipped, 'kernel')} came with the package"] if shipped else []
    if loops:
        where = "found compiled"
        if program.runs:
            at_once = (
                f", {len(program.runs)} parts at the same time" if len(program.runs) > 1 else ""
            )
            where = f"compiled now ({duration(max(program.runs))}{at_once})"
        parts.append(f"{count(loops, 'kernel')} {where}")
    promotion = program.promotion
    if promotion is not None:
        where = "interpreted at first" if promotion.loaded is None else "found compiled"
        parts.append(f"{count(promotion.n_loops, 'loop')} {where}")
    kinds = np.frombuffer(program.tables["steps"], np.int32)[::6]
    in_python = Counter(
        type(node.op).__name__
        for kind, node in zip(kinds, program.step_nodes, strict=True)
        if kind in (PYTHON, LAZY_PYTHON) and node is not None
    )
    if in_python:
        listed = ", ".join(f"{n} x {op}" if n > 1 else op for op, n in in_python.items())
        parts.append(f"in Python: {listed}")
    return parts or ["nothing to compute"]
