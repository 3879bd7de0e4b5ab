"""Derivatives: a walk over `Op.pullback` (reverse) or `Op.pushforward` (forward).

The walk is iterative and linear in the graph; nodes that do not lie between the cost and `wrt` are not asked.
The cotangent of a complex variable z of a real cost C is dC/dRe(z) + i dC/dIm(z).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from pytensor.configdefaults import config
from pytensor.gradient.check import GradientError, mode_not_slow, numeric_grad, verify_grad
from pytensor.gradient.markers import (
    DisconnectedGrad,
    GradClip,
    GradScale,
    UndefinedGrad,
    ZeroGrad,
    disconnected_grad,
    disconnected_grad_,
    grad_clip,
    grad_scale,
    stop_gradient,
    undefined_grad,
    undefined_grad_,
    zero_grad,
    zero_grad_,
)
from pytensor.gradient.walk import (
    Disconnected,
    OneOrMore,
    WhenDisconnected,
    _active_nodes,
    _as_list,
    _check_options,
    _check_variables,
    _finish,
    _fit_kind,
    _float_ones_like,
    _float_zeros_like,
    _is_disconnected,
    _kind,
    _like,
    _reverse,
    as_list_or_tuple,
)
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import (
    DisconnectedInputError,
    DisconnectedType,
    NullType,
    NullTypeGradError,
    disconnected_type,
    grad_not_implemented,
    grad_undefined,
    null_type,
)
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.traversal import variable_depends_on
from pytensor.graph.utils import MethodNotDefined, user_line
from pytensor.utils import late

__all__ = [
    "DisconnectedGrad", "DisconnectedInputError", "DisconnectedType", "GradClip", "GradScale",
    "GradientError", "Lop", "NullType", "NullTypeGradError", "Rop", "UndefinedGrad", "ZeroGrad",
    "as_list_or_tuple", "consider_constant", "disconnected_grad", "disconnected_grad_",
    "disconnected_type", "grad", "grad_clip", "grad_not_implemented", "grad_scale",
    "grad_undefined", "hessian", "hessian_vector_product", "jacobian", "mode_not_slow", "null_type",
    "numeric_grad", "pullback", "pushforward", "pushforward_through_pullback", "stop_gradient",
    "subgraph_grad", "undefined_grad", "undefined_grad_", "verify_grad", "zero_grad", "zero_grad_",
]  # fmt: skip

consider_constant = disconnected_grad


def grad(
    cost: Variable | None,
    wrt: OneOrMore,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: WhenDisconnected = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, Variable] | None = None,
    return_disconnected: Disconnected = "zero",
    null_gradients: Literal["raise", "return"] = "raise",
) -> Variable | Sequence[Variable | None] | None:
    """Return the gradient of a scalar cost.

    Parameters
    ----------
    cost
        A real variable without dimensions. None if `known_grads` says where to start.
    wrt
        The variable, or list or tuple of variables, to differentiate with respect to.
    consider_constant
        Variables not to differentiate through.
    disconnected_inputs
        What to do when the cost does not depend on an element of `wrt`.
    add_names
        Name the gradients ``(dcost/dx)`` where cost and x have names.
    known_grads
        Gradients that are given, by variable; they take the place of what would be computed.
    return_disconnected
        What to return for a disconnected element: zeros, None, or a variable of `DisconnectedType`.
    null_gradients
        What to do about gradients that are undefined or not implemented.

    Returns
    -------
    A variable, or a list or tuple of variables as `wrt` is.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> x = pt.dscalar("x")
    >>> float(grad(x**3, x).eval({x: 2.0}))
    12.0
    """
    _check_options(disconnected_inputs, return_disconnected, null_gradients)
    if cost is None and known_grads is None:
        raise ValueError("cost and known_grads can't both be None.")
    if isinstance(wrt, set):
        raise TypeError("[grad] wrt must be a variable, list or tuple, got a set (it has no order)")
    variables = _as_list(wrt)
    _check_variables("wrt", variables)
    _check_variables("known_grads", [*(known_grads or {}), *(known_grads or {}).values()])
    fixed = {var: _broadcast_to(var, g) for var, g in (known_grads or {}).items()}
    _check_known(fixed)
    seeds = []
    if cost is not None:
        _check_cost(cost)
        seeds.append((cost, _one(cost)))
    results = _reverse(
        seeds,
        fixed,
        variables,
        consider_constant,
        cost.name if add_names and cost is not None else None,
        (disconnected_inputs, return_disconnected, null_gradients),
    )
    return _like(wrt, results)


def _one(cost: Variable) -> Variable:
    """Return the cotangent of the cost itself: a constant, so that nothing has to be rewritten away."""
    if not hasattr(cost.type, "dtype"):
        return _float_ones_like(cost)
    dtype = config.floatX if _kind(cost) == "i" else cost.type.dtype
    of_type = cost.type if cost.type.dtype == dtype else cost.type.clone(dtype=dtype)
    return of_type.make_constant(of_type.filter(np.ones((), dtype=dtype)))


def _check_cost(cost) -> None:
    _check_variables("cost", [cost])
    if isinstance(cost.type, NullType):
        raise ValueError(
            f"Can't differentiate a NaN cost. Cost is NaN because {cost.type.why_null}"
        )
    if getattr(cost.type, "ndim", None) != 0:
        where = user_line(cost)
        raise TypeError(
            f"Cost must be a scalar. [grad] got {cost} of {cost.type}"
            + (f"\n  in  {where}" if where else "")
        )
    if _kind(cost) == "c":
        raise TypeError(f"[grad] cost must be real, got {cost.type}")


def _check_known(known_grads) -> None:
    for var, g in known_grads.items():
        if isinstance(g.type, NullType | DisconnectedType):
            continue
        if _kind(g) == "i":
            raise TypeError(
                "Gradients must always be NullType, DisconnectedType, or continuous, but grad was "
                f"given a known_grad of type {g.type}"
            )
        if getattr(var.type, "ndim", None) != getattr(g.type, "ndim", None):
            raise ValueError(
                f"[grad] a known gradient must have the dimensions of its variable {var.type}, "
                f"got {g.type}"
            )


# pullback and pushforward -----------------------------------------------------------------------


def pullback(
    f: OneOrMore,
    wrt: OneOrMore,
    cotangents: OneOrMore,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: WhenDisconnected = "raise",
    return_disconnected: Disconnected = "zero",
) -> Variable | Sequence[Variable | None] | None:
    """Return the product of `cotangents` and the Jacobian of `f`: reverse mode.

    Parameters
    ----------
    f, cotangents
        Expressions, and for each a variable of its shape.
    wrt, consider_constant, disconnected_inputs, return_disconnected
        As for `grad`.

    Returns
    -------
    For each element of `wrt` the sum over f of cotangent . df/dwrt.

    Examples
    --------
    >>> x, g = pt.vectors("x", "g")
    >>> pullback(pt.cumsum(x), x, g).eval({x: [1.0, 2.0], g: [1.0, 10.0]}).tolist()
    [11.0, 10.0]
    """
    _check_options(disconnected_inputs, return_disconnected)
    outputs, gs, variables = _as_list(f), _as_list(cotangents), _as_list(wrt)
    gs = [_as_variable(g) for g in gs]
    _check_variables("f and wrt", [*outputs, *variables])
    if len(outputs) != len(gs):
        raise ValueError(
            f"`f` must be the same length as `cotangents`: [pullback] got {len(outputs)} and {len(gs)}"
        )
    gs = [_broadcast_to(out, g) for out, g in zip(outputs, gs)]
    for out, g in zip(outputs, gs):
        _check_known({out: g})
    options = (disconnected_inputs, return_disconnected, "raise")
    seeds = list(zip(outputs, gs))
    return _like(wrt, _reverse(seeds, {}, variables, consider_constant, None, options))


def _as_variable(x) -> Variable:
    return x if isinstance(x, Variable) else late("pytensor.tensor.basic:as_tensor_variable")(x)


def _broadcast_to(var: Variable, g: Any) -> Variable:
    """Return a gradient of fewer dimensions than its variable in the variable's shape."""
    if getattr(g.type, "ndim", None) is None or g.type.ndim >= getattr(var.type, "ndim", 0):
        return g
    return _float_zeros_like(var) + g


def Lop(
    f, wrt, eval_points, consider_constant=None, disconnected_inputs="raise", return_disconnected="zero"
):  # fmt: skip
    """Older name of `pullback`. Deprecated.

    Examples
    --------
    >>> x, g = pt.vectors("x", "g")
    >>> pullback(x**2, x, g).eval({x: [1.0, 2.0], g: [1.0, 10.0]}).tolist()
    [2.0, 40.0]
    """
    warnings.warn("Lop is deprecated, use pullback instead.", FutureWarning, stacklevel=2)
    return pullback(
        f, wrt, eval_points, consider_constant, disconnected_inputs, return_disconnected
    )


def pushforward(
    f: OneOrMore,
    wrt: OneOrMore,
    tangents: OneOrMore,
    disconnected_outputs: WhenDisconnected = "raise",
    return_disconnected: Disconnected = "zero",
    use_op_pushforward: bool = False,
) -> Variable | Sequence[Variable | None] | None:
    """Return the product of the Jacobian of `f` and `tangents`: forward mode.

    Parameters
    ----------
    f
        Expressions.
    wrt, tangents
        Variables, and for each the direction in which it moves.
    disconnected_outputs, return_disconnected
        What to do for, and return for, an expression that does not depend on `wrt`.
    use_op_pushforward
        Walk forward over `Op.pushforward`, falling back to its pullback for an Op that has none. By
        default the pullback of the pullback is taken, which every differentiable Op has.

    Examples
    --------
    >>> x, t = pt.vectors("x", "t")
    >>> pushforward(pt.cumsum(x), x, t).eval({x: [1.0, 2.0], t: [1.0, 10.0]}).tolist()
    [1.0, 11.0]
    """
    _check_options(disconnected_outputs, return_disconnected)
    outputs, variables = _as_list(f), _as_list(wrt)
    ts = [_as_variable(t) for t in _as_list(tangents)]
    _check_variables("f and wrt", [*outputs, *variables])
    if len(variables) != len(ts):
        raise ValueError(
            f"`wrt` must be the same length as `tangents`. [pushforward] got {len(variables)} and "
            f"{len(ts)}"
        )
    for i, (var, t) in enumerate(zip(variables, ts)):
        if getattr(var.type, "ndim", 0) != getattr(t.type, "ndim", 0):
            raise ValueError(
                f"Elements {i} of `wrt` and `tangents` have mismatched dimensionalities: "
                f"{var.type.ndim} and {t.type.ndim}"
            )
    ts = [_fit_kind(var, t) for var, t in zip(variables, ts)]
    push = _pushforward_direct if use_op_pushforward else pushforward_through_pullback
    return _like(f, push(outputs, variables, ts, disconnected_outputs, return_disconnected))


def Rop(
    f, wrt, eval_points, disconnected_outputs="raise", return_disconnected="zero",
    use_op_rop_implementation=False,
):  # fmt: skip
    """Older name of `pushforward`. Deprecated.

    Examples
    --------
    >>> x, t = pt.vectors("x", "t")
    >>> pushforward(x**2, x, t).eval({x: [1.0, 2.0], t: [1.0, 10.0]}).tolist()
    [2.0, 40.0]
    """
    warnings.warn("Rop is deprecated, use pushforward instead.", FutureWarning, stacklevel=2)
    return pushforward(
        f, wrt, eval_points, disconnected_outputs, return_disconnected, use_op_rop_implementation
    )


def pushforward_through_pullback(
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    tangents: Sequence[Variable],
    disconnected_outputs: WhenDisconnected = "raise",
    return_disconnected: Disconnected = "zero",
) -> list[Variable | None]:
    """Differentiate u -> pullback(u), which is linear: its transpose is the pushforward.

    See J. Townsend, "A new trick for calculating Jacobian vector products" (2017).

    Examples
    --------
    >>> x, t = pt.vectors("x", "t")
    >>> (result,) = pushforward_through_pullback([x**2], [x], [t])
    >>> result.eval({x: [1.0, 2.0], t: [1.0, 10.0]}).tolist()
    [2.0, 40.0]
    """
    # Not free variables: a pullback that reads only the shape of its cotangent stays computable.
    dummies = [_float_zeros_like(out) for out in outputs]
    pulled: Any = pullback(
        list(outputs), list(inputs), dummies, disconnected_inputs="ignore",
        return_disconnected="disconnected",
    )  # fmt: skip
    connected = [(g, _fit_kind(g, t)) for g, t in zip(pulled, tangents) if not _is_disconnected(g)]
    options = (disconnected_outputs, return_disconnected, "raise")
    return _reverse(connected, {}, dummies, None, None, options, report=outputs)


def _pushforward_direct(
    outputs, inputs, tangents, disconnected_outputs="raise", return_disconnected="zero"
):
    """Walk forward over `Op.pushforward`."""
    moved: dict[Variable, Variable] = dict(zip(inputs, tangents))
    for node, pattern in _active_nodes(outputs, inputs, inputs):
        ts = [moved.get(x) for x in node.inputs]
        if all(t is None for t in ts):
            continue
        ts = [disconnected_type() if t is None else t for t in ts]
        for o, (out, t) in enumerate(zip(node.outputs, _push_node(node, ts))):
            if any(row[o] for row in pattern) and not _is_disconnected(t):
                moved.setdefault(out, t)
    options = (disconnected_outputs, return_disconnected, "raise")
    return [_finish(out, moved.get(out), *options) for out in outputs]


def _push_node(node: Apply, tangents) -> Sequence[Any]:
    try:
        return node.op.pushforward(node.inputs, node.outputs, tangents)
    except (NotImplementedError, MethodNotDefined):
        # Inputs of its own: one of the node's may be computed from another, or be given twice.
        free = [x if _is_disconnected(t) else x.type() for x, t in zip(node.inputs, tangents)]
        alone = node.clone_with_new_inputs(free)
        pairs = [(x, t) for x, t in zip(free, tangents) if not _is_disconnected(t)]
        pushed = pushforward_through_pullback(
            alone.outputs, [x for x, _ in pairs], [t for _, t in pairs], "ignore", "disconnected"
        )
        back = {f: x for f, x in zip(free, node.inputs) if f is not x}
        back |= dict(zip(alone.outputs, node.outputs))
        connected = [t for t in pushed if t is not None and not _is_disconnected(t)]
        replaced = iter(graph_replace(connected, back, strict=False))
        return [t if t is None or _is_disconnected(t) else next(replaced) for t in pushed]


# Matrices of derivatives ------------------------------------------------------------------------


def jacobian(expression, wrt, consider_constant=None, disconnected_inputs="raise", vectorize=False):
    """Return the derivatives of all elements of an expression.

    Parameters
    ----------
    expression : tensor
    wrt, consider_constant, disconnected_inputs
        As for `grad`.
    vectorize : bool
        Accepted for compatibility: the rows are always computed together, as one batch.

    Returns
    -------
    For each element of `wrt` a tensor of shape ``(*expression.shape, *wrt.shape)``.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> jacobian(pt.stack([x[0] * x[1], x[0]]), x).eval({x: [2.0, 3.0]}).tolist()
    [[3.0, 2.0], [1.0, 0.0]]
    """
    if not isinstance(expression, Variable):
        raise TypeError(
            f"jacobian expects a Variable as `expression`, got {type(expression).__name__}"
        )
    variables = _as_list(wrt)
    _check_variables("wrt", variables)
    if expression.type.ndim == 0:
        rows = grad(
            expression, variables, consider_constant=consider_constant,
            disconnected_inputs=disconnected_inputs,
        )  # fmt: skip
        return _like(wrt, rows)
    flat = expression.ravel()
    weight = _float_zeros_like(flat)
    rows = pullback(
        flat, variables, weight, consider_constant, disconnected_inputs, return_disconnected="zero"
    )
    unit_vectors = late("pytensor.tensor.basic:eye")(flat.shape[0], dtype=weight.type.dtype)
    results = []
    for var, row in zip(variables, rows):
        shape = (*expression.shape, *var.shape)
        if variable_depends_on(row, weight):
            result = vectorize_graph(row, replace={weight: unit_vectors})
            ndim = expression.type.ndim + var.type.ndim
            results.append(
                result if expression.type.ndim == 1 else result.reshape(shape, ndim=ndim)
            )
        else:
            # Linear in the weight but without it: zero.
            results.append(late("pytensor.tensor.basic:zeros")(shape, dtype=row.type.dtype))
    return _like(wrt, results)


def hessian(cost, wrt, consider_constant=None, disconnected_inputs="raise"):
    """Return the matrix of second derivatives of a scalar with respect to each of some vectors.

    Parameters
    ----------
    cost, wrt, consider_constant, disconnected_inputs
        As for `grad`; `wrt` has one dimension.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> hessian(x[0] ** 2 * x[1], x).eval({x: [2.0, 3.0]}).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    if not isinstance(cost, Variable) or cost.type.ndim != 0:
        raise ValueError(f"hessian expects a 0 dimensional variable as `cost`, got {cost}")
    variables = _as_list(wrt)
    _check_variables("wrt", variables)
    for var in variables:
        if var.type.ndim != 1:
            raise ValueError(
                f"hessian expects a (list of) 1 dimensional variable as `wrt`, got {var.type}"
            )
    gradients = grad(
        cost,
        variables,
        consider_constant=consider_constant,
        disconnected_inputs=disconnected_inputs,
    )
    matrices = [
        jacobian(g, var, consider_constant, disconnected_inputs="ignore")
        for g, var in zip(gradients, variables)
    ]
    return _like(wrt, matrices)


def hessian_vector_product(cost, wrt, p, **grad_kwargs):
    """Return the product of the Hessian of a scalar and a vector, without the Hessian.

    Parameters
    ----------
    cost
        A scalar.
    wrt, p
        Variables, and the vector in their shapes.
    grad_kwargs
        Passed to `grad`.

    Examples
    --------
    >>> x, p = pt.vectors("x", "p")
    >>> hessian_vector_product(x[0] ** 2 * x[1], x, p).eval({x: [2.0, 3.0], p: [1.0, 0.0]}).tolist()
    [6.0, 4.0]
    """
    variables, vectors = _as_list(wrt), _as_list(p)
    if len(variables) != len(vectors):
        raise ValueError(
            f"[hessian_vector_product] wrt and p must have the same length, got {len(variables)} "
            f"and {len(vectors)}"
        )
    gradients = grad(cost, variables, **grad_kwargs)
    # The Hessian is symmetric: its transpose may be applied.
    products = pullback(
        gradients, variables, vectors, consider_constant=grad_kwargs.get("consider_constant"),
        disconnected_inputs="ignore",
    )  # fmt: skip
    return _like(wrt, products)


def subgraph_grad(wrt, end, start=None, cost=None, details=False):
    """Return gradients within a part of a graph, between `wrt` and `end`.

    Parameters
    ----------
    wrt : list of Variable
        Parameters inside the part.
    end : list of Variable
        Where the part ends, looking back from the cost; constants for `wrt`.
    start : dict, optional
        Gradients known where the part starts, by variable.
    cost : Variable, optional
        A cost of the part itself, added.
    details : bool
        Return also the two gradients at all of wrt and end: from `start` and from `cost`.

    Returns
    -------
    Gradients of `wrt` and of `end`, which may serve as `start` of the part before.

    Examples
    --------
    >>> w, x = pt.scalar("w"), pt.scalar("x")
    >>> middle = w * x
    >>> of_w, of_x = subgraph_grad([w], [x], cost=middle**2)
    >>> of_w[0].eval({w: 2.0, x: 3.0}).item(), of_x[0].eval({w: 2.0, x: 3.0}).item()
    (36.0, 24.0)
    """
    if cost is None and start is None:
        raise ValueError("`cost` or `start` must be specified.")
    for name, value in (("end", end), ("wrt", wrt)):
        if not isinstance(value, list):
            raise TypeError(f"[subgraph_grad] {name} must be a list, got {type(value).__name__}")
    if start is not None and not isinstance(start, dict):
        raise TypeError(f"[subgraph_grad] start must be a dict, got {type(start).__name__}")
    variables = [*wrt, *(x for x in end if x not in wrt)]
    kwargs = {"consider_constant": end, "disconnected_inputs": "ignore"}
    start_grads = cost_grads = None
    if start is not None:
        start_grads = list(grad(None, variables, known_grads=start, **kwargs))
    if cost is not None:
        cost_grads = list(grad(cost, variables, **kwargs))
    if start_grads is None or cost_grads is None:
        total = start_grads if cost_grads is None else cost_grads
    else:
        total = [a + b for a, b in zip(start_grads, cost_grads)]
    by_variable = dict(zip(variables, total))
    result = [by_variable[x] for x in wrt], [by_variable[x] for x in end]
    return (*result, start_grads, cost_grads) if details else result
