"""The inner graph of a loop goes through the stages of the function that contains the loop."""

from pytensor.compile.mode import get_active_mode
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import GraphRewriter, copy_stack_trace
from pytensor.graph.rewriting.stages import optdb
from pytensor.scan.op import Scan


class ScanInnerGraph(GraphRewriter):
    """Rewrite inner graphs, equal ones once."""

    def apply(self, fgraph: FunctionGraph) -> None:
        mode = None
        done: dict[Scan, Scan] = {}
        for node in fgraph.toposort():
            op = node.op
            if not isinstance(op, Scan) or op.prepared:
                continue
            mode = mode or get_active_mode()
            if op not in done:
                graph = op.unfrozen()
                op.prepare_fgraph(graph, mode)
                done[op] = op.prepared_with(graph, mode.linker)
            new = done[op].make_node(*node.inputs).outputs
            copy_stack_trace(node.outputs, new)
            fgraph.replace_all(list(zip(node.outputs, new, strict=True)), reason="scan_inner_graph")


optdb.register("scan_inner_graph", ScanInnerGraph(), "fast_run", "fast_compile", "scan")
