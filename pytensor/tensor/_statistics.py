"""Reductions as functions, and the statistics built from them."""

from __future__ import annotations

import numpy as np

from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._dot import dot
from pytensor.tensor._joining import concatenate
from pytensor.tensor._math_ops import (
    _cast_to,
    _conj,
    int_div,
    invert,
    mul,
    neg,
    sqr,
    sqrt,
    sub,
    true_div,
)
from pytensor.tensor._math_ops import real as pt_real
from pytensor.tensor._reductions import All, Any, Argmax, Max, Min, Prod, Sum, expand_reduced
from pytensor.tensor._shape_ops import length
from pytensor.tensor.type import (
    complex_dtypes,
    discrete_dtypes,
    float_dtypes,
    integer_dtypes,
)
from pytensor.tensor.utils import normalize_reduce_axis


def makeKeepDims(x, y, axis):
    """Give `y`, a reduction of `x` over `axis`, its axes back with length 1."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    return expand_reduced(y, x.type.ndim, _axes(axis, x.type.ndim))


def _axes(axis, ndim) -> tuple[int, ...] | None:
    """Return axes as a sorted tuple, None meaning all."""
    if hasattr(axis, "data"):
        axis = axis.data
    return normalize_reduce_axis(axis, ndim=ndim)


def _keep(x, out, axes, keepdims):
    return expand_reduced(out, x.type.ndim, axes) if keepdims else out


def sum(input, axis=None, dtype=None, keepdims=False, acc_dtype=None):
    """Return the sum of the elements along `axis` (all by default).

    ``y = Σ_i x_i``

    Parameters
    ----------
    input : tensor_like
    axis : int, sequence of int, or None
    dtype
        dtype of the result. By default that of the input, widened to 64 bits for integers.
    keepdims : bool
        Keep reduced axes with length 1.
    acc_dtype
        dtype of partial sums; by default float64 for float32, float32 for float16.

    Returns
    -------
    TensorVariable
        The shape of `input` without the axes summed over; 0 for no elements.

    Examples
    --------
    >>> pt.sum([[1, 2], [3, 4]], axis=0).eval().tolist()
    [4, 6]
    """
    x = as_tensor_variable(input)
    axes = _axes(axis, x.type.ndim)
    return _keep(x, Sum(axis=axes, dtype=dtype, acc_dtype=acc_dtype)(x), axes, keepdims)


def prod(input, axis=None, dtype=None, keepdims=False, acc_dtype=None, no_zeros_in_input=False):
    """Return the product of the elements along `axis` (all by default).

    ``y = Π_i x_i``. Parameters and result are as those of `sum`; of no elements it is 1.

    Parameters
    ----------
    no_zeros_in_input : bool
        Promise that no element is 0: the derivative, ``y / x_i``, is then found by division.

    Examples
    --------
    >>> pt.prod([[1, 2], [3, 4]], axis=1).eval().tolist()
    [2, 12]
    """
    x = as_tensor_variable(input)
    axes = _axes(axis, x.type.ndim)
    op = Prod(axis=axes, dtype=dtype, acc_dtype=acc_dtype, no_zeros_in_input=no_zeros_in_input)
    return _keep(x, op(x), axes, keepdims)


def all(x, axis=None, keepdims=False):
    """Return whether all elements along `axis` are true (not 0): bool, true for no elements.

    Parameters `axis` and `keepdims` are those of `sum`.

    Examples
    --------
    >>> pt.all([[True, True], [True, False]], axis=1).eval().tolist()
    [True, False]
    """
    x = as_tensor_variable(x)
    axes = _axes(axis, x.type.ndim)
    return _keep(x, All(axes)(x), axes, keepdims)


def any(x, axis=None, keepdims=False):
    """Return whether any element along `axis` is true (not 0): bool, false for no elements.

    Parameters `axis` and `keepdims` are those of `sum`.

    Examples
    --------
    >>> pt.any([[False, False], [True, False]], axis=1).eval().tolist()
    [False, True]
    """
    x = as_tensor_variable(x)
    axes = _axes(axis, x.type.ndim)
    return _keep(x, Any(axes)(x), axes, keepdims)


def max(x, axis=None, keepdims=False, initial=None):
    """Return the largest element along `axis`; NaN if there is one.

    Parameters
    ----------
    x : tensor_like
        Complex numbers are ordered by real part, then imaginary part.
    axis, keepdims
        As of `sum`.
    initial : optional
        May be ``-inf``: the result for an empty axis.

    Returns
    -------
    TensorVariable
        dtype of `x`. Its derivative goes to every element that is equal to the largest one.

    Raises
    ------
    ValueError
        At run time, for no elements.

    Examples
    --------
    >>> pt.max([[1, 5], [7, 2]], axis=0).eval().tolist()
    [7, 5]
    """
    if initial is not None and initial != -np.inf:
        raise ValueError(f"initial must be None or -inf for max, got {initial}")
    x = as_tensor_variable(x)
    axes = _axes(axis, x.type.ndim)
    return _keep(x, Max(axes, initial=initial is not None)(x), axes, keepdims)


def min(x, axis=None, keepdims=False, initial=None):
    """Return the smallest element along `axis`; NaN if there is one.

    Parameters and result are as those of `max`; `initial` may be ``inf``, the result
    for an empty axis.

    Examples
    --------
    >>> pt.min([[1, 5], [7, 2]], axis=0).eval().tolist()
    [1, 2]
    """
    if initial is not None and initial != np.inf:
        raise ValueError(f"initial must be None or inf for min, got {initial}")
    x = as_tensor_variable(x)
    if x.type.dtype in complex_dtypes:
        raise NotImplementedError("[min] complex numbers have no order")
    if x.type.dtype == "bool":
        return invert(max(invert(x), axis=axis, keepdims=keepdims))
    if x.type.dtype in discrete_dtypes:
        # Not -max(-x): the least integer has no negative.
        axes = _axes(axis, x.type.ndim)
        return _keep(x, Min(axes, initial=initial is not None)(x), axes, keepdims)
    # As upstream, so that clients that look for the pattern find it.
    low = None if initial is None else -np.inf
    return neg(max(neg(x), axis=axis, keepdims=keepdims, initial=low))


def argmax(x, axis=None, keepdims: bool = False):
    """Return the index of the largest element along `axis`, or in the flattened array.

    Parameters
    ----------
    x : tensor_like
    axis : int, sequence of int, or None
        Indices over several axes count their elements in row-major order.
    keepdims : bool
        Keep reduced axes with length 1.

    Returns
    -------
    TensorVariable
        int64; of equal elements the first, of NaNs the first. It has no derivative.

    Examples
    --------
    >>> pt.argmax([[1, 5], [7, 2]], axis=1).eval().tolist()
    [1, 0]
    """
    x = as_tensor_variable(x)
    axes = _axes(axis, x.type.ndim)
    out = Argmax(axes)(x)
    if keepdims:
        out = expand_reduced(out, x.type.ndim, axes)
    out.name = "argmax"
    return out


def argmin(x, axis=None, keepdims=False):
    """Return the index of the smallest element along `axis`, or in the flattened array.

    Parameters and result are as those of `argmax`.

    Examples
    --------
    >>> pt.argmin([[1, 5], [7, 2]], axis=1).eval().tolist()
    [0, 1]
    """
    x = as_tensor_variable(x)
    if x.type.dtype == "bool" or x.type.dtype in integer_dtypes:
        # ~x reverses the order of all integers, and nothing overflows.
        return argmax(invert(x), axis=axis, keepdims=keepdims)
    return argmax(neg(x), axis=axis, keepdims=keepdims)


def max_and_argmax(a, axis=None, keepdims=False):
    """Return the largest element along `axis` and its index: `max` and `argmax`.

    Examples
    --------
    >>> largest, index = pt.max_and_argmax([3, 9, 4])
    >>> largest.eval().item(), index.eval().item()
    (9, 1)
    """
    return [max(a, axis=axis, keepdims=keepdims), argmax(a, axis=axis, keepdims=keepdims)]


def ptp(a, axis=None):
    """Return the range of values (maximum minus minimum) along `axis` (an int, or None for all).

    Examples
    --------
    >>> pt.ptp([[1, 5], [7, 2]], axis=1).eval().tolist()
    [4, 5]
    """
    a = as_tensor_variable(a)
    return sub(max(a, axis), min(a, axis))


def _count(x, axes, dtype):
    """Return the number of elements along `axes`, in `dtype`."""
    axes = range(x.type.ndim) if axes is None else axes
    lengths = [x.type.shape[a] for a in axes]
    if None not in lengths:
        return constant(np.asarray(np.prod(lengths, dtype="int64"), dtype=dtype))
    counts = [_cast_to(length(x, a), dtype) for a in axes]
    return counts[0] if len(counts) == 1 else mul(*counts)


def mean(input, axis=None, dtype=None, keepdims=False, acc_dtype=None):
    """Return the mean of the elements along `axis` (all by default).

    ``y = 1/n Σ_i x_i``

    Parameters
    ----------
    input : tensor_like
    axis : int, sequence of int, or None
    dtype
        A float or complex dtype for the result; float64 for integers by default.
    keepdims : bool
        Keep reduced axes with length 1.
    acc_dtype
        dtype of the sum, as for `sum`.

    Returns
    -------
    TensorVariable
        NaN for no elements.

    Examples
    --------
    >>> pt.mean([[1.0, 2.0], [3.0, 5.0]], axis=0).eval().tolist()
    [2.0, 3.5]
    """
    x = as_tensor_variable(input)
    axes = _axes(axis, x.type.ndim)
    if dtype is not None:
        sum_dtype = np.dtype(dtype).name
        if sum_dtype in discrete_dtypes:
            raise TypeError(f"[mean] dtype must be a float, got {dtype}")
    elif x.type.dtype in discrete_dtypes:
        sum_dtype = "float64"
    elif x.type.dtype == "float16":
        # The sum may be out of range where the mean is not.
        sum_dtype = "float32"
    else:
        sum_dtype = None
    s = sum(x, axis=axes, dtype=sum_dtype, keepdims=keepdims, acc_dtype=acc_dtype)
    result_dtype = s.type.dtype
    real_dtype = {"complex64": "float32", "complex128": "float64"}.get(result_dtype, result_dtype)
    result = true_div(s, _count(x, axes, real_dtype))
    if dtype is None and x.type.dtype == "float16":
        result = _cast_to(result, "float16")
    result.name = "mean"
    return result


def var(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """Return the variance along `axis` (of all elements by default).

    ``y = 1/(n - ddof) Σ_i |x_i - mean(x)|²``

    Parameters
    ----------
    input : tensor_like
    axis : int, sequence of int, or None
    ddof : int
        The sum of squares is divided by the number of elements minus `ddof`.
    keepdims : bool
        Keep reduced axes with length 1.
    corrected : bool
        Correct the rounding error of the mean (Chan, Golub and LeVeque's two-pass formula).

    Returns
    -------
    TensorVariable
        Float, as `mean`.

    Examples
    --------
    >>> pt.var([1.0, 2.0, 3.0, 6.0]).eval().item()
    3.5
    >>> pt.var([1.0, 2.0, 3.0, 6.0], ddof=2).eval().item()
    7.0
    """
    if isinstance(ddof, bool):
        raise ValueError("Parameter keepdims is now at index 3: (input, axis=None, ddof=0, ...)")
    x = as_tensor_variable(input)
    axes = _axes(axis, x.type.ndim)
    centered = sub(x, mean(x, axes, keepdims=True))
    if centered.type.dtype in complex_dtypes:
        squares = pt_real(mul(centered, _conj(centered)))
    else:
        squares = sqr(centered)
    n = _count(x, axes, "float32" if squares.type.dtype == "float16" else squares.type.dtype)
    divisor = sub(n, constant(ddof, dtype=n.type.dtype)) if not _is_zero(ddof) else n
    acc = "float32" if squares.type.dtype == "float16" else None
    total = sum(squares, axis=axes, keepdims=keepdims, dtype=acc)
    if corrected:
        error = sqr(sum(centered, axis=axes, keepdims=keepdims))
        total = sub(total, true_div(error, n))
    result = true_div(total, divisor)
    if squares.type.dtype == "float16":
        result = _cast_to(result, "float16")
    result.name = "var"
    return result


def _is_zero(value) -> bool:
    return isinstance(value, (int, float)) and value == 0


def std(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """Return the standard deviation along `axis`, the square root of `var`; see there.

    Examples
    --------
    >>> pt.std([1.0, 3.0, 5.0, 7.0]).eval().round(3).item()
    2.236
    """
    if isinstance(ddof, bool):
        raise ValueError("Parameter keepdims is now at index 3: (input, axis=None, ddof=0, ...)")
    result = sqrt(var(input, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected))
    result.name = "std"
    return result


def median(x, axis=None):
    """Return the median along `axis`: of an even number of elements, the mean of the middle two.

    Parameters
    ----------
    x : tensor_like
        NaN counts as the largest number (`numpy.median` is NaN then).
    axis : int, sequence of int, or None
        All elements by default.

    Returns
    -------
    TensorVariable
        Float or complex.

    Examples
    --------
    >>> pt.median([[5, 1, 9], [2, 4, 3]], axis=1).eval().tolist()
    [5.0, 3.0]
    """
    x = as_tensor_variable(x)
    axes = _axes(axis, x.type.ndim)
    axes = tuple(range(x.type.ndim)) if axes is None else axes
    if not axes:
        return x
    kept = [i for i in range(x.type.ndim) if i not in axes]
    flat = dimshuffle(x, [*kept, *axes])
    if len(axes) > 1:
        flat = flat.flatten(len(kept) + 1)
    ordered = flat.sort(axis=-1)
    n = length(ordered, -1)
    # The two are the same element if the number is odd.
    low = ordered[..., int_div(sub(n, constant(1, dtype="int64")), constant(2, dtype="int64"))]
    high = ordered[..., int_div(n, constant(2, dtype="int64"))]
    if x.type.dtype in float_dtypes:
        half = constant(0.5, dtype=x.type.dtype)
    else:
        half = constant(0.5, dtype="float64")
    return mul(low + high, half)


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    """Return the covariance matrix of variables given by rows, as `numpy.cov`.

    ``C_ij = 1/(n - ddof) Σ_k (m_ik - mean_i) conj(m_jk - mean_j)``

    Parameters
    ----------
    m, y : tensor_like
        Observations, up to two axes: a row for each variable (`rowvar`), or a column.
        The rows of `y` are further variables.
    rowvar, bias : bool
        `bias` stands for ``ddof=0``; otherwise ddof is 1.
    ddof : int, optional
        What to subtract from the number of observations.
    fweights, aweights : optional
        How often each observation counts, and its weight.

    Returns
    -------
    TensorVariable
        A square matrix, or a number for one variable.

    Examples
    --------
    >>> pt.cov([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]).eval().tolist()
    [[1.0, -2.0], [-2.0, 4.0]]
    """
    if fweights is not None:
        raise NotImplementedError("fweights are not implemented")
    if aweights is not None:
        raise NotImplementedError("aweights are not implemented")
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    ddof = (0 if bias else 1) if ddof is None else ddof
    m = _as_variables(m, rowvar)
    if y is not None:
        m = concatenate((m, _as_variables(y, rowvar)), axis=0)
    n = length(m, 1)
    centered = sub(m, mean(m, axis=1, keepdims=True))
    dtype = centered.type.dtype
    other = _conj(centered) if dtype in complex_dtypes else centered
    real_dtype = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    norm = _cast_to(n if ddof == 0 else sub(n, constant(ddof, dtype="int64")), real_dtype)
    return true_div(dot(centered, other.T), norm)


def _as_variables(m, rowvar):
    m = as_tensor_variable(m)
    if m.type.ndim > 2:
        raise ValueError(f"[cov] operand must have at most two axes, got {m.type}")
    if m.type.ndim == 2 and not rowvar:
        return m.T
    return (
        m if m.type.ndim == 2 else dimshuffle(m, ["x"] * (2 - m.type.ndim) + [*range(m.type.ndim)])
    )


__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "cov",
    "makeKeepDims",
    "max",
    "max_and_argmax",
    "mean",
    "median",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]
