"""Einstein summation, lowered to products that BLAS knows.

Operands are contracted two at a time, in an order that keeps intermediate results small. Each
step is a (batched) matrix product: indices of a pair are batch (in both, and needed later),
contracted (in both, not needed later) or free (in one). Gradients and batching are those of the
products: there is no Op for einsum itself.
"""

from collections import Counter
from collections.abc import Sequence
from math import prod

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.tensor.basic import as_tensor_variable, diagonal
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import dot, matmul, tensordot
from pytensor.tensor.math import sum as pt_sum

__all__ = ["einsum"]

PATH = tuple[tuple[int, ...], ...]
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _parse_subscripts(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Return the indices of each operand and of the output, ellipses replaced by letters.

    Dimensions of an ellipsis are named from the right, so that they broadcast.
    """
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    operands = left.split(",")
    if len(operands) != len(ndims):
        raise ValueError("Number of einsum subscripts must be equal to the number of operands.")
    bad = {c for c in left.replace("...", "") + output.replace("...", "") if c not in _LETTERS}
    if bad - {","}:
        raise ValueError(f"[einsum] subscripts must be letters, got {sorted(bad)} in {subscripts}")
    unused = [c for c in _LETTERS if c not in text]
    named: list[str] = []
    widest = 0
    for operand, ndim in zip(operands, ndims, strict=True):
        n_ellipsis = ndim - len(operand.replace("...", ""))
        if "..." in operand:
            if n_ellipsis < 0:
                raise ValueError(
                    f"[einsum] '{operand}' names more than the {ndim} dimensions there are"
                )
            widest = max(widest, n_ellipsis)
            operand = operand.replace("...", "".join(unused[:n_ellipsis][::-1]))
        elif n_ellipsis != 0:
            raise ValueError(f"[einsum] '{operand}' must name {ndim} dimensions")
        named.append(operand)
    ellipsis_dims = "".join(unused[:widest][::-1])
    if not arrow:
        counts = Counter("".join(named))
        once = sorted(c for c, n in counts.items() if n == 1 and c not in ellipsis_dims)
        return named, ellipsis_dims + "".join(once)
    # An ellipsis that the output does not have is summed over, as in PyTensor
    output = output.replace("...", ellipsis_dims)
    if len(set(output)) != len(output):
        raise ValueError(f"[einsum] output indices must not repeat, got {output}")
    missing = set(output) - set("".join(named))
    if missing:
        raise ValueError(f"[einsum] output indices {sorted(missing)} are in no operand")
    return named, output


def _take_diagonals(x, indices: str):
    """Replace an index that an operand has twice by the diagonal over it."""
    while len(set(indices)) < len(indices):
        c = next(c for c in indices if indices.count(c) > 1)
        first, second = [d for d, k in enumerate(indices) if k == c][:2]
        x = diagonal(x, axis1=first, axis2=second)
        indices = "".join(k for d, k in enumerate(indices) if d not in (first, second)) + c
    return x, indices


def _sum_out(x, indices: str, keep: set[str]):
    """Sum over the indices that nobody else needs."""
    axes = tuple(d for d, c in enumerate(indices) if c not in keep)
    if not axes:
        return x, indices
    return pt_sum(x, axis=axes), "".join(c for c in indices if c in keep)


def _drop_broadcast(x, indices: str, others: set[str]):
    """Drop length-1 dimensions that other operands have too: they only broadcast."""
    drop = {d for d, c in enumerate(indices) if x.type.broadcastable[d] and c in others}
    if not drop:
        return x, indices
    order = tuple(d for d in range(len(indices)) if d not in drop)
    return (
        DimShuffle(input_ndim=x.type.ndim, new_order=order)(x),
        "".join(c for d, c in enumerate(indices) if d not in drop),
    )


def _transpose_to(x, indices: str, wanted: str):
    """Permute `x`, with new length-1 dimensions for the wanted indices that it does not have."""
    if indices == wanted:
        return x
    order = tuple(indices.index(c) if c in indices else "x" for c in wanted)
    return DimShuffle(input_ndim=x.type.ndim, new_order=order)(x)


def _lengths(x, indices: str, chosen: str) -> list:
    return [
        x.shape[d] if x.type.shape[d] is None else x.type.shape[d]
        for d in (indices.index(c) for c in chosen)
    ]


def _merge(x, indices: str, groups: Sequence[str]):
    """Transpose `x` to the order of `groups` and join each group into one dimension."""
    x = _transpose_to(x, indices, "".join(groups))
    if all(len(g) == 1 for g in groups):
        return x
    flat = "".join(groups)
    lengths = [_lengths(x, flat, g) for g in groups]
    return x.reshape([prod(n, start=1) for n in lengths], ndim=len(groups))


def _contract(x, xi: str, y, yi: str, keep: set[str]):
    """Multiply two operands and sum over the common indices that are not in `keep`."""
    common = [c for c in xi if c in yi]
    batch = "".join(c for c in common if c in keep)
    summed = "".join(c for c in common if c not in keep)
    x_free = "".join(c for c in xi if c not in common)
    y_free = "".join(c for c in yi if c not in common)
    result = batch + x_free + y_free
    if not summed:
        # An elementwise or outer product
        return _transpose_to(x, xi, result) * _transpose_to(y, yi, result), result
    if not batch:
        if len(xi) <= 2 and len(yi) <= 2 and len(summed) == 1:
            left = x if xi.endswith(summed) else _transpose_to(x, xi, x_free + summed)
            right = y if yi.startswith(summed) else _transpose_to(y, yi, summed + y_free)
            return dot(left, right), result
        axes = [[xi.index(c) for c in summed], [yi.index(c) for c in summed]]
        return tensordot(x, y, axes=axes), result
    batch_shape = _lengths(x, xi, batch)
    x_lengths, y_lengths = _lengths(x, xi, x_free), _lengths(y, yi, y_free)
    left = _merge(x, xi, [*batch, x_free, summed])
    right = _merge(y, yi, [*batch, summed, y_free])
    product = matmul(left, right)
    if len(x_free) != 1 or len(y_free) != 1:
        product = product.reshape([*batch_shape, *x_lengths, *y_lengths], ndim=len(result))
    return product, result


def _contraction_path(operands: Sequence[str], output: str, sizes: dict[str, int]) -> PATH:
    """Order in which NumPy would contract operands of these sizes."""
    if len(operands) <= 2:
        return (tuple(range(len(operands))),)
    arrays = [np.broadcast_to(np.zeros(()), tuple(sizes[c] for c in op)) for op in operands]
    path, _ = np.einsum_path(
        f"{','.join(operands)}->{output}",
        *arrays,
        optimize="optimal" if len(arrays) < 5 else "greedy",
    )
    return tuple(tuple(step) for step in path[1:])


def _index_sizes(operands: Sequence[str], variables: Sequence[Variable]) -> dict[str, int]:
    """Static lengths of indices; unknown ones are taken as long as the known ones are on average."""
    known: dict[str, int] = {}
    for indices, x in zip(operands, variables, strict=True):
        for c, n in zip(indices, x.type.shape, strict=True):
            if n is not None and (n != 1 or c not in known):
                if known.get(c, 1) not in (1, n):
                    raise ValueError(
                        f"[einsum] index '{c}' must have one length, got {known[c]} and {n}"
                    )
                known[c] = n
    lengths = [n for n in known.values() if n > 1]
    guess = max(2, round(float(np.exp(np.mean(np.log(lengths)))))) if lengths else 8
    return {c: known.get(c, guess) for c in set("".join(operands))}


def einsum(subscripts: str, *operands, optimize=None):
    """Evaluate the Einstein summation convention on the operands, as `numpy.einsum`.

    Parameters
    ----------
    subscripts
        Indices of the operands and, after ``->``, of the result; ``...`` stands for dimensions
        that broadcast. Without ``->`` the result has the indices that occur once, in
        alphabetical order.
    operands
        Arrays.
    optimize
        Not applicable: the order of contraction is always optimized.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> x, y = pt.tensor("x", shape=(5, 2, 3)), pt.tensor("y", shape=(5, 3, 4))
    >>> pt.einsum("bij,bjk->bik", x, y).type.shape
    (5, 2, 4)
    """
    if optimize is not None:
        raise NotImplementedError(
            "[einsum] optimize must be None: the order of contraction is always optimized"
        )
    if not operands:
        raise ValueError("[einsum] needs at least one operand")
    variables = [as_tensor_variable(o) for o in operands]
    named, output = _parse_subscripts(subscripts, [v.type.ndim for v in variables])
    sizes = _index_sizes(named, variables)
    pairs = [_take_diagonals(v, i) for v, i in zip(variables, named, strict=True)]
    for k, (x, indices) in enumerate(pairs):
        others = {c for j, (_, i) in enumerate(pairs) if j != k for c in i}
        only_broadcast = {
            c
            for c in others & set(indices)
            if any(
                c in i and not o.type.broadcastable[i.index(c)]
                for j, (o, i) in enumerate(pairs)
                if j != k
            )
        }
        pairs[k] = _drop_broadcast(x, indices, only_broadcast)
    path = _contraction_path([i for _, i in pairs], output, sizes)
    for step in path:
        chosen = [pairs.pop(k) for k in sorted(step, reverse=True)][::-1]
        pairs.append(_contract_all(chosen, {c for _, i in pairs for c in i} | set(output)))
    ((result, indices),) = pairs
    return _transpose_to(result, indices, output)


def _contract_all(pairs: list, keep: set[str]):
    """Contract operands from left to right, summing out what is not in `keep` early."""
    result, indices = pairs[0]
    for k, (y, yi) in enumerate(pairs[1:], start=1):
        later = {c for _, i in pairs[k + 1 :] for c in i} | keep
        result, indices = _sum_out(result, indices, later | set(yi))
        y, yi = _sum_out(y, yi, later | set(indices))
        result, indices = _contract(result, indices, y, yi, later)
    return _sum_out(result, indices, keep)
