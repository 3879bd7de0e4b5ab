"""Minima and roots of expressions, found by SciPy, with gradients with respect to parameters.

The objective is an expression of the variable that is sought and of any others. Solving compiles it
(with its gradient, Jacobian or Hessian), and gives the solution as a variable of a larger graph.
"""

from collections.abc import Sequence

from pytensor.gradient import grad, jacobian
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors, truncated_graph_inputs
from pytensor.tensor._convert import TensorLike
from pytensor.tensor._optimize_ops import MinimizeOp, MinimizeScalarOp, RootOp, RootScalarOp
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.reshape import pack, unpack
from pytensor.tensor.type import float_dtypes
from pytensor.tensor.variable import TensorVariable

__all__ = ["minimize", "minimize_scalar", "root", "root_scalar"]


def _checked_unknown(x, expression, what: str, name: str):
    """`x`, which must be real and something that `expression` depends on."""
    if not isinstance(x, Variable):
        raise TypeError(f"[{what}] {name} must be a variable, got {x!r}")
    if isinstance(x, Constant) or x not in set(ancestors([expression])):
        raise ValueError(
            f"[{what}] The variable `{name}` must be an input to the computational graph of the "
            f"objective function, got {x}"
        )
    if x.type.dtype not in float_dtypes:
        raise TypeError(f"[{what}] {name} must be of floating point, got {x.type}")
    return x


def _parameters(expression, x) -> list[Variable]:
    """What else `expression` depends on, computed once outside."""
    cut = truncated_graph_inputs([expression], ancestors_to_include=[x])
    return [v for v in cut if v is not x and not isinstance(v, Constant)]


def _symbolic_options(optimizer_kwargs: dict | None, **options):
    """Split options into numbers for SciPy and, by name, inputs of the Op."""
    numbers = dict(optimizer_kwargs or {})
    names, values = [], []
    for name, value in options.items():
        value = numbers.pop(name, None) if value is None else value
        if value is not None:
            value = as_tensor_variable(value)
            if value.type.ndim != 1:
                raise ValueError(f"{name} must be a sequence of numbers, got {value.type}")
            names.append(name)
            values.append(value)
    return numbers, tuple(names), values


def minimize_scalar(
    objective: TensorVariable,
    x: TensorVariable,
    method: str = "brent",
    bracket: TensorLike | None = None,
    bounds: TensorLike | None = None,
    optimizer_kwargs: dict | None = None,
):
    """Minimize an expression of one number, with `scipy.optimize.minimize_scalar`.

    Parameters
    ----------
    objective
        A scalar expression.
    x
        The scalar that it is minimized over.
    method
        ``"brent"``, ``"golden"`` or ``"bounded"``.
    bracket
        Two or three points around a minimum, for brent and golden. May be symbolic.
    bounds
        The interval that is searched, for bounded. May be symbolic.
    optimizer_kwargs
        Further arguments of the SciPy function, such as ``tol`` and ``options``.

    Returns
    -------
    solution : TensorVariable
        Differentiable with respect to all that `objective` depends on, where the minimum is
        inside the interval.
    success : TensorVariable
        Whether SciPy says that it is a minimum.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.optimize import minimize_scalar
    >>> x, a = pt.scalars("x", "a")
    >>> solution, success = minimize_scalar((x - a) ** 2, x)
    >>> round(float(solution.eval({a: 3.0, x: 0.0})), 6)
    3.0
    """
    objective = _scalar_objective(objective, "minimize_scalar")
    _checked_unknown(x, objective, "minimize_scalar", "x")
    _check_scalar(x, "minimize_scalar", "x")
    options, names, values = _symbolic_options(optimizer_kwargs, bracket=bracket, bounds=bounds)
    args = _parameters(objective, x)
    op = MinimizeScalarOp(x, args, [objective], method, options, names)
    return tuple(op(x, *args, *values, return_list=True))


def _scalar_objective(objective, what: str):
    objective = as_tensor_variable(objective)
    if objective.type.ndim != 0:
        raise ValueError(
            f"[{what}] The objective function must be a scalar (0-dimensional) tensor, "
            f"got {objective.type}"
        )
    return objective


def _check_scalar(x, what: str, name: str) -> None:
    if x.type.ndim != 0:
        raise ValueError(
            f"[{what}] The variable `{name}` must be a scalar (0-dimensional) tensor, got {x.type}"
        )


def _as_one_vector(expression, x, what: str, name: str):
    """Return the expression of one vector, the vector, and what takes the solution apart."""
    unknowns = list(x) if isinstance(x, list | tuple) else [x]
    if not unknowns:
        raise ValueError(f"[{what}] {name} must not be empty")
    for u in unknowns:
        _checked_unknown(u, expression, what, name)
    if len(unknowns) == 1 and unknowns[0].type.ndim == 1:
        vector = unknowns[0]
        return expression, vector, (lambda s: (s,)) if isinstance(x, list | tuple) else lambda s: s
    vector, shapes = pack(*unknowns)
    parts = unpack(vector, shapes)
    if isinstance(parts, Variable):
        parts = [parts]
    parts = [p.astype(u.type.dtype) for p, u in zip(parts, unknowns, strict=True)]
    expression = graph_replace([expression], dict(zip(unknowns, parts, strict=True)))[0]

    def apart(solution):
        found = unpack(solution, shapes)
        found = [found] if isinstance(found, Variable) else list(found)
        found = [f.astype(u.type.dtype) for f, u in zip(found, unknowns, strict=True)]
        return tuple(found) if isinstance(x, list | tuple) else found[0]

    return expression, vector, apart


def minimize(
    objective: TensorVariable,
    x: TensorVariable | Sequence[TensorVariable],
    method: str = "BFGS",
    jac: bool = True,
    hess: bool = False,
    use_vectorized_jac: bool = False,
    optimizer_kwargs: dict | None = None,
) -> tuple[TensorVariable | tuple[TensorVariable, ...], TensorVariable]:
    """Minimize an expression, with `scipy.optimize.minimize`.

    Parameters
    ----------
    objective
        A scalar expression.
    x
        The array, or arrays, that it is minimized over; their values are where the search starts.
    method
        Any of the SciPy function.
    jac, hess
        Whether the gradient and the Hessian are computed for the method. A gradient is not given
        to methods that have no use for one.
    use_vectorized_jac
        Rows of Jacobians are always computed together, as one batch.
    optimizer_kwargs
        Further arguments of the SciPy function, such as ``tol``, ``bounds`` and ``options``.

    Returns
    -------
    solution : TensorVariable or tuple of TensorVariable
        Like `x`. Differentiable with respect to all else that `objective` depends on; derivatives
        take the solution to be a minimum without active bounds.
    success : TensorVariable
        Whether SciPy says that it is a minimum.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.optimize import minimize
    >>> x, a = pt.vector("x"), pt.scalar("a")
    >>> solution, success = minimize(pt.sum((x - a) ** 2), x)
    >>> solution.eval({a: 3.0, x: [0.0, 0.0]}).round(6)
    array([3., 3.])
    """
    objective = _scalar_objective(objective, "minimize")
    objective, vector, apart = _as_one_vector(objective, x, "minimize", "x")
    args = _parameters(objective, vector)
    gradient = grad(objective, vector)
    outputs = [objective, gradient]
    if hess:
        outputs.append(jacobian(gradient, vector, vectorize=use_vectorized_jac))
    op = MinimizeOp(
        vector, args, outputs, method=method, jac=jac, hess=hess, optimizer_kwargs=optimizer_kwargs
    )
    solution, success = op(vector, *args, return_list=True)
    return apart(solution), success


def root_scalar(
    equation: TensorVariable,
    variable: TensorVariable,
    method: str = "secant",
    jac: bool = False,
    hess: bool = False,
    bracket: TensorLike | None = None,
    optimizer_kwargs: dict | None = None,
) -> tuple[TensorVariable, TensorVariable]:
    """Find where an expression of one number is zero, with `scipy.optimize.root_scalar`.

    Parameters
    ----------
    equation
        A scalar expression.
    variable
        The scalar that is sought; its value is where the search starts.
    method
        Any of the SciPy function.
    jac, hess
        Whether the first and the second derivative are computed for the method: newton needs the
        first, halley both.
    bracket
        An interval on which the sign changes, for brentq, bisect and relatives. May be symbolic.
    optimizer_kwargs
        Further arguments of the SciPy function, such as ``xtol`` and ``maxiter``.

    Returns
    -------
    solution : TensorVariable
        Differentiable with respect to all else that `equation` depends on.
    success : TensorVariable
        Whether SciPy says that it is a root.

    Raises
    ------
    ValueError
        When it is computed, if the sign does not change on the bracket.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.optimize import root_scalar
    >>> x, a = pt.scalars("x", "a")
    >>> solution, success = root_scalar(x**2 - a, x, method="newton", jac=True)
    >>> round(float(solution.eval({a: 2.0, x: 1.0})), 6)
    1.414214
    """
    equation = as_tensor_variable(equation)
    _check_scalar(equation, "root_scalar", "equation")
    _checked_unknown(variable, equation, "root_scalar", "variable")
    _check_scalar(variable, "root_scalar", "variable")
    options, names, values = _symbolic_options(optimizer_kwargs, bracket=bracket)
    args = _parameters(equation, variable)
    outputs = [equation]
    if jac or hess:
        outputs.append(grad(equation, variable))
    if hess:
        outputs.append(grad(outputs[1], variable))
    op = RootScalarOp(
        *(variable, args, outputs),
        method=method,
        jac=jac,
        hess=hess,
        optimizer_kwargs=options,
        symbolic=names,
    )
    return tuple(op(variable, *args, *values, return_list=True))


def root(
    equations: TensorVariable,
    variables: TensorVariable | Sequence[TensorVariable],
    method: str = "hybr",
    jac: bool = True,
    use_vectorized_jac: bool = False,
    optimizer_kwargs: dict | None = None,
) -> tuple[TensorVariable | Sequence[TensorVariable], TensorVariable]:
    """Find where as many expressions as there are unknowns are zero, with `scipy.optimize.root`.

    Parameters
    ----------
    equations
        A vector, or a scalar.
    variables
        The array or arrays that are sought; their values are where the search starts.
    method
        Any of the SciPy function.
    jac
        Whether the Jacobian is computed, for the methods that use it (hybr and lm).
    use_vectorized_jac
        Rows of Jacobians are always computed together, as one batch.
    optimizer_kwargs
        Further arguments of the SciPy function, such as ``tol`` and ``options``.

    Returns
    -------
    solution : TensorVariable or tuple of TensorVariable
        Like `variables`. Differentiable with respect to all else that `equations` depend on.
    success : TensorVariable
        Whether SciPy says that it is a root.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.optimize import root
    >>> x, a = pt.vector("x"), pt.scalar("a")
    >>> solution, success = root(pt.stack([x[0] ** 2 - a, x[1] - x[0]]), x)
    >>> solution.eval({a: 4.0, x: [1.0, 1.0]}).round(6)
    array([2., 2.])
    """
    equations = as_tensor_variable(equations)
    one = not isinstance(variables, list | tuple)
    if equations.type.ndim > 1 or (
        one and getattr(variables, "ndim", equations.type.ndim) != equations.type.ndim
    ):
        raise ValueError(
            "[root] The variable `variables` must have the same number of dimensions as the "
            f"equations (0 or 1), got {equations.type} and {variables}"
        )
    equations, vector, apart = _as_one_vector(equations, variables, "root", "variables")
    if equations.type.ndim == 0:
        equations = equations.reshape((1,))
    args = _parameters(equations, vector)
    outputs = [equations]
    if jac:
        outputs.append(jacobian(equations, vector, vectorize=use_vectorized_jac))
    op = RootOp(*(vector, args, outputs), method=method, jac=jac, optimizer_kwargs=optimizer_kwargs)
    solution, success = op(vector, *args, return_list=True)
    return apart(solution), success
