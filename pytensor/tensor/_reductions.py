"""The named reductions: sum, product, maximum, minimum, all, any, and argmax."""

from __future__ import annotations

import numpy as np

import pytensor.scalar.basic as ps
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type, grad_undefined
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._careduce import (
    CAReduce,
    FixedOpCAReduce,
    get_normalized_batch_axes,
    is_discrete,
)
from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._elemwise import elemwise_of
from pytensor.tensor.type import new_variable
from pytensor.tensor.utils import normalize_reduce_axis


def expand_reduced(g, ndim: int, axis):
    """Give the reduced array `g` its axes back, with length 1."""
    axis = range(ndim) if axis is None else axis
    kept = iter(range(ndim))
    return dimshuffle(g, ["x" if i in axis else next(kept) for i in range(ndim)])


def _second(x, y):
    return elemwise_of(ps.second)(x, y)


class Sum(FixedOpCAReduce):
    """Sum of the elements along axes."""

    nfunc_spec = ("sum", 1, 1)

    def __init__(self, axis=None, dtype=None, acc_dtype=None):
        super().__init__(
            ps.add, axis=axis, dtype=dtype, acc_dtype=acc_dtype, upcast_discrete_output=True
        )

    def pullback(self, inputs, outputs, cotangents):
        [x], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type()]
        if is_discrete(outputs[0].type.dtype):
            return [x.zeros_like(dtype=ps.upcast("float32", gz.type.dtype))]
        return [_second(x, expand_reduced(gz, x.type.ndim, self.axis))]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0])]


class Prod(FixedOpCAReduce):
    """Product of the elements along axes.

    The derivative is right with any number of zeros in the input. `no_zeros_in_input` promises
    that there are none, for a cheaper one.
    """

    __props__ = ("scalar_op", "axis", "dtype", "acc_dtype", "no_zeros_in_input")
    nfunc_spec = ("prod", 1, 1)

    def __init__(self, axis=None, dtype=None, acc_dtype=None, no_zeros_in_input=False):
        super().__init__(
            ps.mul, axis=axis, dtype=dtype, acc_dtype=acc_dtype, upcast_discrete_output=True
        )
        self.no_zeros_in_input = no_zeros_in_input

    def clone(self, **kwargs):
        return super().clone(**{"no_zeros_in_input": self.no_zeros_in_input, **kwargs})

    def pullback(self, inputs, outputs, cotangents):
        """Each element gets the product of the others.

        With no zero in the group that is ``prod / x``. With exactly one, it is 0 except at the
        zero, where it is the product of the nonzero elements. With more it is 0 everywhere.
        """
        [x], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type()]
        if is_discrete(outputs[0].type.dtype) or is_discrete(x.type.dtype):
            return [x.zeros_like(dtype=ps.upcast("float32", gz.type.dtype))]
        if x.type.dtype.startswith("complex"):
            conj = elemwise_of(ps.conj)
            return [conj(self._times_others(x, conj(gz)))]
        return [self._times_others(x, gz)]

    def _times_others(self, x, gz):
        """Return for each element `gz` times the product of the others."""
        ndim = x.type.ndim
        mul, div = elemwise_of(ps.mul), elemwise_of(ps.true_div)
        gz = expand_reduced(gz, ndim, self.axis)
        whole = expand_reduced(self(x), ndim, self.axis)
        without_zeros = div(mul(gz, whole), x)
        if self.no_zeros_in_input:
            return without_zeros
        switch, eq = elemwise_of(ps.switch), elemwise_of(ps.eq)
        zero = constant(0, dtype=x.type.dtype)
        is_zero = eq(x, zero)
        n_zeros = expand_reduced(Sum(axis=self.axis)(is_zero), ndim, self.axis)
        nonzero = ProdWithoutZeros(axis=self.axis, dtype=self.dtype, acc_dtype=self.acc_dtype)(x)
        nonzero = expand_reduced(nonzero, ndim, self.axis)
        one_zero = eq(n_zeros, constant(1, dtype="int64"))
        at_zero = elemwise_of(ps.and_)(one_zero, is_zero)
        with_zeros = mul(switch(at_zero, nonzero, zero), gz)
        return switch(eq(n_zeros, constant(0, dtype="int64")), without_zeros, with_zeros)

    def pushforward(self, inputs, outputs, tangents):
        [x], [dx] = inputs, tangents
        if isinstance(dx.type, DisconnectedType):
            return [disconnected_type()]
        ones = outputs[0].ones_like()
        others = self._times_others(x, ones)
        return [Sum(axis=self.axis)(elemwise_of(ps.mul)(others, dx))]

    __str__ = FixedOpCAReduce.__str__  # `__props__` above would give another

    def _str_parts(self):
        extra = ["no_zeros_in_input"] if self.no_zeros_in_input else []
        return [*super()._str_parts(), *extra]


class MulWithoutZeros(ps.BinaryScalarOp):
    """Product of the factors that are not zero."""

    # 1 times anything, also when all factors are zero.
    identity = 1.0
    commutative = True
    associative = True

    def impl(self, x, y):
        if x == 0:
            return y
        if y == 0:
            return x
        return x * y


mul_without_zeros = MulWithoutZeros(ps.upcast_out, name="mul_without_zeros")


class ProdWithoutZeros(FixedOpCAReduce):
    """Product along axes of the elements that are not zero (1 if there are none)."""

    def __init__(self, axis=None, dtype=None, acc_dtype=None):
        super().__init__(
            mul_without_zeros,
            axis=axis,
            dtype=dtype,
            acc_dtype=acc_dtype,
            upcast_discrete_output=True,
        )

    def _reduce(self, x, axis, acc):
        ones = np.where(x == 0, np.ones((), dtype=x.dtype), x)
        return np.multiply.reduce(ones, axis=axis or (), dtype=acc)

    def pullback(self, inputs, outputs, cotangents):
        [x] = inputs
        return [grad_undefined(self, 0, x, "ProdWithoutZeros is itself a part of a derivative")]


class All(FixedOpCAReduce):
    """Whether all elements along axes are true."""

    nfunc_spec = ("all", 1, 1)

    def __init__(self, axis=None):
        super().__init__(ps.and_, axis=axis)

    def clone(self, **kwargs):
        return type(self)(axis=kwargs.get("axis", self.axis))

    def _output_dtype(self, idtype):
        return "bool"

    def _acc_dtype(self, idtype):
        return "bool"

    def make_node(self, input):
        return super().make_node(_as_bool(input))

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def connection_pattern(self, node):
        return [[False]]


class Any(All):
    """Whether any element along axes is true."""

    nfunc_spec = ("any", 1, 1)

    def __init__(self, axis=None):
        FixedOpCAReduce.__init__(self, ps.or_, axis=axis)


def _as_bool(x):
    x = as_tensor_variable(x)
    return x if x.type.dtype == "bool" else elemwise_of(ps.neq)(x, constant(0, dtype=x.type.dtype))


class NonZeroDimsCAReduce(FixedOpCAReduce):
    """A reduction without an identity: an empty axis raises."""

    __props__ = (
        "scalar_op",
        "axis",
        "dtype",
        "acc_dtype",
        "upcast_discrete_output",
        "initial",
    )

    def __init__(self, scalar_op, axis=None, initial=False, **kwargs):
        super().__init__(scalar_op, axis=axis, **kwargs)
        self.initial = initial

    def clone(self, **kwargs):
        return type(self)(
            axis=kwargs.get("axis", self.axis), initial=kwargs.get("initial", self.initial)
        )

    def perform(self, node, inputs, output_storage):
        [x] = inputs
        axis = range(x.ndim) if self.axis is None else self.axis
        if not self.initial and any(x.shape[a] == 0 for a in axis):
            raise ValueError(
                f"[{self}] Input (with shape {x.shape}) has zero-size on axis {tuple(axis)}: "
                "zero-size array to reduction operation which has no identity"
            )
        super().perform(node, inputs, output_storage)

    __str__ = FixedOpCAReduce.__str__  # `__props__` above would give another

    def _str_parts(self):
        return [*super()._str_parts(), *(["initial"] if self.initial else [])]


class MaxAndMinCAReduce(NonZeroDimsCAReduce):
    """Maximum or minimum. With `initial`, an empty axis gives the least (greatest) value."""

    _worst: str

    def _reduce(self, x, axis, acc):
        if not axis:
            return x.astype(acc)
        if not self.initial:
            return self._ufunc.reduce(x, axis=axis, dtype=acc)
        return self._ufunc.reduce(x, axis=axis, dtype=acc, initial=self._identity(acc))

    def _identity(self, dtype):
        sign = -1 if self._worst == "low" else 1
        if dtype.kind in "fc":
            return dtype.type(sign * np.inf)
        if dtype.kind == "b":
            return dtype.type(sign > 0)
        info = np.iinfo(dtype)
        return dtype.type(info.min if sign < 0 else info.max)

    def pullback(self, inputs, outputs, cotangents):
        """Every element that attains the extremum gets the whole cotangent."""
        [x], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type()]
        if is_discrete(x.type.dtype):
            return [x.zeros_like(dtype=ps.upcast("float32", gz.type.dtype))]
        extremum = expand_reduced(self(x), x.type.ndim, self.axis)
        gz = expand_reduced(gz, x.type.ndim, self.axis)
        return [elemwise_of(ps.mul)(elemwise_of(ps.eq)(extremum, x), gz)]

    def pushforward(self, inputs, outputs, tangents):
        [x], [dx] = inputs, tangents
        if isinstance(dx.type, DisconnectedType):
            return [disconnected_type()]
        extremum = expand_reduced(self(x), x.type.ndim, self.axis)
        attained = elemwise_of(ps.mul)(elemwise_of(ps.eq)(extremum, x), dx)
        return [Sum(axis=self.axis)(attained)]


class Max(MaxAndMinCAReduce):
    """Largest element along axes; NaN if there is one."""

    nfunc_spec = ("max", 1, 1)
    _worst = "low"

    def __init__(self, axis, initial=False):
        super().__init__(ps.maximum, axis=axis, initial=initial)


class Min(MaxAndMinCAReduce):
    """Smallest element along axes; NaN if there is one."""

    nfunc_spec = ("min", 1, 1)
    _worst = "high"

    def __init__(self, axis, initial=False):
        super().__init__(ps.minimum, axis=axis, initial=initial)


class Argmax(Op):
    """Position of the (first) largest element, over the flattened `axis`.

    With several axes the position is the index into those axes in C order.
    """

    __props__ = ("axis",)
    nfunc_spec = ("argmax", 1, 1)

    def __init__(self, axis):
        self.axis = None if axis is None else tuple(axis)

    def get_params(self, node):
        return self.axis

    def make_node(self, x):
        x = as_tensor_variable(x)
        if self.axis is None:
            shape = ()
        else:
            reduced = normalize_reduce_axis(self.axis, x.type.ndim)
            shape = tuple([s for i, s in enumerate(x.type.shape) if i not in reduced])
        return Apply(self, [x], [new_variable("int64", shape)])

    def prepare_node(self, node, storage_map, compute_map, impl):
        if len(node.inputs) == 2:
            raise ValueError("[Argmax] takes its axis as a parameter, not as an input")

    def perform(self, node, inputs, output_storage):
        [x] = inputs
        axes = tuple(range(x.ndim)) if self.axis is None else self.axis
        if not axes:
            # Nothing is reduced: every element is the first of its own group.
            output_storage[0][0] = np.zeros(x.shape, dtype="int64")
            return
        # Bring the axes to the end and flatten them into one.
        kept = tuple(a for a in range(x.ndim) if a not in axes)
        moved = x.transpose(kept + axes)
        flat = moved.reshape(*(x.shape[a] for a in kept), -1) if moved.size else moved.reshape(
            *(x.shape[a] for a in kept), int(np.prod([x.shape[a] for a in axes]))
        )  # fmt: skip
        output_storage[0][0] = np.asarray(np.argmax(flat, axis=-1), dtype="int64")

    def infer_shape(self, fgraph, node, shapes):
        [shape] = shapes
        if self.axis is None:
            return [()]
        return [tuple(s for i, s in enumerate(shape) if i not in self.axis)]

    def pullback(self, inputs, outputs, cotangents):
        """Zero: a position is constant wherever it is differentiable."""
        return [inputs[0].zeros_like(dtype=cotangents[0].type.dtype)]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]

    def __str__(self):
        return f"Argmax{{axis={self.axis}}}"


@_vectorize_node.register(Argmax)
def vectorize_argmax_node(op, node, batch_x):
    core_ndim = node.inputs[0].type.ndim
    axes = get_normalized_batch_axes(op.axis, core_ndim, batch_x.type.ndim)
    return Argmax(axis=axes).make_node(batch_x)


__all__ = [
    "All",
    "Any",
    "Argmax",
    "CAReduce",
    "FixedOpCAReduce",
    "Max",
    "MaxAndMinCAReduce",
    "Min",
    "MulWithoutZeros",
    "NonZeroDimsCAReduce",
    "Prod",
    "ProdWithoutZeros",
    "Sum",
    "mul_without_zeros",
]
