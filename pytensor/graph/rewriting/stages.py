"""The stages a graph goes through, by name, in order.

A stage is an entry of `optdb`: a database of rules, or one graph rewriter. Rooms that own
a stage's rewriter register it by its name alone; the place in the order is read here.
"""

from __future__ import annotations

import importlib
import threading

from pytensor.configdefaults import config
from pytensor.graph.rewriting.db import (
    EquilibriumDB,
    LocalGroupDB,
    RewriteDatabase,
    SequenceDB,
    TopoDB,
    as_query,
)
from pytensor.graph.rewriting.drivers import WalkingGraphRewriter
from pytensor.graph.rewriting.merge import MergeOptimizer

POSITIONS: dict[str, float] = {
    "CheckStackTrace": -1,  # complain about nodes without a user's source line
    "inline_ofg_expansion": -0.01,  # put the inside of small OpFromGraphs in their place
    "merge1": 0,  # equal computations get one node
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


_loading = threading.RLock()


class StageDB(SequenceDB):
    """A `SequenceDB` that knows the order of stages and where the rules are.

    Answers to queries are kept until anything is registered: building the dispatch tables
    of some hundred rules takes longer than rewriting a small graph.
    """

    def __init__(self):
        super().__init__()
        self._rule_modules: list[str] = []
        self._inside = False
        self._answers: dict = {}

    def add_rule_modules(self, *names: str) -> None:
        """Name modules that register rules; they are imported at the first query."""
        self._rule_modules.extend(names)

    def load_rules(self) -> None:
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
        if position_cutoff is None:
            position_cutoff = min(q.position_cutoff, config.optdb__position_cutoff)
        key = q.key()
        if key is None:
            return super().query(q, position_cutoff=position_cutoff)
        key = (key, position_cutoff, config.optdb__max_use_ratio)
        changes, answer = self._answers.get(key, (None, None))
        if changes != RewriteDatabase._changes:
            answer = super().query(q, position_cutoff=position_cutoff)
            self._answers[key] = (RewriteDatabase._changes, answer)
        # The list is the caller's, the rewriters in it are shared: they keep no state.
        return self.seq_rewriter_type(list(answer), failure_callback=self.failure_callback)


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
