"""Names of upstream's BLAS rewrites that have another one here; loaded when one is asked for.

`pytensor.tensor.rewriting.blas` and `.blas_c` look them up. ``doc/migration.md`` has the list.
"""

from __future__ import annotations

import logging
from time import perf_counter

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import GraphRewriter, in2out, node_rewriter
from pytensor.graph.rewriting.db import SequenceDB
from pytensor.graph.rewriting.stages import optdb
from pytensor.scalar import basic as ps
from pytensor.tensor._dot import _matmul
from pytensor.tensor.blas import (
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    _batched_dot,
    _dot22,
    _dot22scalar,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
)
from pytensor.tensor.blas.blas_c import (
    CGemv,
    CGer,
    cgemv_inplace,
    cgemv_no_inplace,
    cger_inplace,
    cger_no_inplace,
)
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import Dot, add, mul, neg
from pytensor.tensor.rewriting.blas_compat import _as_scalar
from pytensor.tensor.rewriting.blas_inplace import local_inplace_blas
from pytensor.tensor.rewriting.blas_rules import (
    local_add_dot_to_gemm,
    local_add_outer_to_ger,
    local_dot22_to_ger_or_gemv,
)
from pytensor.tensor.type import TensorType

__all__ = [
    "CGemv",
    "CGer",
    "Dot",
    "Dot22",
    "Dot22Scalar",
    "Gemm",
    "GemmOptimizer",
    "Gemv",
    "Ger",
    "_batched_dot",
    "_beta_L_plus_alpha_M",
    "_dot22",
    "_dot22scalar",
    "_factor_canonicalized",
    "_gemm_canonicalize",
    "_gemm_from_factored_list",
    "_gemm_from_node2",
    "_logger",
    "_matmul",
    "blas_opt_inplace",
    "blas_optdb",
    "cgemv_inplace",
    "cgemv_no_inplace",
    "cger_inplace",
    "cger_no_inplace",
    "gemm_inplace",
    "gemm_no_inplace",
    "gemv_inplace",
    "gemv_no_inplace",
    "ger",
    "ger_destructive",
    "local_dot22_to_gemv",
    "local_ger_to_gemm",
    "local_inplace_gemm",
    "local_inplace_gemv",
    "local_inplace_ger",
    "make_c_gemv_destructive",
    "make_c_ger_destructive",
    "optdb",
    "use_c_gemv",
    "use_c_ger",
]

_logger = logging.getLogger("pytensor.tensor.rewriting.blas")

# One rule each, which knows all the cases.
local_inplace_gemm = local_inplace_gemv = local_inplace_ger = local_inplace_blas
make_c_gemv_destructive = make_c_ger_destructive = local_inplace_blas
local_dot22_to_gemv = local_dot22_to_ger_or_gemv
local_ger_to_gemm = local_add_outer_to_ger
blas_opt_inplace = optdb["InplaceBlasOpt"]

# What somebody registers here runs right after the rules of the ``blas`` stage.
blas_optdb = SequenceDB()
optdb.register(
    "blas_optdb", blas_optdb, "fast_run", "fast_compile", "BlasOpt", "c_blas", position=2.51
)


@node_rewriter([Gemv])
def use_c_gemv(fgraph, node):
    """Decline: C is a matter of the backend, `CGemv` and `Gemv` are one."""
    return None


@node_rewriter([Ger])
def use_c_ger(fgraph, node):
    """Decline: C is a matter of the backend, `CGer` and `Ger` are one."""
    return None


class GemmOptimizer(GraphRewriter):
    """Accumulate products of matrices: `local_add_dot_to_gemm` as a pass over the graph."""

    def apply(self, fgraph):
        """Apply the rule wherever it fits."""
        return in2out(local_add_dot_to_gemm, name="gemm_optimizer").rewrite(fgraph)


# -- sums as lists -------------------------------------------------------------------------


def _gemm_canonicalize(fgraph, r, scale, rval, maxclients):
    """Append the summands of ``scale * r`` to `rval` as pairs of a scalar and an array.

    Parameters
    ----------
    fgraph : FunctionGraph
    r : Variable
        What is not a floating vector or matrix is appended by itself, without a scalar.
    scale : float or Variable
    rval : list
    maxclients : int
        An operation that more nodes than this read is a summand as it is; 0 means any number.

    Returns
    -------
    list
        `rval`.
    """
    if not _is_summand(r):
        rval.append(r)
        return rval
    node = r.owner
    op = node.op.scalar_op if node is not None and isinstance(node.op, Elemwise) else None
    if maxclients and len(fgraph.clients.get(r, ())) > maxclients:
        op = None
    if isinstance(op, ps.Add):
        for summand in node.inputs:
            _gemm_canonicalize(fgraph, summand, scale, rval, 1)
    elif isinstance(op, ps.Sub):
        _gemm_canonicalize(fgraph, node.inputs[0], scale, rval, 1)
        _gemm_canonicalize(fgraph, node.inputs[1], _negative(scale), rval, 1)
    elif isinstance(op, ps.Neg):
        _gemm_canonicalize(fgraph, node.inputs[0], _negative(scale), rval, 1)
    elif isinstance(op, ps.Mul) and (found := _scaled(node, r)) is not None:
        factors, array = found
        _gemm_canonicalize(fgraph, array, _scalar_product(scale, factors), rval, 1)
    else:
        rval.append((scale, r))
    return rval


def _is_summand(r) -> bool:
    kind = r.type
    return (
        isinstance(kind, TensorType)
        and kind.ndim in (1, 2)
        and kind.dtype.startswith(("float", "complex"))
    )


def _scaled(node, r) -> tuple[list[Variable], Variable] | None:
    """Return the scalars and the one array `node` multiplies."""
    factors, arrays = [], []
    for operand in node.inputs:
        scalar = _as_scalar(operand) if all(operand.type.broadcastable) else None
        if scalar is not None:
            factors.append(scalar)
        else:
            arrays.append(operand)
    if len(arrays) != 1 or not factors or arrays[0].type.ndim != r.type.ndim:
        return None
    return factors, arrays[0]


def _negative(scale):
    return neg(scale) if isinstance(scale, Variable) else -scale


def _scalar_product(scale, factors):
    if not isinstance(scale, Variable) and scale == 1:
        return factors[0] if len(factors) == 1 else mul(*factors)
    if not isinstance(scale, Variable) and scale == -1 and len(factors) == 1:
        return neg(factors[0])
    return mul(scale, *factors)


def _factor_canonicalized(lst):
    """Return a list of summands in which the scalars of equal arrays are added up."""
    found: list = []
    place: dict[Variable, int] = {}
    for item in lst:
        if not isinstance(item, tuple):
            found.append(item)
            continue
        scale, array = item
        if array in place:
            at = place[array]
            found[at] = (_sum(found[at][0], scale), array)
        else:
            place[array] = len(found)
            found.append((scale, array))
    return found


def _sum(a, b):
    return add(a, b) if isinstance(a, Variable) or isinstance(b, Variable) else a + b


def _beta_L_plus_alpha_M(fgraph, beta, L, alpha, M, recurse_flip=True):
    """Return ``([beta L + alpha M as a Gemm], the product)`` if L or M is a `Dot22`.

    ``(False, False)`` if neither is; L is tried if `recurse_flip`.
    """
    for (b, other), (a, product) in [((beta, L), (alpha, M)), ((alpha, M), (beta, L))]:
        if product.owner is not None and isinstance(product.owner.op, Dot22):
            left, right = product.owner.inputs
            return [gemm_no_inplace(other, a, left, right, b)], product
        if not recurse_flip:
            break
    return False, False


def _gemm_from_factored_list(fgraph, lst):
    """Return ``([the sum with one product as a Gemm], the product)``, ``None`` without any."""
    pairs = [(i, item) for i, item in enumerate(lst) if isinstance(item, tuple)]
    for i, (beta, L) in pairs:
        for j, (alpha, M) in pairs:
            if i == j or L.type.ndim != 2 or M.type.dtype != L.type.dtype:
                continue
            made, product = _beta_L_plus_alpha_M(fgraph, beta, L, alpha, M, recurse_flip=False)
            if not made:
                continue
            rest = [item for k, item in enumerate(lst) if k not in (i, j)]
            terms = [*(mul(*x) if isinstance(x, tuple) else x for x in rest), *made]
            return [add(*terms) if len(terms) > 1 else terms[0]], product
    return None


def _gemm_from_node2(fgraph, node):
    """Return what `_gemm_from_factored_list` says of the sum at `node`, and three times.

    Returns
    -------
    tuple
        The replacement or ``None``, and the seconds that listing the summands, adding up their
        scalars and looking for a product took.
    """
    start = perf_counter()
    summands: list = []
    _gemm_canonicalize(fgraph, node.outputs[0], 1.0, summands, 0)
    if len(summands) < 2:
        return None, perf_counter() - start, 0, 0
    listed = perf_counter()
    factored = _factor_canonicalized(summands)
    added_up = perf_counter()
    found = _gemm_from_factored_list(fgraph, factored)
    return found, listed - start, added_up - listed, perf_counter() - added_up
