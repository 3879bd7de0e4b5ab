"""How a function is compiled: which rewrites its graph sees and which backend runs it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pytensor.compile.aliasing import Supervisor
from pytensor.configdefaults import config
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.features import AlreadyThere, Feature
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import GraphRewriter
from pytensor.graph.rewriting.db import RewriteDatabase, RewriteDatabaseQuery
from pytensor.graph.rewriting.stages import StageDB, optdb
from pytensor.link import backends
from pytensor.link.basic import Linker
from pytensor.utils import late

# ---------------------------------------------------------------------------------------
# Sets of rewrites, by name
# ---------------------------------------------------------------------------------------

OPT_NONE = RewriteDatabaseQuery(include=[])
OPT_MERGE = RewriteDatabaseQuery(include=["merge"])
OPT_MINIMUM = RewriteDatabaseQuery(include=["minimum_compile"])
OPT_FAST_RUN = RewriteDatabaseQuery(include=["fast_run"])
OPT_FAST_RUN_STABLE = OPT_FAST_RUN.requiring("stable")
OPT_FAST_COMPILE = RewriteDatabaseQuery(include=["fast_compile"])
OPT_STABILIZE = RewriteDatabaseQuery(include=["fast_run"], position_cutoff=1.5000001)
OPT_O2 = OPT_FAST_COMPILE.including("fusion")
OPT_O3 = OPT_FAST_RUN.excluding("inplace")
OPT_UNSAFE = OPT_O3.including("unsafe")

predefined_optimizers: dict[str | None, RewriteDatabaseQuery | GraphRewriter] = {
    None: OPT_NONE,
    "None": OPT_NONE,
    "merge": OPT_MERGE,
    "minimum_compile": OPT_MINIMUM,
    "o4": OPT_FAST_RUN,
    "o3": OPT_O3,
    "o2": OPT_O2,
    "o1": OPT_FAST_COMPILE,
    "unsafe": OPT_UNSAFE,
    "fast_compile": OPT_FAST_COMPILE,
    "fast_run": OPT_FAST_RUN,
    "fast_run_stable": OPT_FAST_RUN_STABLE,
    "stabilize": OPT_STABILIZE,
}


def register_optimizer(name: str, opt: RewriteDatabaseQuery | GraphRewriter) -> None:
    """Make a set of rewrites known under `name`."""
    if name in predefined_optimizers:
        raise ValueError(f"Optimizer name already taken: {name}")
    predefined_optimizers[name] = opt


register_linker = backends.register_linker


class _PredefinedLinkers(dict):
    """Linkers by name, made when asked for."""

    def __missing__(self, name: str) -> Linker:
        return backends.get_linker(name)

    def __contains__(self, name: object) -> bool:
        return name in backends.linker_names()

    def __iter__(self):
        return iter(backends.linker_names())


predefined_linkers = _PredefinedLinkers()

# ---------------------------------------------------------------------------------------
# Rewrites that belong to compilation
# ---------------------------------------------------------------------------------------


class AddDestroyHandler(GraphRewriter):
    """Let operations write over their inputs from here on, checked by a `DestroyHandler`."""

    def apply(self, fgraph: FunctionGraph) -> None:
        if not any(isinstance(feature, Supervisor) for feature in fgraph._features):
            # Nobody said which inputs may be overwritten, so none may.
            fgraph.attach_feature(Supervisor(fgraph.inputs))
        if not hasattr(fgraph, "destroyers"):
            fgraph.attach_feature(DestroyHandler())


class AddFeatureOptimizer(GraphRewriter):
    """Attach a feature to the graph."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        super().add_requirements(fgraph)
        try:
            fgraph.attach_feature(self.feature)
        except AlreadyThere:
            return

    def apply(self, fgraph: FunctionGraph) -> None:
        pass


class PrintCurrentFunctionGraph(GraphRewriter):
    """Print the graph as it is at this stage."""

    def __init__(self, header: str) -> None:
        self.header = header

    def apply(self, fgraph: FunctionGraph) -> None:
        print("PrintCurrentFunctionGraph:", self.header)
        late("pytensor.printing:debugprint")(fgraph.outputs)


optdb.register("add_destroy_handler", AddDestroyHandler(), "fast_run", "inplace")
optdb.add_rule_modules("pytensor.compile.rewriting")

local_useless = optdb["useless"].db

# ---------------------------------------------------------------------------------------
# Modes
# ---------------------------------------------------------------------------------------


_active: ContextVar["Mode | None"] = ContextVar("active_mode", default=None)


class Mode:
    """A set of rewrites and a linker.

    Parameters
    ----------
    linker : str or Linker, optional
        Backend, by name or as an object; ``config.linker`` by default.
    optimizer : str, RewriteDatabaseQuery or GraphRewriter
        Which rewrites to apply. ``"default"`` is ``config.optimizer``; None is none.
    db : RewriteDatabase, optional
        Where rewrites are looked up; `optdb` by default.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> pytensor.function([x], 2 * x, mode=Mode("py", "fast_compile"))([1.0, 2.0]).tolist()
    [2.0, 4.0]
    """

    def __init__(
        self,
        linker: str | Linker | None = None,
        optimizer: str | RewriteDatabaseQuery | GraphRewriter | None = "default",
        db: RewriteDatabase | None = None,
    ) -> None:
        if linker is None:
            linker = config.linker
        if isinstance(optimizer, str) and optimizer == "default":
            optimizer = config.optimizer
        if isinstance(linker, str) and linker not in predefined_linkers:
            raise ValueError(
                f"[Mode] linker must be one of {backends.linker_names()}, got {linker!r}"
            )
        self.optdb = optdb if db is None else db
        self.provided_linker = linker
        self._linker: tuple[str, Linker] | None = None
        self._optimizer = self._as_rewrites(optimizer)
        # What clients build on: the query that a name stands for.
        self.provided_optimizer = self._optimizer
        self._name = optimizer if isinstance(optimizer, str) else None
        self.call_time = 0
        self.fn_time = 0

    @staticmethod
    def _as_rewrites(optimizer: Any) -> RewriteDatabaseQuery | GraphRewriter:
        if isinstance(optimizer, str) or optimizer is None:
            if optimizer not in predefined_optimizers:
                raise ValueError(
                    f"[Mode] optimizer must be one of {list(predefined_optimizers)}, "
                    f"got {optimizer!r}"
                )
            return predefined_optimizers[optimizer]
        return optimizer

    @property
    def linker(self) -> Linker:
        """The linker. A name is looked up when needed, so that modes cost nothing to define."""
        if isinstance(self.provided_linker, Linker):
            return self.provided_linker
        # Whether C can be had may change with the configuration.
        if self._linker is None or self._linker[0] != config.cxx:
            self._linker = (config.cxx, backends.get_linker(self.provided_linker))
        return self._linker[1]

    @property
    def optimizer(self) -> GraphRewriter:
        """The rewriter that prepares a graph for the linker."""
        if not isinstance(self._optimizer, RewriteDatabaseQuery):
            return self._optimizer
        return self.optdb.query(self._query_for_linker(self._optimizer))

    def rewriter_for(self, fgraph: FunctionGraph) -> GraphRewriter:
        """Return what does to `fgraph` as `optimizer` does, but imports only the rules it wants."""
        query, db = self._optimizer, self.optdb
        if not isinstance(query, RewriteDatabaseQuery) or not isinstance(db, StageDB):
            return self.optimizer
        return db.query_for(fgraph, self._query_for_linker(query))

    def _query_for_linker(self, query: RewriteDatabaseQuery) -> RewriteDatabaseQuery:
        linker = self.linker
        if linker.required_rewrites:
            query = query.including(*linker.required_rewrites)
        if linker.incompatible_rewrites:
            query = query.excluding(*linker.incompatible_rewrites)
        return query

    def get_linker_optimizer(
        self, linker: str | Linker | None, optimizer: Any
    ) -> tuple[Linker, RewriteDatabaseQuery | GraphRewriter]:
        """Return a linker and a set of rewrites from their names."""
        return backends.get_linker(linker), self._as_rewrites(optimizer)

    def including(self, *tags: str) -> "Mode":
        """Return a mode that applies the rewrites tagged with `tags` as well."""
        return self._with_rewrites("including", tags)

    def excluding(self, *tags: str) -> "Mode":
        """Return a mode without the rewrites tagged with any of `tags`."""
        return self._with_rewrites("excluding", tags)

    def requiring(self, *tags: str) -> "Mode":
        """Return a mode with only the rewrites that carry all of `tags`."""
        return self._with_rewrites("requiring", tags)

    def register(self, *optimizations: tuple[GraphRewriter, float]) -> "Mode":
        """Return a mode with further rewriters, each with its position among the stages."""
        return self._with_rewrites("register", optimizations)

    def _with_rewrites(self, how: str, arguments: Sequence[Any]) -> "Mode":
        if not isinstance(self._optimizer, RewriteDatabaseQuery):
            raise TypeError(
                f"[Mode] {how} needs a mode with a query of rewrites, got {self._optimizer!r}"
            )
        return self.clone(optimizer=getattr(self._optimizer, how)(*arguments))

    def clone(
        self, link_kwargs: dict[str, Any] | None = None, optimizer: Any = "", **kwargs: Any
    ) -> "Mode":
        """Return a new mode.

        Parameters
        ----------
        link_kwargs : dict, optional
            Arguments for the `clone` method of the linker.
        optimizer
            Another set of rewrites.
        **kwargs
            Further arguments of the class of the mode.
        """
        linker = self.provided_linker
        if link_kwargs:
            linker = self.linker.clone(**link_kwargs)
        if isinstance(optimizer, str) and optimizer == "":
            optimizer = self._optimizer
        kwargs.setdefault("db", self.optdb)
        return type(self)(linker=linker, optimizer=optimizer, **kwargs)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let rewrites that compile inner graphs know this mode."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    @property
    def function_maker(self) -> type:
        """The class that compiles functions in this mode."""
        return late("pytensor.compile.maker:FunctionMaker")

    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in self.__dict__.items() if k not in ("optdb", "_linker")}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, optdb=optdb, _linker=None)

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}(linker={self.provided_linker}, "
            f"optimizer={self._name or self.provided_optimizer})"
        )

    __repr__ = __str__


FAST_COMPILE = Mode("py", "fast_compile")
FAST_RUN = Mode("cvm", "fast_run")
C = Mode("c", "fast_run")
CVM = Mode("cvm", "fast_run")
VM = Mode("vm", "fast_run")
PY = Mode("py", "fast_run")
NUMBA = Mode("numba", RewriteDatabaseQuery(include=["fast_run", "numba"]))
JAX = Mode("jax", RewriteDatabaseQuery(include=["fast_run", "jax"], exclude=["fusion"]))
PYTORCH = Mode("pytorch", RewriteDatabaseQuery(include=["fast_run"], exclude=["fusion"]))
MLX = Mode("mlx", RewriteDatabaseQuery(include=["fast_run", "mlx"], exclude=["fusion"]))

predefined_modes: dict[str, Mode] = {
    "FAST_COMPILE": FAST_COMPILE,
    "C": C,
    "C_VM": CVM,
    "CVM": CVM,
    "VM": VM,
    "PY": PY,
    "NUMBA": NUMBA,
    "JAX": JAX,
    "PYTORCH": PYTORCH,
    "MLX": MLX,
}

# Modes whose modules import this one.
_LATE_MODES = {
    "DEBUGMODE": "pytensor.compile.debug.debugmode:DebugMode",
    "DEBUG_MODE": "pytensor.compile.debug.debugmode:DebugMode",
    "NANGUARDMODE": "pytensor.compile.debug.nanguardmode:NanGuardMode",
    "MONITORMODE": "pytensor.compile.debug.monitormode:MonitorMode",
}
_from_config: dict[tuple, Mode] = {}


def _mode_from_config(optimizer: str) -> Mode:
    """Return the mode of the settings, the same one for the same settings."""
    tags = (config.optimizer_including, config.optimizer_excluding, config.optimizer_requiring)
    key = (config.linker, optimizer, *tags)
    if key not in _from_config:
        mode = Mode(config.linker, optimizer)
        for how, names in zip(("including", "excluding", "requiring"), tags, strict=True):
            if names:
                mode = getattr(mode, how)(*names.split(":"))
        _from_config[key] = mode
    return _from_config[key]


def get_mode(orig_string: "str | Mode | None" = None) -> Mode:
    """Return the mode a name stands for; None is ``config.mode``, a mode is returned as it is.

    Examples
    --------
    >>> mode = get_mode("FAST_RUN")
    >>> get_mode(mode) is mode
    True
    """
    name = config.mode if orig_string is None else orig_string
    if not isinstance(name, str):
        return name
    upper = name.upper()
    if upper == "MODE":
        return _mode_from_config(config.optimizer)
    if upper == "FAST_RUN":
        return _mode_from_config("fast_run")
    if upper in _LATE_MODES:
        return late(_LATE_MODES[upper])()
    for known in (name, upper):
        if known in predefined_modes:
            return predefined_modes[known]
    raise ValueError(
        f"No predefined mode exist for string: {name}. "
        f"Known are {sorted({'FAST_RUN', *predefined_modes})}."
    )


def get_default_mode() -> Mode:
    """Return the mode used where none is given."""
    return get_mode(None)


def get_active_mode() -> Mode:
    """Return the mode of the function that is being compiled, else the default mode."""
    return _active.get() or get_default_mode()


def register_mode(name: str, mode: Mode) -> None:
    """Make `mode` known under `name`."""
    if name in predefined_modes:
        raise ValueError(f"Mode name already taken: {name}")
    predefined_modes[name] = mode
