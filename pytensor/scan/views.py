"""Loops of special forms: `map`, `reduce`, `foldl` and `foldr`."""

from typing import Any

from pytensor.scan.basic import scan

__all__ = ["filter", "foldl", "foldr", "map", "reduce"]


def map(
    fn,
    sequences,
    non_sequences=None,
    truncate_gradient=-1,
    go_backwards=False,
    mode=None,
    name=None,
    return_updates=True,
):
    """Apply a function to each element of sequences.

    Parameters
    ----------
    fn : callable
        Receives one element of each sequence, then the `non_sequences`.
    sequences, non_sequences, truncate_gradient, go_backwards, mode, name, return_updates
        As for `pytensor.scan`.

    Returns
    -------
    As `pytensor.scan`: the stacked results, and updates if `return_updates`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.scan.views import map
    >>> X = pt.dmatrix("X")
    >>> squares = map(lambda row: (row**2).sum(), X, return_updates=False)
    """
    return scan(
        fn,
        sequences=sequences,
        outputs_info=None,
        non_sequences=non_sequences,
        truncate_gradient=truncate_gradient,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
        return_updates=return_updates,
    )


def reduce(
    fn,
    sequences,
    outputs_info,
    non_sequences=None,
    go_backwards=False,
    mode=None,
    name=None,
    return_updates=True,
):
    """Combine the elements of sequences with a running value and return its last state.

    Parameters
    ----------
    fn : callable
        Receives one element of each sequence, the running value (one or several) and the
        `non_sequences`; returns the new running value.
    outputs_info
        Where the running value starts.
    sequences, non_sequences, go_backwards, mode, name, return_updates
        As for `pytensor.scan`.

    Returns
    -------
    The last value, or a list of them, and updates if `return_updates`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.scan.views import reduce
    >>> x = pt.dvector("x")
    >>> total = reduce(lambda x_i, s: s + x_i, x, pt.constant(0.0, dtype="float64"),
    ...                return_updates=False)
    """
    found = scan(
        fn,
        sequences=sequences,
        outputs_info=outputs_info,
        non_sequences=non_sequences,
        go_backwards=go_backwards,
        truncate_gradient=-1,
        mode=mode,
        name=name,
        return_updates=return_updates,
    )
    outputs = found[0] if return_updates else found
    last: Any = [out[-1] for out in outputs] if isinstance(outputs, list) else outputs[-1]
    return (last, found[1]) if return_updates else last


def foldl(
    fn,
    sequences,
    outputs_info,
    non_sequences=None,
    mode=None,
    name=None,
    return_updates=True,
):
    """`reduce` from the first element to the last.

    Examples
    --------
    >>> zero = np.float64(0.0)
    >>> total = foldl(lambda x, s: s / 2 + x, pt.arange(4.0), zero, return_updates=False)
    >>> total.eval().item()
    4.25
    """
    return reduce(
        fn,
        sequences,
        outputs_info,
        non_sequences=non_sequences,
        go_backwards=False,
        mode=mode,
        name=name,
        return_updates=return_updates,
    )


def foldr(
    fn,
    sequences,
    outputs_info,
    non_sequences=None,
    mode=None,
    name=None,
    return_updates=True,
):
    """`reduce` from the last element to the first.

    Examples
    --------
    >>> zero = np.float64(0.0)
    >>> total = foldr(lambda x, s: s / 2 + x, pt.arange(4.0), zero, return_updates=False)
    >>> total.eval().item()
    1.375
    """
    return reduce(
        fn,
        sequences,
        outputs_info,
        non_sequences=non_sequences,
        go_backwards=True,
        mode=mode,
        name=name,
        return_updates=return_updates,
    )


def filter(fn, sequences, non_sequences=None, go_backwards=False, mode=None, name=None):
    """Not available: the length of the result would depend on values."""
    raise NotImplementedError("[filter] use a boolean mask: x[mask]")
