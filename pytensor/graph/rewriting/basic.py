"""The public names of rewriters and the drivers that apply them."""

from pytensor.graph.features import (
    AlreadyThere,
    Feature,
    ReplacementDidNotRemoveError,
    ReplaceValidate,
)
from pytensor.graph.rewriting.drivers import (
    ChangeTracker,
    DispatchingFeature,
    NodeProcessingGraphRewriter,
    WalkingGraphRewriter,
    dfs_rewriter,
    in2out,
    out2in,
    walking_rewriter,
)
from pytensor.graph.rewriting.equilibrium import EquilibriumGraphRewriter
from pytensor.graph.rewriting.greedy import pre_greedy_node_rewriter
from pytensor.graph.rewriting.merge import MergeFeature, MergeOptimizer, pre_constant_merge
from pytensor.graph.rewriting.pattern_rewriter import PatternNodeRewriter
from pytensor.graph.rewriting.rewriters import (
    FromFunctionGraphRewriter,
    FromFunctionNodeRewriter,
    GraphRewriter,
    NodeRewriter,
    OpRemove,
    OpSub,
    RemovalNodeRewriter,
    Rewriter,
    SubstitutionNodeRewriter,
    graph_rewriter,
    inplace_graph_rewriter,
    node_rewriter,
)
from pytensor.graph.rewriting.sequence import SequentialGraphRewriter
from pytensor.graph.rewriting.stack_trace import (
    CheckStackTraceFeature,
    check_stack_trace,
    copy_stack_trace,
)
from pytensor.graph.rewriting.tracker import OpToRewriterTracker, SequentialNodeRewriter

__all__ = [
    "AlreadyThere",
    "ChangeTracker",
    "CheckStackTraceFeature",
    "DispatchingFeature",
    "EquilibriumGraphRewriter",
    "Feature",
    "FromFunctionGraphRewriter",
    "FromFunctionNodeRewriter",
    "GraphRewriter",
    "MergeFeature",
    "MergeOptimizer",
    "NodeProcessingGraphRewriter",
    "NodeRewriter",
    "OpRemove",
    "OpSub",
    "OpToRewriterTracker",
    "PatternNodeRewriter",
    "RemovalNodeRewriter",
    "ReplaceValidate",
    "ReplacementDidNotRemoveError",
    "Rewriter",
    "SequentialGraphRewriter",
    "SequentialNodeRewriter",
    "SubstitutionNodeRewriter",
    "WalkingGraphRewriter",
    "check_stack_trace",
    "copy_stack_trace",
    "dfs_rewriter",
    "graph_rewriter",
    "in2out",
    "inplace_graph_rewriter",
    "node_rewriter",
    "out2in",
    "pre_constant_merge",
    "pre_greedy_node_rewriter",
    "walking_rewriter",
]
