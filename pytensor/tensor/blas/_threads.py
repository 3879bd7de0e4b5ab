"""How many threads BLAS may use, for the duration of some calls.

The number of threads of a library belongs to the whole process. Hence, while limits of several
Python threads overlap, the smallest counts, and what was there before comes back when the last of
them ends; a number that somebody sets in between is lost. MKL alone keeps a number per thread:
there, limits of other threads do not matter.

The functions of the library are called directly where they are known (OpenBLAS, MKL, BLIS, AOCL,
FlexiBLAS), which takes about a microsecond; threadpoolctl is asked for others if it is installed.
"""

import importlib.util
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from functools import partial
from typing import Any, NamedTuple

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.tensor.blas._capsules import extension_path, scipy_in_process
from pytensor.tensor.blas._numpys import numpy_extension
from pytensor.tensor.blas._runtime import Runtime, runtime_of
from pytensor.utils import after_scipy_import

__all__ = ["calls_blas", "limit_threads", "limited", "note_new_library"]


NO_LIMIT = sys.maxsize


class Pool(NamedTuple):
    """The threads of one library.

    Parameters
    ----------
    name : str
    get : callable
        Returns the present number.
    set : callable
        Sets the number.
    address : int
        Of its function that sets the number, 0 if that isn't known.
    """

    name: str
    get: Callable[[], int]
    set: Callable[[int], object]
    address: int = 0


class _Limits:
    """The limits that are in force now, and the numbers before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pools: list[Pool] | None = None
        self.with_scipy = False
        self.active: list[int] = []
        self.before: list[tuple[Pool, int]] = []
        self.least = NO_LIMIT

    def enter(self, n: int) -> None:
        with self.lock:
            if not self.active:
                if self.pools is None or self.with_scipy is not scipy_in_process():
                    self.find()
                self.before = [(pool, pool.get()) for pool in self.pools or ()]
            self.active.append(n)
            self._apply(min(n, self.least))

    def find(self) -> None:
        """Look for the libraries, and put a limit that is in force on those that are new."""
        self.with_scipy = scipy_in_process()
        self.pools = _find_pools()
        limited = {pool.address for pool, _ in self.before}
        for pool in self.pools if self.active else ():
            if pool.address and pool.address not in limited:
                self.before.append((pool, pool.get()))
                if self.before[-1][1] > self.least:
                    pool.set(self.least)

    def leave(self, n: int) -> None:
        with self.lock:
            self.active.remove(n)
            self._apply(min(self.active, default=NO_LIMIT))

    def _apply(self, least: int) -> None:
        """Have all libraries use `least` threads, or fewer where it was fewer before."""
        for pool, number in self.before:
            if min(number, least) != min(number, self.least):
                pool.set(min(number, least))
        self.least = least


_limits = _Limits()


def note_new_library() -> None:
    """Have limits count for a library that was loaded: those in force, and the next one."""
    with _limits.lock:
        if _limits.active:
            _limits.find()
        else:
            _limits.pools = None


after_scipy_import.append(note_new_library)


def _find_pools() -> list[Pool]:
    """The libraries behind SciPy, behind NumPy, and those that were linked."""
    runtimes = {r.address: r for r in map(runtime_of, _handles()) if r is not None}
    pools = [_pool(runtime) for runtime in runtimes.values()]
    return pools or _of_threadpoolctl()


def _handles() -> Iterable[Any]:
    from pytensor.tensor.blas import _ldflags  # noqa: PLC0415  (it names this module)

    # SciPy's is not loaded for the sake of a limit: it may never be needed.
    if scipy_in_process():
        yield extension_path()
    yield numpy_extension()
    for verdicts in list(_ldflags._chosen.values()):
        for verdict in verdicts:
            if verdict.provider is not None:
                yield verdict.provider.keep_alive


def _pool(runtime: Runtime) -> Pool:
    return Pool(runtime.family.name, runtime.get_threads, runtime.set_threads, runtime.address)


def _of_threadpoolctl() -> list[Pool]:
    """The pools that threadpoolctl knows; None of them if it is not installed."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return []
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415  (optional package)

    controllers = ThreadpoolController().select(user_api="blas").lib_controllers
    return [
        Pool(each.prefix, partial(getattr, each, "num_threads", 1), each.set_num_threads)
        for each in controllers
    ]


def pools() -> list[Pool]:
    """Return the libraries whose threads can be limited."""
    with _limits.lock:
        if _limits.pools is None:
            _limits.find()
        return list(_limits.pools or ())


class limit_threads(ContextDecorator):
    """Limit the threads of BLAS within a ``with`` block, or within calls of a function.

    Parameters
    ----------
    n : int
        The most threads that BLAS may use: SciPy's, NumPy's, and libraries linked through
        ``config.blas__ldflags``. 0 sets no limit.

    Raises
    ------
    ValueError
        If `n` is no integer, or negative.
    RuntimeError
        If the threads of this BLAS can't be set.

    Notes
    -----
    The number belongs to the process: while limits of several threads overlap, the smallest
    counts. What was set before comes back at the end, also after an exception.

    Examples
    --------
    >>> import numpy as np
    >>> from pytensor.tensor.blas import limit_threads
    >>> with limit_threads(1):
    ...     product = np.ones((3, 3)) @ np.ones((3, 3))
    """

    def __init__(self, n: int):
        self.n = checked_limit(n, "limit_threads")
        if self.n and not pools():
            raise RuntimeError(_CANNOT)

    def __enter__(self) -> "limit_threads":
        if self.n:
            _limits.enter(self.n)
        return self

    def __exit__(self, *error: object) -> None:
        if self.n:
            _limits.leave(self.n)


_CANNOT = (
    "[limit_threads] the number of threads of this BLAS cannot be set by a function that is known "
    "here; `pip install threadpoolctl` may know one, and environment variables (OMP_NUM_THREADS) "
    "work before Python starts"
)


def checked_limit(n: Any, who: str) -> int:
    """Return a limit as an integer; None means 0, which is no limit."""
    if n is None:
        return 0
    try:
        number = int(n)
    except (TypeError, ValueError):
        number = -1
    if number < 0 or number != n:
        raise ValueError(f"[{who}] n must be a number of threads, or 0 for no limit, got {n!r}")
    return number


def limited(call: Callable[..., Any], n: int) -> Callable[..., Any]:
    """Return `call`, made with at most `n` threads of BLAS; what it raises is raised."""
    enter, leave = _limits.enter, _limits.leave
    if not pools():
        raise RuntimeError(_CANNOT)

    def call_limited(*args: Any, **kwargs: Any) -> Any:
        enter(n)
        try:
            return call(*args, **kwargs)
        finally:
            leave(n)

    return call_limited


_CALLERS = ("pytensor.tensor.blas.", "pytensor.tensor.linalg.", "pytensor.tensor._dot")
_CALLER_NAMES = {"Dot", "MatMul", "BatchedDot"}


def calls_blas(fgraph: FunctionGraph) -> bool:
    """Tell whether a graph has products or linear algebra, in inner graphs too."""
    graphs: list[Any] = [fgraph]
    while graphs:
        for node in graphs.pop().apply_nodes:
            core = getattr(node.op, "core_op", node.op)
            kind = type(core)
            if kind.__module__.startswith(_CALLERS) or kind.__name__ in _CALLER_NAMES:
                return True
            if isinstance(core, HasInnerGraph):
                graphs.append(core.fgraph)
    return False


def configured_limit(fgraph: FunctionGraph, n: int) -> int:
    """Return ``config.blas__threads`` if it matters for a graph and can be obeyed, else 0."""
    if not n or not calls_blas(fgraph):
        return 0
    if not pools():
        warnings.warn(f"blas__threads={n} has no effect: {_CANNOT}", stacklevel=5)
        return 0
    return n
