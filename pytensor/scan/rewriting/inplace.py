"""Loops write their traces over the buffers that hold the initial values."""

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import GraphRewriter, copy_stack_trace
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.utils import InconsistencyError
from pytensor.scan.op import Scan


class ScanInplaceOptimizer(GraphRewriter):
    """Let each loop overwrite as many of its buffers as the destroy handler allows."""

    def apply(self, fgraph: FunctionGraph) -> None:
        for node in fgraph.toposort():
            if isinstance(node.op, Scan) and not node.op.destroy_map:
                self._rewrite(fgraph, node)

    def _rewrite(self, fgraph: FunctionGraph, node) -> None:
        op = node.op
        first = 1 + op.info.n_seqs
        # What has no owner is an input or a constant, which nobody may overwrite.
        candidates = [
            o
            for o in range(op.info.outer_out["nit_sot"].start)
            if node.inputs[first + o].owner is not None
        ]
        if not candidates or self._replaced(fgraph, node, candidates):
            return
        allowed: list[int] = []
        for output in candidates:
            new = self._replaced(fgraph, node, [*allowed, output])
            if new is not None:
                node, allowed = new, [*allowed, output]

    @staticmethod
    def _replaced(fgraph: FunctionGraph, node, outputs: list[int]):
        new = node.op.with_destroyed(outputs).make_node(*node.inputs)
        copy_stack_trace(node.outputs, new.outputs)
        try:
            fgraph.replace_all_validate(
                list(zip(node.outputs, new.outputs, strict=True)), reason="scan_make_inplace"
            )
        except InconsistencyError:
            return None
        return new


optdb.register("scan_make_inplace", ScanInplaceOptimizer(), "fast_run", "inplace", "scan")
