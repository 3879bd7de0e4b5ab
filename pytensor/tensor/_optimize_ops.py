r"""The Ops of `optimize`: SciPy's solvers around compiled functions, with implicit derivatives.

Each solves :math:`F(x^*, a) = 0`; for a minimum :math:`F` is the gradient of the objective. The
derivatives of the solution follow without a look at how it was found,

.. math:: \frac{d x^*}{d a} = - \left(\frac{\partial F}{\partial x}\right)^{-1}
          \frac{\partial F}{\partial a},

(implicit function theorem), provided that there is a solution and that the Jacobian is regular.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.compile.inner_function import HasInnerFunction
from pytensor.compile.maker import function
from pytensor.gradient import grad, jacobian
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.frozen import FrozenFunctionGraph
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import graph_replace
from pytensor.tensor.basic import as_tensor_variable, zeros_like
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.type import TensorType
from pytensor.utils import lazy_scipy_module

__all__ = ["MinimizeOp", "MinimizeScalarOp", "RootOp", "RootScalarOp"]

scipy_optimize = lazy_scipy_module("optimize")


def _frozen(value: Any) -> Any:
    """Something hashable that is equal for equal options."""
    if isinstance(value, dict):
        return tuple(sorted((k, _frozen(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return value if hasattr(value, "__hash__") and value.__hash__ is not None else id(value)


class _SolverOp(HasInnerFunction, Op):
    """An inner graph, compiled in parts, and the SciPy function that calls them.

    Inputs are the start, whatever else the inner graph depends on, and the values of `symbolic`
    options. Outputs are the solution and whether it is one.
    """

    destroy_map: dict = {}

    def __init__(
        self,
        x: Variable,
        args: Sequence[Variable],
        outputs: Sequence[Variable],
        method: str,
        optimizer_kwargs: dict | None,
        symbolic: tuple[str, ...] = (),
    ):
        self.fgraph = FrozenFunctionGraph.from_io([x, *args], outputs)
        self.method = method
        self.optimizer_kwargs = dict(optimizer_kwargs or {})
        self.symbolic = symbolic
        self._parts: dict[tuple[int, ...], Any] = {}

    def _identity(self) -> tuple:
        return (
            type(self),
            self.fgraph,
            self.method,
            self.symbolic,
            _frozen(self.optimizer_kwargs),
        )

    def __eq__(self, other):
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self):
        return hash(self._identity())

    def __str__(self):
        return f"{type(self).__name__}(method={self.method})"

    def __getstate__(self):
        return {**super().__getstate__(), "_parts": {}}

    def clone(self):
        new = object.__new__(type(self))
        new.__dict__.update(self.__getstate__())
        return new

    # -- Nodes -------------------------------------------------------------------------------

    def make_node(self, *inputs):
        inner = self.inner_inputs
        if len(inputs) != len(inner) + len(self.symbolic):
            raise ValueError(
                f"[{self}] expected {len(inner) + len(self.symbolic)} inputs, got {len(inputs)}"
            )
        filtered = [v.type.filter_variable(i) for v, i in zip(inner, inputs)]
        options = [as_tensor_variable(i) for i in inputs[len(inner) :]]
        success = TensorType(dtype="bool", shape=())(name="success")
        return Apply(self, [*filtered, *options], [inner[0].type(), success])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0], ()]

    def connection_pattern(self, node):
        n = len(self.inner_inputs)
        return [[i < n, False] for i in range(len(node.inputs))]

    # -- Values ------------------------------------------------------------------------------

    def _part(self, *which: int):
        """The inner function that computes some of the inner outputs."""
        if which not in self._parts:
            graph = self.fgraph.unfreeze()
            self._parts[which] = function(
                list(graph.inputs),
                [graph.outputs[i] for i in which],
                mode=self.inner_mode,
                on_unused_input="ignore",
                trust_input=True,
                name=str(self),
            )
        return self._parts[which]

    def _caller(self, x, args, *which: int):
        """A function of what SciPy gives for `x`."""
        part, dtype, shape = self._part(*which), x.dtype, x.shape

        def call(value):
            results = part(np.asarray(value, dtype=dtype).reshape(shape), *args)
            return results if len(which) > 1 else results[0]

        return call

    def perform(self, node, inputs, output_storage):
        n = len(self.inner_inputs)
        x, *args = inputs[:n]
        options = dict(self.optimizer_kwargs)
        for name, value in zip(self.symbolic, inputs[n:], strict=True):
            options[name] = tuple(float(v) for v in value)
        solution, success = self._solve(x, args, options)
        dtype = node.outputs[0].type.dtype
        output_storage[0][0] = np.array(solution, dtype=dtype).reshape(np.shape(x))
        output_storage[1][0] = np.asarray(bool(success))

    # -- Derivatives -------------------------------------------------------------------------

    def _residual(self, x: Variable, outputs: Sequence[Variable]) -> Variable:
        """What is zero at the solution."""
        raise NotImplementedError

    def pullback(self, inputs, outputs, cotangents):
        g = cotangents[0]
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        # On variables of the inner graph alone: outer arguments may depend on one another
        graph = self.fgraph.unfreeze()
        x, *args = graph.inputs
        outer = dict(zip(graph.inputs, [outputs[0], *inputs[1 : len(graph.inputs)]]))
        residual = self._residual(x, graph.outputs)
        slope = grad(residual, x) if x.type.ndim == 0 else jacobian(residual, x)
        slope = graph_replace(slope, outer, strict=False)
        multiplier = -g / slope if x.type.ndim == 0 else solve(slope.mT, -g)
        weight = multiplier.type()
        total = (weight * residual).sum()
        smooth = [a for a in args if getattr(a.type, "dtype", "").startswith(("float", "complex"))]
        found = grad(total, smooth, disconnected_inputs="ignore") if smooth else []
        found = graph_replace(found, {**outer, weight: multiplier}, strict=False) if found else []
        by_argument = dict(zip(smooth, found, strict=True))
        result = [zeros_like(inputs[0])]
        for inner, given in zip(args, inputs[1:]):
            if inner in by_argument:
                result.append(by_argument[inner])
            elif isinstance(inner.type, TensorType):
                result.append(given.zeros_like(dtype="float64"))
            else:
                result.append(disconnected_type())
        return result + [disconnected_type() for _ in self.symbolic]


class MinimizeScalarOp(_SolverOp):
    """`scipy.optimize.minimize_scalar` of an inner graph."""

    def _solve(self, x, args, options):
        objective = self._caller(x, args, 0)
        res = scipy_optimize.minimize_scalar(objective, method=self.method, **options)
        return res.x, res.success

    def _residual(self, x, outputs):
        return grad(outputs[0], x)


# Methods of `scipy.optimize.minimize` that have no use for a gradient.
_WITHOUT_GRADIENT = frozenset(["nelder-mead", "powell", "cobyla", "cobyqa"])
# Methods of `scipy.optimize.root` that use a Jacobian.
_WITH_JACOBIAN = frozenset(["hybr", "lm"])


class MinimizeOp(_SolverOp):
    """`scipy.optimize.minimize`; inner outputs are objective, gradient, perhaps the Hessian."""

    def __init__(self, *args, jac: bool = True, hess: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self.jac, self.hess = jac, hess

    def _identity(self):
        return (*super()._identity(), self.jac, self.hess)

    def __str__(self):
        return f"MinimizeOp(method={self.method}, jac={self.jac}, hess={self.hess})"

    def _solve(self, x, args, options):
        with_gradient = self.jac and self.method.lower() not in _WITHOUT_GRADIENT
        res = scipy_optimize.minimize(
            self._caller(x, args, 0, 1) if with_gradient else self._caller(x, args, 0),
            x,
            method=self.method,
            jac=with_gradient,
            hess=self._caller(x, args, 2) if self.hess else None,
            **options,
        )
        return res.x, res.success

    def _residual(self, x, outputs):
        return outputs[1]


class RootScalarOp(_SolverOp):
    """`scipy.optimize.root_scalar`; inner outputs are the equation and its derivatives."""

    def __init__(self, *args, jac: bool = False, hess: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self.jac, self.hess = jac, hess

    def _identity(self):
        return (*super()._identity(), self.jac, self.hess)

    def __str__(self):
        return f"RootScalarOp(method={self.method}, jac={self.jac}, hess={self.hess})"

    def _solve(self, x, args, options):
        def number(which):
            call = self._caller(x, args, which)
            return lambda value: float(call(value))

        res = scipy_optimize.root_scalar(
            f=number(0),
            fprime=number(1) if self.jac else None,
            fprime2=number(2) if self.hess else None,
            x0=None if "bracket" in options else float(x),
            method=self.method,
            **options,
        )
        return res.root, res.converged

    def _residual(self, x, outputs):
        return outputs[0]


class RootOp(_SolverOp):
    """`scipy.optimize.root`; inner outputs are the equations and perhaps their Jacobian."""

    def __init__(self, *args, jac: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.jac = jac

    def _identity(self):
        return (*super()._identity(), self.jac)

    def __str__(self):
        return f"RootOp(method={self.method}, jac={self.jac})"

    def _solve(self, x, args, options):
        equations = self._caller(x, args, 0)
        with_jacobian = self.jac and self.method.lower() in _WITH_JACOBIAN
        slopes = self._caller(x, args, 1) if with_jacobian else None
        res = scipy_optimize.root(
            lambda value: np.atleast_1d(equations(value)),
            x,
            method=self.method,
            jac=(lambda value: np.atleast_2d(slopes(value))) if with_jacobian else None,
            **options,
        )
        return res.x, res.success

    def _residual(self, x, outputs):
        return outputs[0]
