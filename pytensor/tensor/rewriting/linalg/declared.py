"""What `assume` declared becomes known of the input, and the Op goes away."""

from __future__ import annotations

from pytensor.assumptions.core import assumption_feature
from pytensor.assumptions.specify import SpecifyAssumptions
from pytensor.graph.rewriting.basic import GraphRewriter
from pytensor.graph.rewriting.stages import optdb


class DrainSpecifyAssumptions(GraphRewriter):
    """Note what each `SpecifyAssumptions` declares, and put its input in its place.

    Without the Op in the way other rules see through the declaration; what is known stays with the
    variable, and with what replaces it.
    """

    def apply(self, fgraph):
        nodes = [n for n in fgraph.toposort() if isinstance(n.op, SpecifyAssumptions)]
        if not nodes:
            return
        feature = assumption_feature(fgraph)
        for node in nodes:
            (x,), out = node.inputs, node.outputs[0]
            for key, state in node.op.assumptions:
                feature.declare(x, key, state)
            fgraph.replace(out, x, reason="drain_specify_assumptions", import_missing=True)


optdb.register("drain_specify_assumptions", DrainSpecifyAssumptions(), "fast_run", "fast_compile")
