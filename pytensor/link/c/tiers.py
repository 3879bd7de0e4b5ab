"""From interpreted loops to compiled ones: when it pays, in the background.

A program begins with kernels that were compiled when the package was installed, and interprets the
others (`pytensor.link.c.interpreter`). The driver adds up what that costs. Once it is a fair part of
what the compiler would take, a thread compiles the loops; the driver then exchanges the kernels, also
in the middle of calls. Programs that stay below never run a compiler.
"""

import atexit
import collections
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from pytensor.configdefaults import config
from pytensor.link.c.driver import Unit, find_units, get_driver, load_units
from pytensor.link.c.lower import Lowered, Specialise, lower
from pytensor.link.c.toolchain import find_compiler, kill_all, why_no_compiler
from pytensor.link.c.units import Function, UnitSource, unit_arguments, written_unit
from pytensor.utils import late, say_once

if TYPE_CHECKING:
    from pytensor.graph.fg import FunctionGraph
    from pytensor.link.schedule import Schedule

__all__ = ["Promotion", "estimate", "lower_here", "unit_arguments", "wait"]

# Whoever waits until interpreting has cost as much as compiling never pays twice the least possible.
# The compiler runs beside the program, so that much less already justifies it.
SHARE = 0.1
# Nanoseconds lost after which the cache is asked for the loops: their text is written for that, which
# takes as long as interpreting a small program a few times.
LOOK = 2e5
# One call so many times over the limit is reason enough, as in c_code/driver_run.h.
LONG_CALL = 20.0
# Seconds gcc takes for a unit, and for each loop in it (measured: 0.02 to 0.12).
UNIT_SECONDS = 0.06
LOOP_SECONDS = 0.05


def estimate(n_loops: int) -> float:
    """Return the seconds a compiler takes for so many loops."""
    return UNIT_SECONDS + LOOP_SECONDS * n_loops


def lower_here(fgraph: "FunctionGraph", plan: "Schedule", failed: str = "") -> Lowered:
    """Lower a graph for what is there: a compiler that works, kernels of the package, an interpreter.

    Parameters
    ----------
    fgraph : FunctionGraph
    plan : Schedule
    failed : str
        What the compiler said, if it was tried.

    Raises
    ------
    CompileError
        If there is no compiler, and the driver is not there, either.
    """
    if not failed and find_compiler() is not None:
        lowered = lower(fgraph, plan)
        if not lowered.later or late("pytensor.link.c.vm:load")() is not None:
            return lowered
        # The interpreter does not load.
        return lower(fgraph, plan, interpret=False)
    get_driver()
    interpret = late("pytensor.link.c.vm:load")() is not None
    lowered = lower(fgraph, plan, interpret=interpret, may_compile=False)
    if failed or lowered.missing or (lowered.later and config.compile__tier != "interpret"):
        in_python = f", and runs {', '.join(lowered.missing)} in Python," if lowered.missing else ""
        say_once(
            f"pytensor interprets loops{in_python} because {failed or why_no_compiler()}; "
            "`pip install pytensor[cc]` brings a compiler",
            key="no compiler" if not failed else "",
        )
    return lowered


class Promotion:
    """What of a program is not as fast as it can be yet, and the way to compile that.

    Parameters
    ----------
    run
        The driver's program.
    units : tuple of UnitSource
        Loops that are interpreted.
    numbers : bytes
        For each step of the program the number of its function when those of the units are counted
        in order, or -1.
    special : sequence of (int, callable)
        Steps, and what writes a faster kernel for what their first call noted; see `CKernel`.

    Attributes
    ----------
    loaded : tuple of Unit or None
        The compiled loops, once the program has them.
    """

    __slots__ = (
        *("__weakref__", "_lock", "_looked", "_numbers", "_run", "_special", "_written"),
        *("loaded", "units"),
    )

    def __init__(
        self,
        run,
        units: tuple["UnitSource", ...],
        numbers: bytes,
        special: Sequence[tuple[int, "Specialise"]] = (),
    ):
        self._run, self.units, self._numbers = run, units, numbers
        self._special = list(special)
        self._written: tuple[UnitSource | None, list[int]] = None, []
        self._lock = threading.Lock()
        self._looked = True
        self.loaded: tuple[Unit, ...] | None = None if units else ()

    @property
    def n_loops(self) -> int:
        """The number of different loops."""
        return sum(len(unit.functions) for unit in self.units)

    def begin(self) -> None:
        """Take the loops if this process has them compiled; otherwise have the driver count."""
        if config.compile__tier == "interpret":
            return
        compiled = _in_process(self.units)
        if compiled is not None:
            self.adopt(compiled)
        elif config.compile__tier == "native" and not self.units:
            # What its first call tells. (Loops are interpreted here only if the compiler failed.)
            self.watch(0.0)
        else:
            self.watch(LOOK, look=True)

    def go_on(self) -> None:
        """Take the loops from the cache, the first time; compile them, the second time.

        Raises
        ------
        CompileError
        """
        if self._looked:
            self.finish(show=False)
            return
        with self._lock:
            wanted = self._wanted()
            compiled = find_units([unit_arguments(unit) for unit in wanted])
            if compiled is not None:
                self._adopt_all(compiled)
                return
        if find_compiler() is not None:
            limit = SHARE * 1e9 * estimate(sum(len(unit.functions) for unit in wanted))
            if self._run.interpreted > LONG_CALL * limit:
                self.finish(show=False)
            else:
                self.watch(limit)

    def watch(self, limit: float, look: bool = False) -> None:
        """Compile when interpreting has cost `limit` nanoseconds, or `look` first.

        In the background, unless the user wants everything compiled from the start: what only the
        first call tells is then compiled at its end.
        """
        self._looked = not look
        # Not `self`: the driver's program would keep it alive, and it the driver's program.
        this = weakref.ref(self)

        def hot() -> None:
            promotion = this()
            if promotion is None:
                return
            if config.compile__tier == "native" and not promotion.units:
                _worker.compile(promotion)
            else:
                _worker.add(promotion)

        self._run.watch(limit, hot)

    def finish(self, show: bool = True) -> None:
        """Compile now what is known, unless done.

        Parameters
        ----------
        show : bool
            Whether somebody waits for it, and may be shown that.

        Raises
        ------
        CompileError
        """
        with self._lock:
            wanted = self._wanted()
            if not wanted:
                return
            arguments = [unit_arguments(unit) for unit in wanted]
            if not show:
                start = perf_counter()
                self._adopt_all(load_units(arguments))
                self._report(perf_counter() - start, sum(len(u.functions) for u in wanted))
                return
            with late("pytensor.link.c.progress:waiting_for")(wanted) as waiting:
                self._adopt_all(load_units(arguments, waiting.run))

    def _wanted(self) -> list["UnitSource"]:
        """Return the units to compile: of what is interpreted, of what the first call told."""
        steps, functions = [], []
        for number, specialise in list(self._special):
            try:
                kernel = specialise(self._run.step_data(number))
            except LookupError:
                # Not run yet.
                continue
            if kernel is None:
                self._special.remove((number, specialise))
                continue
            functions.append(Function(kernel, 0, 0))
            steps.append(number)
        unit = written_unit(functions) if functions else None
        self._written = unit, steps
        own = self.units if self.loaded is None else ()
        return [*own, *([] if unit is None else [unit])]

    def _adopt_all(self, compiled: Sequence[Unit]) -> None:
        """Run the units that `_wanted` named."""
        unit, steps = self._written
        if unit is not None:
            *compiled, special = compiled
            numbers = np.full(self._run.n_steps, -1, np.int32)
            numbers[steps] = range(len(steps))
            self._run.adopt((special.capsule,), numbers.tobytes())
            self._special = [s for s in self._special if s[0] not in steps]
        self.adopt(compiled if self.loaded is None else self.loaded)

    def _report(self, seconds: float, n_loops: int) -> None:
        if config.compiler_verbose:
            spent = 1e-6 * self._run.interpreted
            late("pytensor.link.c.progress:say")(
                f"in the background: {n_loops} loops compiled in {seconds:.2f} s, "
                f"after interpreting them had cost {spent:.3g} ms"
            )

    def adopt(self, compiled: Sequence[Unit]) -> None:
        """Run these instead of the interpreter from now on."""
        if self.loaded is None:
            self._run.adopt(tuple([unit.capsule for unit in compiled]), self._numbers)
            self.loaded = tuple(compiled)
            _remember(_identity(self.units), compiled)
        if not self._special:
            self._run.watch(0.0, None)
        elif config.compile__tier == "native":
            self.watch(0.0)
        else:
            self.watch(self._run.interpreted + LOOK, look=True)


# The units of this process by what is interpreted in their place, as long as programs use them.
_compiled: dict[tuple, tuple["weakref.ref[Unit]", ...]] = {}


def _remember(identity: tuple, units: Sequence[Unit]) -> None:
    def forget(_: "weakref.ref[Unit]") -> None:
        _compiled.pop(identity, None)

    _compiled[identity] = tuple([weakref.ref(unit, forget) for unit in units])


def _identity(units: Sequence["UnitSource"]) -> tuple:
    return tuple([unit.identity() for unit in units])


def _in_process(units: Sequence["UnitSource"]) -> list[Unit] | None:
    """Return the compiled loops if another program of this process has them."""
    if not units:
        return None
    found = [get() for get in _compiled.get(_identity(units), ())]
    alive = [unit for unit in found if unit is not None]
    return alive if alive and len(alive) == len(found) else None


class _Worker:
    """One thread that compiles what proved hot, one unit after the other.

    The thread is made when there is work. It is a daemon: nobody waits for it at the end.
    """

    def __init__(self):
        self._known: weakref.WeakSet[Promotion] = weakref.WeakSet()
        self._ended = False
        self._begin()

    def _begin(self) -> None:
        self._waiting: collections.deque[Promotion] = collections.deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False

    def add(self, promotion: Promotion) -> None:
        """Have the loops of a program compiled soon."""
        with self._changed:
            if self._ended:
                return
            self._waiting.append(promotion)
            self._known.add(promotion)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, daemon=True, name="pytensor-compile"
                )
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        _be_nice()
        while not self._ended:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._waiting:
                    self._changed.wait()
                promotion = self._waiting.popleft()
                self._busy = True
            self.compile(promotion)
            # Not kept alive until there is more work.
            del promotion

    def compile(self, promotion: Promotion) -> None:
        """Compile what a program wants, in this thread."""
        try:
            promotion.go_on()
        except Exception as error:
            # Whatever it is (no memory, no thread): the thread lives on for other programs.
            if not self._ended:
                reason = str(error) or type(error).__name__
                say_once(f"pytensor goes on interpreting loops because {reason}")
        with self._changed:
            self._known.discard(promotion)

    def wait(self, timeout: float | None) -> bool:
        """Return whether everything was done in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._waiting or self._busy), timeout)

    def end(self) -> None:
        """Kill the compiler, so that nothing outlives the interpreter; its place is tidied up."""
        self._ended = True
        thread = self._thread
        if thread is not None and self._busy:
            kill_all()
            thread.join(1.0)

    def after_fork(self) -> None:
        """A child has no thread: programs that waited for it ask again."""
        waiting = list(self._known)
        self._known = weakref.WeakSet()
        self._begin()
        for promotion in waiting:
            promotion._lock = threading.Lock()
            promotion.watch(0.0, look=not promotion._looked)


def _be_nice() -> None:
    """Give way to the program. On Linux this is of the thread and of what it starts alone."""
    if sys.platform.startswith("linux"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        except OSError:
            # Forbidden here: the compiler runs as fast as everything else.
            return


_worker = _Worker()
atexit.register(_worker.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.after_fork)


def wait(timeout: float | None = None) -> bool:
    """Wait until nothing is left to compile in the background; return whether that happened."""
    return _worker.wait(timeout)
