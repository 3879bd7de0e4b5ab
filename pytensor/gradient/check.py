"""Checking derivatives against finite differences: `numeric_grad`, `verify_grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pytensor.utils import late


class numeric_grad:
    """The gradient of a Python function by one-sided differences, in `gf`.

    Parameters
    ----------
    f : callable
        From arrays to a number.
    pt : array or list of arrays
        Where to differentiate.
    eps : float, optional
        The step; by default what suits the least precise dtype.
    out_type : str, optional
        dtype of the number, if it is less precise than the arrays.

    Examples
    --------
    >>> numeric_grad(lambda x: (x**2).sum(), [np.array([1.0, 2.0])]).gf[0].round(4).tolist()
    [2.0, 4.0]
    """

    type_eps = {
        "float64": 1e-7, "float32": 3e-4, "float16": 1e-1,
        np.dtype("float64"): 1e-7, np.dtype("float32"): 3e-4, np.dtype("float16"): 1e-1,
    }  # fmt: skip

    def __init__(self, f: Callable, pt, eps: float | None = None, out_type=None):
        packed = isinstance(pt, list | tuple)
        points = [np.array(p) for p in (pt if packed else [pt])]
        if eps is None:
            dtypes = [p.dtype for p in points] + ([np.dtype(out_type)] if out_type else [])
            eps = max(self.type_eps[dtype] for dtype in dtypes)
        working = [p.copy() for p in points]
        start = f(*working)
        gradients = [np.zeros(p.shape, dtype="float64") for p in points]
        for point, gradient in zip(working, gradients):
            for index in np.ndindex(point.shape):
                original = point[index]
                point[index] += eps
                # The step taken is not quite eps after rounding.
                gradient[index] = (f(*working) - start) / (float(point[index]) - float(original))
                point[index] = original
        self.gf: Any = gradients if packed else gradients[0]

    @staticmethod
    def abs_rel_err(a, b):
        """Return the absolute difference, and that relative to the size of both."""
        absolute = abs(a - b)
        return absolute, absolute / np.maximum(abs(a) + abs(b), [1e-8])

    def abs_rel_errors(self, g_pt):
        """Return pairs of absolute and relative errors of each array of the gradient `g_pt`."""
        if len(g_pt) != len(self.gf):
            raise ValueError(f"[numeric_grad] must be given {len(self.gf)} arrays, got {len(g_pt)}")
        errors = []
        for i, (a, b) in enumerate(zip(g_pt, self.gf)):
            if a.shape != b.shape:
                raise ValueError(
                    f"[numeric_grad] argument {i} must have shape {b.shape}, got {a.shape}"
                )
            errors.append(self.abs_rel_err(a, b))
        return errors

    def max_err(self, g_pt, abs_tol: float, rel_tol: float):
        """Return (argument, position, absolute, relative error) where `g_pt` is worst for the tolerances."""
        positions, errors = [], []
        for absolute, relative in self.abs_rel_errors(g_pt):
            if not np.all(np.isfinite(absolute)):
                raise ValueError(
                    f"[numeric_grad] the gradients must be finite, got error {absolute}"
                )
            scaled = np.minimum(absolute / abs_tol, relative / rel_tol)
            if scaled.size == 0:
                positions.append(0)
                errors.append((0.0, 0.0, 0.0))
                continue
            worst = int(np.argmax(scaled))
            positions.append(worst)
            errors.append((absolute.flat[worst], relative.flat[worst], scaled.flat[worst]))
        arg = int(np.argmax([scaled for *_, scaled in errors]))
        return arg, positions[arg], errors[arg][0], errors[arg][1]


class GradientError(Exception):
    """A derivative differs from finite differences by more than the tolerances."""

    def __init__(self, arg, err_pos, shape, val1, val2, abs_err, rel_err, abs_tol, rel_tol):
        super().__init__()
        self.arg, self.err_pos, self.shape = arg, err_pos, shape
        self.val1, self.val2 = val1, val2
        self.abs_err, self.rel_err = abs_err, rel_err
        self.abs_tol, self.rel_tol = abs_tol, rel_tol

    def __str__(self):
        return (
            "GradientError: numeric gradient and analytic gradient exceed tolerance:\n"
            f"        At position {self.err_pos} of argument {self.arg} with shape {self.shape},\n"
            f"            val1 = {self.val1:f}  val2 = {self.val2:f}  (analytic, numeric)\n"
            f"            abs. error = {self.abs_err:f},  abs. tolerance = {self.abs_tol:f}\n"
            f"            rel. error = {self.rel_err:f},  rel. tolerance = {self.rel_tol:f}"
        )


_DEFAULT_TOLERANCE = {"float16": 1e-1, "float32": 1e-2, "float64": 1e-4}


def mode_not_slow(mode):
    """Return `mode`, or FAST_RUN in the place of DebugMode.

    Examples
    --------
    >>> mode_not_slow("FAST_COMPILE") is pytensor.compile.get_mode("FAST_COMPILE")
    True
    """
    if mode == "DEBUG_MODE" or type(mode).__name__ == "DebugMode":
        return late("pytensor.compile.mode:FAST_RUN")
    return late("pytensor.compile.mode:get_mode")(mode)


def _check_points(pt) -> list[np.ndarray]:
    if not isinstance(pt, list | tuple):
        raise TypeError(f"`pt` should be a list or tuple, got {type(pt).__name__}")
    points = [np.array(p) for p in pt]
    for i, p in enumerate(points):
        if p.dtype.name not in _DEFAULT_TOLERANCE:
            raise TypeError(
                f"verify_grad can work only with floating point inputs, but input {i} has dtype "
                f'"{p.dtype}".'
            )
    return points


def _tolerances(points, out_type, abs_tol, rel_tol):
    default = max(_DEFAULT_TOLERANCE[p.dtype.name] for p in points)
    if out_type is not None:
        default = max(default, _DEFAULT_TOLERANCE[np.dtype(out_type).name])
    return default if abs_tol is None else abs_tol, default if rel_tol is None else rel_tol


def verify_grad(
    fun: Callable,
    pt: Sequence[np.ndarray],
    n_tests: int = 2,
    rng: np.random.Generator | np.random.RandomState | None = None,
    eps: float | None = None,
    out_type: str | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode=None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Raise `GradientError` unless the gradient of `fun` agrees with finite differences.

    Parameters
    ----------
    fun : callable
        From variables to one variable.
    pt : list of arrays
        Where to test; float dtypes.
    n_tests : int
        How many random projections of the output to test.
    rng : Generator, optional
        For the projections; seeded with a fixed number if None.
    eps, abs_tol, rel_tol : float, optional
        Step and tolerances; by default by dtype. One of the tolerances must be met.
    out_type : str, optional
        dtype of the output, if it is less precise than the arrays.
    mode : Mode or str, optional
        For the compiled gradient.
    cast_to_output_type : bool
        Cast the output to `out_type` before projecting it.
    no_debug_ref : bool
        Do not use DebugMode for the reference.

    Examples
    --------
    >>> verify_grad(lambda x: x**3, [np.array([1.0, 2.0])])
    """
    function = late("pytensor.compile.maker:function")
    tensor_type = late("pytensor.tensor.type:TensorType")
    points = _check_points(pt)
    abs_tol, rel_tol = _tolerances(points, out_type, abs_tol, rel_tol)
    rng = np.random.default_rng(23) if rng is None else rng
    inputs = [
        tensor_type(p.dtype, shape=tuple(1 if s == 1 else None for s in p.shape))(f"input {i}")
        for i, p in enumerate(points)
    ]
    output = fun(*inputs)
    if isinstance(output, list | tuple):
        if len(output) != 1:
            raise NotImplementedError(
                "[verify_grad] fun must return one variable; test each by itself"
            )
        (output,) = output
    reference_mode = mode_not_slow(mode) if no_debug_ref else mode
    value = np.asarray(
        function(inputs, output, mode=reference_mode, on_unused_input="ignore")(*points)
    )
    # Away from 0, so that no element of the output goes untested; in the precision of the output.
    projection_dtype = output.type.dtype
    weight = tensor_type(projection_dtype, shape=output.type.shape)("random_projection")
    if cast_to_output_type and out_type:
        output = output.astype(out_type)
    cost = (weight * output).sum()
    gradient = late("pytensor.gradient:grad")(cost, inputs, disconnected_inputs="ignore")
    cost_fn = function([*inputs, weight], cost, mode=reference_mode, on_unused_input="ignore")
    grad_fn = function([*inputs, weight], gradient, mode=mode, on_unused_input="ignore")
    for _ in range(n_tests):
        projection = np.asarray(rng.random(value.shape) + 0.5, dtype=projection_dtype)
        _compare(cost_fn, grad_fn, points, projection, eps, out_type, abs_tol, rel_tol)


def _compare(cost_fn, grad_fn, points, projection, eps, out_type, abs_tol, rel_tol) -> None:
    numeric = numeric_grad(
        lambda *a: cost_fn(*[x.copy() for x in a], projection), points, eps, out_type
    )
    analytic = [np.asarray(g) for g in grad_fn(*points, projection)]
    arg, position, abs_err, rel_err = numeric.max_err(analytic, abs_tol, rel_tol)
    if abs_err > abs_tol and rel_err > rel_tol:
        raise GradientError(
            arg, position, points[arg].shape, analytic[arg].flat[position],
            numeric.gf[arg].flat[position], abs_err, rel_err, abs_tol, rel_tol,
        )  # fmt: skip


__all__ = ["GradientError", "mode_not_slow", "numeric_grad", "verify_grad"]
