"""The stages a graph goes through, by name, in order.

A stage is an entry of `optdb`: a database of rules, or one graph rewriter. Rooms that own
a stage's rewriter register it by its name alone; the place in the order is read here.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence

from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.rewriting.db import (
    EquilibriumDB,
    LocalGroupDB,
    RankedTags,
    RewriteDatabase,
    RewriteDatabaseQuery,
    SequenceDB,
    TopoDB,
    as_query,
)
from pytensor.graph.rewriting.drivers import WalkingGraphRewriter
from pytensor.graph.rewriting.merge import MergeOptimizer
from pytensor.graph.rewriting.rewriters import Rewriter
from pytensor.graph.rewriting.sequence import SequentialGraphRewriter
from pytensor.utils import free_after_fork

POSITIONS: dict[str, float] = {
    "CheckStackTrace": -1,  # complain about nodes without a user's source line
    "inline_ofg_expansion": -0.01,  # put the inside of small OpFromGraphs in their place
    "merge1": 0,  # equal computations get one node
    "scan_same_steps": 0.04,  # one loop of two that differ in what they keep
    "scan_eqopt1": 0.05,
    "ShapeOpt": 0.1,  # follow the shapes of everything
    "infer_shape": 0.2,  # simplify shape expressions; runs only when asked for by name
    "useless": 0.6,  # remove what does nothing, in one walk
    "merge1.1": 0.65,
    "drain_specify_assumptions": 0.8,
    "pre_local_IncSubtensor_serialize": 0.99,
    "canonicalize": 1,  # one spelling for equal expressions
    "merge1.2": 1.2,
    "stabilize": 1.5,  # exact instead of overflowing
    "local_second_to_alloc": 1.51,
    "local_elemwise_alloc": 1.52,
    "scan_eqopt2": 1.6,
    "reassociate_matmul_chain": 1.65,  # the cheapest order of a chain of products
    "cast_rv_float_params_to_float64": 1.9,
    "specialize": 2,  # faster ops for special cases
    "slogdet_specialization": 2.1,
    "blas_prepare": 2.4,  # transposes and batches out of the way of products
    "blas": 2.5,  # products become BLAS calls
    "uncanonicalize": 3,  # the spelling that runs fastest
    "specialize_device": 4,
    "local_uint_constant_indices": 4,
    "forget_assumptions": 9,  # what is known of matrices, once all rules have used it
    "UnShapeOpt": 10,
    "add_mul_fusion": 48,
    "ifelse_simplify": 48.8,
    "introduce_lazy_ifelse": 48.9,
    "merge2": 49,
    "elemwise_fusion": 49,  # elementwise chains become one loop
    "py_only": 49.1,
    "local_alloc_empty_to_zeros": 49.3,
    "add_destroy_handler": 49.5,  # from here on, ops may write over their inputs
    "ofg_inner_graph": 49.6,
    "optimize_inner_graph": 49.6,
    "blockwise_inplace": 50.1,
    "local_inplace_setsubtensor": 50.1,
    "InplaceBlasOpt": 50.2,
    "inplace_elemwise": 50.5,
    "scan_make_inplace": 50.5,
    "random_make_inplace": 50.9,
    "local_useless_unbatched_blockwise": 60,
    "local_inplace_AdvancedIncSubtensor": 70.6,
    "cond_make_inplace": 95,
    "merge3": 100,
    "scan_inner_graph": 100,
}


_loading = free_after_fork(threading.RLock())


class RuleIndex:
    """Modules of rules that are imported when an op they track turns up.

    Parameters
    ----------
    package
        Where the modules are.
    modules
        For each module, in the order in which rules of equal standing are tried, the ops that
        want it: names of classes, ``Elemwise(Add)`` for those with a scalar op (or core op) of some
        class, or ``*`` for a module that is always wanted.
    """

    def __init__(self, package: str, modules: dict[str, str]):
        self.package = package
        self.modules = modules
        self._waiting = list(modules)
        self._wanted: dict[str, list[str]] = {}
        for module, keys in modules.items():
            for key in keys.split():
                self._wanted.setdefault(key, []).append(module)
        self._by_scalar_op = {key.partition("(")[0] for key in self._wanted if "(" in key}

    def depends_on_op(self, cls: type) -> bool:
        """Return whether ops of class `cls` want different modules."""
        return any(base.__name__ in self._by_scalar_op for base in cls.__mro__)

    def load_for(self, op: Op | None) -> None:
        """Import the modules that `op` wants, those that are always wanted if it is ``None``."""
        if not self._waiting:
            return
        for key in ["*"] if op is None else _keys(op):
            for module in self._wanted.get(key, ()):
                if module in self._waiting:
                    self._load(module)

    def load_all(self) -> None:
        """Import all modules."""
        while self._waiting:
            self._load(self._waiting[0])

    def _load(self, module: str) -> None:
        with _loading:  # a second thread waits for the rules
            importlib.import_module(f"{self.package}.{module}")
            if module in self._waiting:
                self._waiting.remove(module)


def _keys(op: Op) -> list[str]:
    names = [cls.__name__ for cls in type(op).__mro__]
    for inner in (getattr(op, "scalar_op", None), getattr(op, "core_op", None)):
        if inner is not None:
            within = [cls.__name__ for cls in type(inner).__mro__]
            names += [f"{name}({other})" for name in names for other in within]
    return names


class StageDB(SequenceDB):
    """A `SequenceDB` that knows the order of stages and where the rules are.

    Answers to queries are kept until anything is registered: building the dispatch tables
    of some hundred rules takes longer than rewriting a small graph.
    """

    def __init__(self):
        super().__init__()
        self._rule_modules: list[str] = []
        self._indices: list[RuleIndex] = []
        self._inside = False
        self._answers: dict = {}

    def add_rule_modules(self, *names: str) -> None:
        """Name modules that register rules; they are imported at the first query."""
        self._rule_modules.extend(names)

    def add_rule_index(self, index: RuleIndex) -> None:
        """Name modules that register rules for some ops; they are imported when these turn up."""
        ranks = RankedTags.ranks
        start = len(ranks)
        ranks.update({f"{index.package}.{m}": start + i for i, m in enumerate(index.modules)})
        self._indices.append(index)

    def load_rules(self) -> None:
        """Import all rules."""
        with _loading:  # a second thread waits for the rules
            if self._inside:  # asked by what registers them, or by an answer without them
                return
            self._load_named()
            for index in self._indices:
                index.load_all()

    def load_for(self, op: Op | None) -> None:
        """Import the rules that track `op`; of indexed ones, only those always wanted if ``None``."""
        for index in self._indices:
            index.load_for(op)

    def depends_on_op(self, cls: type) -> bool:
        """Return whether ops of class `cls` want different rules."""
        return any(index.depends_on_op(cls) for index in self._indices)

    @property
    def version(self) -> int:
        """Counts what was registered."""
        return RewriteDatabase._changes

    def current(self, rewriters: Callable[[], list]) -> tuple[list, int]:
        """Return what `rewriters` returns, and the version it belongs to."""
        with _loading:
            return rewriters(), RewriteDatabase._changes

    def _load_named(self) -> None:
        """Import the modules named by `add_rule_modules`.

        A module whose import fails stays on the list: no later query goes without its rules.
        """
        if not self._rule_modules:
            return
        with _loading:  # a second thread waits for the rules
            if self._inside:  # asked by the rules themselves while they register
                return
            self._inside = True
            try:
                while self._rule_modules:
                    importlib.import_module(self._rule_modules[0])
                    del self._rule_modules[0]
            finally:
                self._inside = False

    def register(self, name, obj, *tags, position=None, **kwargs):
        if position is None:
            position = POSITIONS.get(name)
        if isinstance(obj, EquilibriumDB):
            obj.loader = self
        elif isinstance(obj, TopoDB):
            obj.db.loader = self
        super().register(name, obj, *tags, position=position, **kwargs)

    def __getitem__(self, name):
        if name not in self._names:
            self.load_rules()
        return super().__getitem__(name)

    def __contains__(self, name):
        self.load_rules()
        return super().__contains__(name)

    def query(self, *tags, position_cutoff=None, **kwtags):
        self.load_rules()
        q = as_query(tags, kwtags)
        # The list is the caller's, the rewriters in it are shared: they keep no state.
        return self.seq_rewriter_type(
            list(self.answer(q, position_cutoff)), failure_callback=self.failure_callback
        )

    def query_for(self, fgraph: FunctionGraph, q: RewriteDatabaseQuery) -> SequentialGraphRewriter:
        """Return what does to `fgraph` as ``query(q)`` does, without importing all rules first."""
        if q.extra_rewrites:
            return self.query(q)
        self._load_named()
        self.load_for(None)
        for op in {id(node.op): node.op for node in fgraph.apply_nodes}.values():
            self.load_for(op)
        return StagesOfGraph(self, q)

    def answer(self, q: RewriteDatabaseQuery, position_cutoff: float | None = None) -> Sequence:
        """Return the stages that `q` asks for, of the rules imported so far."""
        if position_cutoff is None:
            position_cutoff = min(q.position_cutoff, config.optdb__position_cutoff)
        key = q.key()
        with _loading:  # not of half a module
            outer, self._inside = self._inside, True
            try:
                if key is None:
                    return self._ordered(q, position_cutoff)
                key = (key, position_cutoff, config.optdb__max_use_ratio)
                changes, answer = self._answers.get(key, (None, None))
                if changes != RewriteDatabase._changes:
                    answer = self._ordered(q, position_cutoff)
                    self._answers[key] = (RewriteDatabase._changes, answer)
                return answer
            finally:
                self._inside = outer

    def place(self, stage: Rewriter) -> tuple[float, str]:
        """Return what stages are ordered by."""
        name = self._name_of(stage)
        return self.__position__[name], name


class StagesOfGraph(SequentialGraphRewriter):
    """The stages for one graph: a rule that was imported meanwhile may bring a stage with it."""

    def __init__(self, db: StageDB, q: RewriteDatabaseQuery):
        self.db, self.query, self.version = db, q, db.version
        super().__init__(list(db.answer(q)), failure_callback=db.failure_callback)

    def apply(self, fgraph):
        done = 0
        while done < len(self.data):
            stage = self.data[done]
            self._apply_one(fgraph, stage)
            done += 1
            if self.version != self.db.version:
                self.version = self.db.version
                self.data = list(self.db.answer(self.query))
                place = self.db.place(stage)
                done = sum(self.db.place(other) <= place for other in self.data)


def _build_stages() -> StageDB:
    """Register the stages that need nothing but the engine."""
    stages = StageDB()
    both = ("fast_run", "fast_compile")
    stages.register("merge1", MergeOptimizer(), *both, "merge")
    stages.register("infer_shape", EquilibriumDB(ignore_newtrees=False))
    stages.register(
        "useless",
        TopoDB(
            LocalGroupDB(apply_all_rewrites=True),
            failure_callback=WalkingGraphRewriter.warn_inplace,
        ),
        *both,
    )
    stages["useless"].db.name = "useless"
    stages.register("merge1.1", MergeOptimizer(), *both, "merge")
    stages.register("canonicalize", EquilibriumDB(ignore_newtrees=False), *both, "canonicalize_db")
    stages.register("merge1.2", MergeOptimizer(), *both, "merge")
    stages.register("stabilize", EquilibriumDB(), *both)
    stages.register("specialize", EquilibriumDB(), *both)
    stages.register("blas_prepare", EquilibriumDB(ignore_newtrees=False), *both, "BlasOpt")
    stages.register("blas", EquilibriumDB(ignore_newtrees=False), *both, "BlasOpt", "c_blas")
    stages.register("uncanonicalize", EquilibriumDB(), "fast_run")
    stages.register("specialize_device", EquilibriumDB(), *both)
    stages.register("merge2", MergeOptimizer(), "fast_run", "merge")
    stages.register(
        "elemwise_fusion",
        SequenceDB(),
        "fast_run",
        "fusion",
        "local_elemwise_fusion",
        "FusionOptimizer",
    )
    stages.register("py_only", EquilibriumDB(), "fast_compile")
    stages.register("merge3", MergeOptimizer(), "fast_run", "merge")
    # The walk over `useless` happens once; merging after every round keeps rules from
    # doing the same work on equal nodes.
    for name in ("canonicalize", "specialize"):
        stages[name].register("merge", MergeOptimizer(), *both, cleanup=True)
    return stages


optdb = _build_stages()
