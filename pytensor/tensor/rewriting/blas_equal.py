"""Products that are equal up to a transpose are computed once: ``B.T @ A.T`` is ``(A @ B).T``.

The walk over the graph is registered twice: before transposes are brought to the products, so
that what the user wrote stays one product, and after chains got their order. Between the two
nothing undoes it, since a product that is read more than once is left where it is.
"""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import GraphRewriter, copy_stack_trace
from pytensor.graph.rewriting.stages import POSITIONS, optdb
from pytensor.graph.rewriting.trace import current_trace
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.rewriting.common import IEEE
from pytensor.tensor.rewriting.products import is_product, reordered, swapped

# A variable and the order of its axes in an operand.
Operand = tuple[Variable, tuple]


def _operand(var: Variable) -> Operand:
    """Return what an operand is a view of: equal operands may be different views."""
    order: tuple = tuple(range(var.type.ndim))
    while (node := var.owner) is not None and isinstance(node.op, DimShuffle):
        order = tuple(axis if axis == "x" else node.op.new_order[axis] for axis in order)
        (var,) = node.inputs
    return var, order


def _swapped(operand: Operand) -> Operand:
    var, order = operand
    return var, (*order[:-2], order[-1], order[-2])


class MergeTransposedProducts(GraphRewriter):
    """Replace a product by the transpose of another one, or by an equal one, if there is one."""

    def apply(self, fgraph: FunctionGraph) -> None:
        """Rewrite `fgraph` in place, in one walk."""
        if sum(map(is_product, fgraph.apply_nodes)) < 2:
            return
        seen: dict[tuple, Apply] = {}
        for node in fgraph.toposort():
            if not is_product(node) or node not in fgraph.apply_nodes:
                continue
            left, right = map(_operand, node.inputs)
            key = (type(node.op), left, right)
            transposed_key = (type(node.op), _swapped(right), _swapped(left))
            if (same := seen.get(key)) is not None:
                self._share(fgraph, node, same, turned=False)
            elif (same := seen.get(transposed_key)) is not None:
                self._share(fgraph, node, same, turned=True)
            else:
                seen[key] = node

    def _share(self, fgraph: FunctionGraph, node: Apply, same: Apply, turned: bool) -> None:
        """Let everybody who reads `node` read a view of `same`."""
        (old,), (first,) = node.outputs, same.outputs
        new = swapped(first) if turned else first
        if not old.type.is_super(new.type):
            return
        if turned:
            copy_stack_trace(old, new)
            # Rules look for products behind one view, not behind two.
            for reader, _ in list(fgraph.clients[old]):
                if isinstance(reader.op, DimShuffle):
                    view = reader.outputs[0]
                    direct = reordered(new, reader.op.new_order)
                    if view.type.is_super(direct.type):
                        fgraph.replace(view, direct, reason=self.name)
        if fgraph.clients.get(old):
            fgraph.replace(old, new, reason=self.name)
        trace = current_trace()
        if trace is not None:
            trace.fired(self, node)


for _name, _position in (
    ("merge_transposed_products", POSITIONS["blas_prepare"] - 0.01),
    ("merge_transposed_products.1", POSITIONS["blas_prepare"] + 0.01),
):
    optdb.register(
        _name, MergeTransposedProducts(), "fast_run", "BlasOpt", IEEE, position=_position
    )
