"""Identities that change only derivatives: `zero_grad`, `disconnected_grad`, `grad_clip` ...

`pytensor.gradient` re-exports them. Rewriting removes them once gradients have been taken.
"""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import disconnected_type, grad_undefined
from pytensor.graph.op import Op
from pytensor.utils import late


class GradientMarker(Op):
    """Returns its input, a view; subclasses say what happens to its cotangent."""

    view_map = {0: [0]}

    def make_node(self, x: Variable) -> Apply:  # type: ignore[override]  # one operand
        if not isinstance(x, Variable):
            x = late("pytensor.tensor.basic:as_tensor_variable")(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]

    def infer_shape(self, fgraph, node, input_shapes):
        return list(input_shapes)

    def __str__(self):
        return type(self).__name__


class ZeroGrad(GradientMarker):
    """x, with derivative 0.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> pytensor.grad(x * zero_grad_(x), x).eval({x: 3.0}).item()
    3.0
    """

    __props__ = ()

    def pullback(self, inputs, outputs, cotangents):
        return [g.zeros_like() for g in cotangents]

    def pushforward(self, inputs, outputs, tangents):
        return [outputs[0].zeros_like()]


class DisconnectedGrad(GradientMarker):
    """x, as if it were a constant.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> pytensor.grad(x * disconnected_grad_(x), x).eval({x: 3.0}).item()
    3.0
    """

    __props__ = ()

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]

    def connection_pattern(self, node):
        return [[False]]


class UndefinedGrad(GradientMarker):
    """x, refusing to be differentiated.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> undefined_grad_(x).eval({x: 3.0}).item()
    3.0
    """

    __props__ = ()

    def pullback(self, inputs, outputs, cotangents):
        return [grad_undefined(self, 0, inputs[0])]

    def pushforward(self, inputs, outputs, tangents):
        return [grad_undefined(self, 0, inputs[0])]

    def connection_pattern(self, node):
        return [[True]]


class GradClip(GradientMarker):
    """x; the cotangent is clipped to an interval."""

    __props__ = ("clip_lower_bound", "clip_upper_bound")

    def __init__(self, clip_lower_bound, clip_upper_bound):
        if not clip_upper_bound >= clip_lower_bound:
            raise ValueError(
                f"[GradClip] clip_upper_bound must be at least clip_lower_bound ({clip_lower_bound}), "
                f"got {clip_upper_bound}"
            )
        self.clip_lower_bound = clip_lower_bound
        self.clip_upper_bound = clip_upper_bound

    def pullback(self, inputs, outputs, cotangents):
        clip = late("pytensor.tensor.math:clip")
        return [clip(g, self.clip_lower_bound, self.clip_upper_bound) for g in cotangents]


class GradScale(GradientMarker):
    """x; the cotangent is multiplied by a number."""

    __props__ = ("multiplier",)

    def __init__(self, multiplier):
        self.multiplier = multiplier

    def pullback(self, inputs, outputs, cotangents):
        return [self.multiplier * g for g in cotangents]


zero_grad_ = ZeroGrad()
disconnected_grad_ = DisconnectedGrad()
undefined_grad_ = UndefinedGrad()


def zero_grad(x):
    """Return x, a constant for derivatives but connected: its gradient is zeros.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> pytensor.grad(x * zero_grad(x), x).eval({x: 3.0}).item()
    3.0
    """
    return zero_grad_(x)


def disconnected_grad(x):
    """Return x, a constant for derivatives: what is reached only through it is disconnected.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> pytensor.grad(x * disconnected_grad(x), x).eval({x: 3.0}).item()
    3.0
    """
    return disconnected_grad_(x)


def undefined_grad(x):
    """Return x; asking for a derivative through it raises `NullTypeGradError`.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> undefined_grad(x).eval({x: 3.0}).item()
    3.0
    """
    return undefined_grad_(x)


def grad_clip(x, lower_bound, upper_bound):
    """Return x; gradients that pass through it are clipped to [lower_bound, upper_bound].

    Examples
    --------
    >>> import pytensor, pytensor.tensor as pt
    >>> x = pt.dscalar("x")
    >>> float(pytensor.grad(grad_clip(2 * x, -0.1, 0.1), x).eval({x: 1.0}))
    0.2
    """
    return GradClip(lower_bound, upper_bound)(x)


def grad_scale(x, multiplier):
    """Return x; gradients that pass through it are multiplied by `multiplier`.

    Examples
    --------
    >>> x = pt.scalar("x")
    >>> pytensor.grad(grad_scale(x**2, 10.0), x).eval({x: 3.0}).item()
    60.0
    """
    return GradScale(multiplier)(x)


stop_gradient = disconnected_grad
