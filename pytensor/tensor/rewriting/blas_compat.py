"""Helpers of upstream's BLAS rewrites that other code imports by name."""

from __future__ import annotations

from pytensor.graph.basic import Constant
from pytensor.tensor.basic import cast, constant
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.type import TensorType


def res_is_a(fgraph, var, op, maxclients=None) -> bool:
    """Return whether `var` is made by `op` (an op or a class) and has few enough readers."""
    if var.owner is None:
        return False
    if maxclients is not None and len(fgraph.clients.get(var, ())) > maxclients:
        return False
    return isinstance(var.owner.op, op) if isinstance(op, type) else var.owner.op == op


def _as_scalar(res, dtype=None):
    """Return the 0-d variable behind one that is broadcast along all axes, else ``None``."""
    if dtype is None:
        dtype = res.type.dtype
    if not all(res.type.broadcastable):
        return None
    while res.owner is not None and isinstance(res.owner.op, DimShuffle):
        res = res.owner.inputs[0]
    if isinstance(res, Constant):
        return constant(res.data.reshape(()).astype(dtype))
    if res.type.ndim:
        res = res.dimshuffle()
    return res if res.type.dtype == dtype else cast(res, dtype)


def _is_real_matrix(res) -> bool:
    """Return whether `res` is a floating matrix that is neither a row nor a column."""
    return _is_real(res, 2)


def _is_real_vector(res) -> bool:
    """Return whether `res` is a floating vector of unknown or larger length than 1."""
    return _is_real(res, 1)


def _is_real(res, ndim: int) -> bool:
    return (
        isinstance(res.type, TensorType)
        and res.type.dtype in ("float16", "float32", "float64")
        and res.type.ndim == ndim
        and not any(res.type.broadcastable)
    )
