"""Vectors of evenly spaced numbers, on a linear or a logarithmic scale."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import grad_undefined
from pytensor.graph.op import Op
from pytensor.tensor.basic import arange, as_tensor_variable, cast, moveaxis
from pytensor.tensor.math import floor, ge, log, lt, maximum, switch
from pytensor.tensor.subtensor import set_subtensor
from pytensor.tensor.type import dvector, integer_dtypes


def _output_dtype(dtype, *bounds) -> str:
    """The dtype asked for, or that of the arrays among `bounds`: Python numbers have none."""
    if dtype is not None:
        return np.dtype(dtype).name
    typed = [b for b in bounds if not isinstance(b, int | float) or isinstance(b, np.generic)]
    common = np.result_type(*(as_tensor_variable(b).type.dtype for b in typed), "bool")
    return common.name if common.kind in "fc" else config.floatX


def _work_dtype(dtype: str) -> str:
    return dtype if dtype.startswith(("float", "complex")) else "float64"


def _as_num(num) -> int | Variable:
    if isinstance(num, Variable):
        if num.type.dtype not in integer_dtypes or num.type.ndim:
            raise TypeError(f"[linspace] num must be an integer scalar, got {num.type}")
        return num
    if isinstance(num, float) or int(num) != num:
        raise TypeError(f"[linspace] num must be an integer, got {num!r}")
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    return int(num)


def _unit_steps(num, endpoint: bool, ndim: int, dtype: str):
    """The numbers 0, 1, ... num - 1 in front of `ndim` new axes, and the number of intervals."""
    steps = cast(arange(num), dtype)
    if ndim:
        steps = steps.dimshuffle(0, *("x",) * ndim)
    intervals = num - 1 if endpoint else num
    if isinstance(intervals, int):
        return steps, max(intervals, 1)
    return steps, maximum(intervals, 1)


def linspace(start, stop, num=50, endpoint: bool = True, retstep: bool = False, dtype=None, axis=0):
    """Return evenly spaced numbers over an interval, as `numpy.linspace`.

    Parameters
    ----------
    start, stop
        Bounds; arrays broadcast and add axes to the result.
    num
        How many numbers.
    endpoint
        Whether `stop` is the last of them.
    retstep
        Also return the spacing.
    dtype
        Of the result.
    axis
        Where the numbers are stored.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linspace(0, 1, 3).eval().tolist()
    [0.0, 0.5, 1.0]
    """
    out_dtype = _output_dtype(dtype, start, stop)
    start, stop, num = as_tensor_variable(start), as_tensor_variable(stop), _as_num(num)
    work = _work_dtype(out_dtype)
    start, stop = cast(start, work), cast(stop, work)
    ndim = max(start.type.ndim, stop.type.ndim)
    steps, intervals = _unit_steps(num, endpoint, ndim, work)
    spacing = (stop - start) / cast(as_tensor_variable(intervals), work)
    values = start + steps * spacing
    # Rounding must not move the last number off the end
    if endpoint and isinstance(num, Variable):
        values = switch(ge(steps, cast(maximum(num - 1, 1), work)), stop, values)
    elif endpoint and num > 1:
        values = set_subtensor(values[-1:], values[-1:] * 0 + stop)
    if not out_dtype.startswith(("float", "complex")):
        values = floor(values)
    values = cast(values, out_dtype)
    if axis != 0:
        values = moveaxis(values, 0, normalize_axis_index(axis, values.type.ndim))
    return (values, spacing) if retstep else values


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """Return numbers spaced evenly on a log scale, from ``base**start`` to ``base**stop``.

    Parameters are those of `linspace`, and `base`.

    Examples
    --------
    >>> pt.logspace(0, 2, 3).eval().tolist()
    [1.0, 10.0, 100.0]
    """
    out_dtype = _output_dtype(dtype, start, stop, base)
    start, stop, base = (cast(b, _work_dtype(out_dtype)) for b in (start, stop, base))
    exponents = linspace(start, stop, num=num, endpoint=endpoint, axis=axis)
    return cast(base**exponents, out_dtype)


def geomspace(start, stop, num=50, base=10.0, endpoint=True, dtype=None, axis=0):
    """Return numbers in geometric progression from `start` to `stop`.

    Parameters
    ----------
    start, stop
        Bounds, not zero and of equal sign.
    num, endpoint, dtype, axis
        As for `linspace`.
    base
        Of the logarithms used on the way; does not change the result.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.geomspace(1, 100, 3).eval().tolist()
    [1.0, 10.0, 100.0]
    """
    out_dtype = _output_dtype(dtype, start, stop, base)
    start, stop, base = (cast(b, _work_dtype(out_dtype)) for b in (start, stop, base))
    sign = cast(switch(lt(start, 0), -1, 1), start.type.dtype)
    low, high = log(start * sign) / log(base), log(stop * sign) / log(base)
    values = sign * logspace(low, high, num=num, endpoint=endpoint, base=base)
    if isinstance(num, Variable):
        return _moved(values, axis, out_dtype)
    if num > 0:
        values = set_subtensor(values[:1], values[:1] * 0 + start)
    if num > 1 and endpoint:
        values = set_subtensor(values[-1:], values[-1:] * 0 + stop)
    return _moved(values, axis, out_dtype)


def _moved(values, axis: int, dtype: str):
    values = cast(values, dtype)
    return (
        values if axis == 0 else moveaxis(values, 0, normalize_axis_index(axis, values.type.ndim))
    )


class Bartlett(Op):
    """The triangular window."""

    __props__ = ()

    def make_node(self, M):
        M = as_tensor_variable(M)
        if M.type.ndim != 0:
            raise TypeError(f"{type(self).__name__} only works on scalar input")
        if M.type.dtype not in integer_dtypes:
            raise TypeError(f"{type(self).__name__} only works on integer input")
        return Apply(self, [M], [dvector()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.bartlett(int(inputs[0]))

    def infer_shape(self, fgraph, node, input_shapes):
        M = node.inputs[0]
        return [(maximum(M, 0).astype("int64"),)]

    def pullback(self, inputs, outputs, cotangents):
        return [grad_undefined(self, 0, inputs[0])]


bartlett_ = Bartlett()


def bartlett(M):
    """Return the Bartlett (triangular) window of `M` points, as `numpy.bartlett`.

    ``w_i = 1 - |2i/(M - 1) - 1|``, ``i = 0, ..., M - 1``

    Raises
    ------
    TypeError
        If `M` is no integer.

    Examples
    --------
    >>> pt.bartlett(5).eval().tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return bartlett_(M)
