"""Products that are equal up to a transpose and scalars are computed once.

``B.T @ A.T`` is ``(A @ B).T``, and ``(s * A) @ B`` is ``s * (A @ B)``.

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
from pytensor.tensor.math import mul
from pytensor.tensor.rewriting.coefficients import ONE, Coefficient, unscaled
from pytensor.tensor.rewriting.common import IEEE
from pytensor.tensor.rewriting.products import (
    BLAS_DTYPES,
    is_product,
    multiplied,
    reordered,
    swapped,
)

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


class _Product:
    """A product of two matrices or stacks: coefficient x left @ right."""

    __slots__ = ("coefficient", "left", "out", "right")

    def __init__(self, out: Variable, left: Variable, right: Variable, coefficient: Coefficient):
        self.out = out
        self.left = left
        self.right = right
        self.coefficient = coefficient

    @classmethod
    def of(cls, node: Apply) -> _Product:
        """Return the product that `node` is, scalars taken out of the operands."""
        (left, right), (out,) = node.inputs, node.outputs
        coefficient = ONE
        dtype = out.type.dtype
        if dtype in BLAS_DTYPES and left.type.dtype == right.type.dtype == dtype:
            left, of_left = unscaled(left)
            right, of_right = unscaled(right)
            coefficient = of_left.product(of_right)
        return cls(out, left, right, coefficient)


class MergeTransposedProducts(GraphRewriter):
    """Replace a product by the transpose of another one, or by an equal one, if there is one.

    A scalar that multiplies an operand of one of them multiplies the product instead.
    """

    def apply(self, fgraph: FunctionGraph) -> None:
        """Rewrite `fgraph` in place, in one walk."""
        if sum(map(is_product, fgraph.apply_nodes)) < 2:
            return
        seen: dict[tuple, _Product] = {}
        for node in fgraph.toposort():
            if not is_product(node) or node not in fgraph.apply_nodes:
                continue
            product = _Product.of(node)
            left, right = _operand(product.left), _operand(product.right)
            kind = (type(node.op), product.out.type.dtype)
            key = (*kind, left, right)
            transposed_key = (*kind, _swapped(right), _swapped(left))
            if (same := seen.get(key)) is not None:
                self._share(fgraph, product, same, turned=False)
            elif (same := seen.get(transposed_key)) is not None:
                self._share(fgraph, product, same, turned=True)
            else:
                seen[key] = product

    def _share(
        self, fgraph: FunctionGraph, product: _Product, same: _Product, turned: bool
    ) -> None:
        """Let everybody who reads `product` read a view of `same`, scaled if need be."""
        node = product.out.owner
        # Without its scalars, the first one serves both.
        plain = same
        if not same.coefficient.is_one:
            out = multiplied(same.left, same.right)
            plain = _Product(out, same.left, same.right, ONE)
        new = swapped(plain.out) if turned else plain.out
        if not (
            is_product(plain.out.owner)
            and _replaces(same.out, same.coefficient, plain.out)
            and _replaces(product.out, product.coefficient, new)
        ):
            return
        self._replace(fgraph, same.out, same.coefficient, plain.out)
        same.out, same.coefficient = plain.out, ONE
        self._replace(fgraph, product.out, product.coefficient, new)
        trace = current_trace()
        if trace is not None:
            trace.fired(self, node)

    def _replace(
        self, fgraph: FunctionGraph, old: Variable, coefficient: Coefficient, new: Variable
    ) -> None:
        """Let everybody who reads `old` read ``coefficient * new``."""
        if old is new:
            return
        copy_stack_trace(old, new)
        # Rules look for products behind one view, not behind two or behind a scalar.
        for reader, _ in list(fgraph.clients[old]):
            if isinstance(reader.op, DimShuffle):
                view = reader.outputs[0]
                direct = _times(coefficient, reordered(new, reader.op.new_order))
                if direct is not view and view.type.is_super(direct.type):
                    copy_stack_trace(view, direct)
                    fgraph.replace(view, direct, reason=self.name)
        if fgraph.clients.get(old):
            scaled = _times(coefficient, new)
            copy_stack_trace(old, scaled)
            fgraph.replace(old, scaled, reason=self.name)


def _times(coefficient: Coefficient, var: Variable) -> Variable:
    return var if coefficient.is_one else mul(coefficient.scalar(var.type.dtype), var)


def _replaces(old: Variable, coefficient: Coefficient, new: Variable) -> bool:
    return old.type.is_super(_times(coefficient, new).type)


for _name, _position in (
    ("merge_transposed_products", POSITIONS["blas_prepare"] - 0.01),
    ("merge_transposed_products.1", POSITIONS["blas_prepare"] + 0.01),
):
    optdb.register(
        _name, MergeTransposedProducts(), "fast_run", "BlasOpt", IEEE, position=_position
    )
