"""Pieces shared by the checks, derivatives and batch rules of the indexing Ops."""

from collections.abc import Sequence

from pytensor.configdefaults import config
from pytensor.graph.basic import Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.type import discrete_dtypes


def zeros_for(x: Variable) -> Variable:
    """Zeros of the shape of `x` in a dtype that can hold a gradient."""
    dtype = config.floatX if x.type.dtype in discrete_dtypes else x.type.dtype
    return x.zeros_like(dtype=dtype)


def is_disconnected(x) -> bool:
    """Tell whether a tangent or cotangent is missing."""
    return x is None or isinstance(x.type, DisconnectedType)


def tangent_or_zeros(tangent, x: Variable) -> Variable:
    """Return `tangent`, or zeros like `x` where there is none."""
    return zeros_for(x) if is_disconnected(tangent) else tangent


def sum_over_broadcast_dims(x: Variable, grad: Variable) -> Variable:
    """Sum `grad` over the dimensions in which `x` was broadcast, back to the rank of `x`."""
    extra = grad.type.ndim - x.type.ndim
    if extra < 0:
        raise ValueError(f"gradient must have at least {x.type.ndim} dimensions, got {grad.type}")
    if extra:
        grad = grad.sum(axis=tuple(range(extra)))
    axes = tuple(
        d for d in range(x.type.ndim) if x.type.broadcastable[d] and not grad.type.broadcastable[d]
    )
    return grad.sum(axis=axes, keepdims=True) if axes else grad


def pad_core_left(x: Variable, batch_ndim: int, n: int) -> Variable:
    """Insert `n` length-1 dimensions between the batch and the core dimensions of `x`."""
    if n <= 0:
        return x
    order = (*range(batch_ndim), *("x",) * n, *range(batch_ndim, x.type.ndim))
    return DimShuffle(input_ndim=x.type.ndim, new_order=order)(x)


def indices_unbatched(idxs: Sequence[Variable], node_idxs: Sequence[Variable]) -> bool:
    """Tell whether none of the index inputs got batch dimensions."""
    return all(
        getattr(new.type, "ndim", 0) == getattr(old.type, "ndim", 0)
        for new, old in zip(idxs, node_idxs, strict=True)
    )


def check_increment(op_name: str, x, y, indexed_shape) -> None:
    """Check that `y` can be written to a place of static shape `indexed_shape`."""
    if y.type.ndim > len(indexed_shape):
        raise TypeError(
            f"Trying to increment a {len(indexed_shape)}-dimensional subtensor with a "
            f"{y.type.ndim}-dimensional value."
        )
    if x.type.dtype not in ("complex64", "complex128") and y.type.dtype.startswith("complex"):
        raise TypeError(f"[{op_name}] y must be real because x is {x.type}, got {y.type}")
    for have, want in zip(y.type.shape[::-1], indexed_shape[::-1], strict=False):
        if have is not None and want is not None and have not in (1, want):
            raise ValueError(
                f"[{op_name}] y must broadcast to the indexed shape {tuple(indexed_shape)}, "
                f"got {tuple(y.type.shape)}"
            )


def increment_error(op_name: str, y, region: tuple[int, ...]) -> ValueError:
    """Return the error for a value `y` that does not fit where it is to be written."""
    return ValueError(
        f"[{op_name}] y must broadcast to the indexed region, got {y.shape} for {region}"
    )


def increment_pullback(op, inputs, outputs, cotangents, take, write_zeros):
    """Gradients of writing (or adding) y to a part of x, for basic and advanced indexing.

    Parameters
    ----------
    take
        Function that reads the indexed part of a variable.
    write_zeros
        Function of (g, y) that overwrites the indexed part of g by zeros.
    """
    x, y, *idxs = inputs
    (g,) = cotangents
    disconnected = [disconnected_type() for _ in idxs]
    if is_disconnected(g):
        return [disconnected_type(), disconnected_type(), *disconnected]
    if x.type.dtype in discrete_dtypes:
        return [zeros_for(x), zeros_for(y), *disconnected]
    grad_x = write_zeros(g, y) if op.set_instead_of_inc else g
    if y.type.dtype in discrete_dtypes:
        grad_y = zeros_for(y)
    else:
        grad_y = sum_over_broadcast_dims(y, take(g))
        if grad_y.type.dtype != y.type.dtype:
            if grad_y.type.dtype.startswith("complex") and not y.type.dtype.startswith("complex"):
                grad_y = grad_y.real
            grad_y = grad_y.astype(y.type.dtype)
    return [grad_x, grad_y, *disconnected]
