"""Elementwise operations that feed one another become one `Elemwise` of a `Composite`: one loop, no temporaries.

Nodes join along edges between equal shapes. Which joins are safe is decided for the whole graph at
once, in linear time, by giving every node a level: levels never fall along an edge, and stay equal
only along edges that may be fused. A path that leaves a group and comes back would have to stay on
one level, so each of its edges would be fused, and it never left: groups cannot form a cycle.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.graph.lazy import lazy_guards
from pytensor.graph.rewriting.basic import GraphRewriter, copy_stack_trace
from pytensor.graph.rewriting.stages import optdb
from pytensor.scalar.basic import Composite, ScalarInnerGraphOp, get_scalar_type
from pytensor.tensor.elemwise import Elemwise

MAX_STEPS = 100
"""Scalar operations in one loop; a C compiler's time grows faster than their number."""
MAX_INPUTS = 64
"""Operands that one loop reads."""
MAX_TERMS = 16
"""Terms of a sum or product that stay together; longer ones are folded in pieces, in the same order."""

# Constants that say what is computed rather than with which numbers: another model has them, too.
_PLAIN_NUMBERS = frozenset((0, 1, -1, 2, -2, 3, 4, 0.5, -0.5))


def _steps(node: Apply) -> int:
    """How many scalar operations a node stands for."""
    op = node.op.scalar_op
    if isinstance(op, Composite):
        return len(op.program.steps)
    return max(1, len(node.inputs) - 1)


def is_fusible(node: Apply) -> bool:
    """Tell whether a node may become part of a loop."""
    op = node.op
    if not isinstance(op, Elemwise) or op.inplace_pattern:
        return False
    scalar_op = op.scalar_op
    if isinstance(scalar_op, ScalarInnerGraphOp) and not isinstance(scalar_op, Composite):
        return False
    dtypes = [v.type.dtype for v in node.inputs], [v.type.dtype for v in node.outputs]
    return scalar_op.has_c(*dtypes)


def _fusible_edges(fgraph, order, fusible) -> dict[Apply, set[Apply]]:
    """Return for each fusible node its readers of the same shape.

    What only one branch of a choice needs is not put together with what others need.
    """
    edges = {}
    guards = lazy_guards(fgraph, order)
    for node in order:
        if node in fusible:
            shape = node.outputs[0].type.broadcastable
            edges[node] = {
                reader
                for out in node.outputs
                for reader, _ in fgraph.clients[out]
                if reader in fusible
                and reader.outputs[0].type.broadcastable == shape
                and (not guards or guards.get(reader) == guards.get(node))
            }
    return edges


def _levels_from_readers(fgraph, order, edges) -> dict[Apply, int]:
    """Return the highest level of each node that its readers allow."""
    level: dict[Apply, int] = {}
    for node in reversed(order):
        joins = edges.get(node, ())
        level[node] = min(
            [
                level[reader] - (reader not in joins)
                for out in node.outputs
                for reader, _ in fgraph.clients[out]
                if not isinstance(reader.op, Output)
            ],
            default=0,
        )
    return level


def _levels_from_operands(fgraph, order, edges) -> dict[Apply, int]:
    """Return the lowest level of each node that its operands allow."""
    level: dict[Apply, int] = {}
    for node in order:
        level[node] = max(
            [
                level[x.owner] + (node not in edges.get(x.owner, ()))
                for x in node.inputs
                if x.owner in level
            ],
            default=0,
        )
    return level


def _groups(order, edges, level) -> list[list[Apply]]:
    """Return the nodes connected by edges on one level, each group in the order of the graph."""
    leader: dict[Apply, Apply] = {node: node for node in edges}

    def find(node):
        while leader[node] is not node:
            leader[node] = node = leader[leader[node]]
        return node

    for node, readers in edges.items():
        for reader in readers:
            if level[reader] == level[node]:
                leader[find(node)] = find(reader)
    groups: dict[Apply, list[Apply]] = {}
    for node in order:
        if node in leader:
            groups.setdefault(find(node), []).append(node)
    return [group for group in groups.values() if len(group) > 1]


def _parts(group: list[Apply]) -> list[list[Apply]]:
    """Cut a group where a loop would become too long. Cuts of the order cannot form cycles."""
    parts: list[list[Apply]] = [[]]
    steps, made, read = 0, set(), set()
    for node in group:
        outside = {v for v in node.inputs if v not in made and _plain_number(v) is None}
        too_long = steps + _steps(node) > MAX_STEPS or len(read | outside) > MAX_INPUTS
        if parts[-1] and too_long:
            parts.append([])
            steps, made, read = 0, set(), set()
            outside = {v for v in node.inputs if _plain_number(v) is None}
        parts[-1].append(node)
        steps += _steps(node)
        made.update(node.outputs)
        read |= outside
    return parts


class FusionOptimizer(GraphRewriter):
    """Fuse elementwise nodes of equal shapes; outputs that others read stay outputs.

    A node is never computed twice. What is broadcast into a larger array is computed before, at
    its own size.
    """

    def apply(self, fgraph: FunctionGraph) -> None:
        self._fold_long(fgraph)
        # First values go to where they are used; then what is computed at the same time as one
        # of its operands joins it, and saves reading it again.
        known: dict[Apply, bool] = {}
        for levels in (_levels_from_readers, _levels_from_operands):
            order = fgraph.toposort()
            known = {node: known[node] if node in known else is_fusible(node) for node in order}
            fusible = {node for node in order if known[node]}
            if len(fusible) < 2:
                return
            edges = _fusible_edges(fgraph, order, fusible)
            level = levels(fgraph, order, edges)
            for group in _groups(order, edges, level):
                for part in _parts(group):
                    if len(part) > 1:
                        self._fuse(fgraph, part)

    @staticmethod
    def _fold_long(fgraph: FunctionGraph) -> None:
        """Cut sums and products of many terms, so that terms can be fused piece by piece."""
        for node in list(fgraph.apply_nodes):
            op = node.op
            if not isinstance(op, Elemwise) or len(node.inputs) <= 2 * MAX_TERMS:
                continue
            [out] = node.outputs if len(node.outputs) == 1 else [None]
            same = out is not None and all(v.type.dtype == out.type.dtype for v in node.inputs)
            if op.scalar_op.nin != -1 or op.inplace_pattern or not same:
                continue
            total = node.inputs[0]
            for i in range(1, len(node.inputs), MAX_TERMS):
                total = op.make_node(total, *node.inputs[i : i + MAX_TERMS]).outputs[0]
                copy_stack_trace(out, total)
            if out.type.is_super(total.type):
                fgraph.replace(out, total, reason="elemwise_fusion", import_missing=True)

    def _fuse(self, fgraph: FunctionGraph, nodes: list[Apply]) -> None:
        inside = set(nodes)
        scalars: dict[Variable, Variable] = {}
        inputs: list[Variable] = []
        for node in nodes:
            for x in node.inputs:
                if x not in scalars:
                    scalars[x] = _scalar_of(x)
                    if not isinstance(scalars[x], Constant):
                        inputs.append(x)
            scalar_inputs = [scalars[x] for x in node.inputs]
            results = [get_scalar_type(z.type.dtype).make_variable() for z in node.outputs]
            Apply(node.op.scalar_op, scalar_inputs, results)
            scalars.update(zip(node.outputs, results, strict=True))
        outputs = [
            z
            for node in nodes
            for z in node.outputs
            if any(reader not in inside for reader, _ in fgraph.clients[z])
        ]
        if not inputs:
            return
        composite = Composite([scalars[x] for x in inputs], [scalars[z] for z in outputs])
        new = Elemwise(composite).make_node(*inputs)
        pairs = list(zip(outputs, new.outputs, strict=True))
        if not all(z.type.is_super(z_new.type) for z, z_new in pairs):
            return
        for z, z_new in pairs:
            copy_stack_trace(z, z_new)
            if z.name and z_new.name is None:
                z_new.name = z.name
        fgraph.replace_all_validate(pairs, reason="elemwise_fusion")


def _plain_number(x: Variable):
    """Return the value of a constant that is written into loops, else None."""
    if not isinstance(x, Constant) or x.data.size != 1:
        return None
    number = x.data.reshape(())[()]
    plain = number in _PLAIN_NUMBERS and not (number == 0 and np.signbit(np.real(number)))
    return number if plain else None


def _scalar_of(x: Variable) -> Variable:
    """Return the scalar that stands for `x` in a loop."""
    scalar_type, number = get_scalar_type(x.type.dtype), _plain_number(x)
    return scalar_type.make_variable() if number is None else scalar_type.make_constant(number)


optdb["elemwise_fusion"].register(
    "composite_elemwise_fusion",
    FusionOptimizer(),
    "fast_run",
    "fusion",
    "local_elemwise_fusion",
    position=1,
)
