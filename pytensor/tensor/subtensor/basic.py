"""Subtensor and IncSubtensor: read a part of an array as a view, write or add to it."""

from collections.abc import Sequence

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import _get_vector_length, as_tensor_variable
from pytensor.tensor.exceptions import AdvancedIndexingError
from pytensor.tensor.subtensor.common import (
    check_increment,
    increment_error,
    increment_pullback,
    is_disconnected,
    tangent_or_zeros,
    zeros_for,
)
from pytensor.tensor.subtensor.indices import (
    BaseSubtensor,
    as_scalar_index_variable,
    flatten_index_variables,
    indices_from_subtensor,
    unflatten_index_variables,
)
from pytensor.tensor.subtensor.lengths import basic_shape, slice_static_length


def check_scalar_indices(op, indices: Sequence) -> list[Variable]:
    """Convert index inputs of a basic indexing Op, whose number must fit `idx_list`."""
    if len(indices) != op.n_index_inputs:
        raise ValueError(
            f"[{type(op).__name__}] must have {op.n_index_inputs} index inputs for {op}, "
            f"got {len(indices)}"
        )
    for idx in indices:
        if getattr(getattr(idx, "type", None), "ndim", 0) > 0:
            raise AdvancedIndexingError(f"basic indices must be scalars, got {idx.type}")
    return [as_scalar_index_variable(i) for i in indices]


def check_not_too_many(ndim: int, n_indexed: int) -> None:
    """Raise IndexError when more dimensions are indexed than there are."""
    if n_indexed > ndim:
        raise IndexError(
            f"too many indices for tensor: tensor is {ndim}-dimensional, "
            f"but {n_indexed} were indexed"
        )


def static_basic_shape(x_shape: Sequence[int | None], indices: Sequence) -> tuple:
    """Static shape of ``x[indices]`` for slices and scalars."""
    result = [
        slice_static_length(idx, x_shape[axis])
        for axis, idx in enumerate(indices)
        if isinstance(idx, slice)
    ]
    return (*result, *x_shape[len(indices) :])


def numpy_index(values: Sequence, idx_list) -> tuple:
    """Index for NumPy from run-time values; 0-d arrays become integers."""
    return unflatten_index_variables([int(v) for v in values], idx_list)


class Subtensor(BaseSubtensor, Op):
    """``x[i, j:k, ...]`` for integers and slices: a view of x.

    Parameters
    ----------
    idx_list
        Structure of the index: integers number the index inputs, see
        `pytensor.tensor.subtensor.indices`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.subtensor import Subtensor
    >>> x, i = pt.matrix("x"), pt.lscalar("i")
    >>> Subtensor([slice(None, 0)])(x, i).type.ndim
    2
    """

    __props__ = ("idx_list",)
    view_map = {0: [0]}
    __hash__ = BaseSubtensor.__hash__
    __eq__ = BaseSubtensor.__eq__

    def __str__(self):
        return f"Subtensor{{{self.index_text()}}}"

    def make_node(self, x, *index_variables):
        x = as_tensor_variable(x)
        scalars = check_scalar_indices(self, index_variables)
        check_not_too_many(x.type.ndim, len(self.idx_list))
        indices = unflatten_index_variables(scalars, self.idx_list)
        out_type = x.type.clone(shape=static_basic_shape(x.type.shape, indices))
        return Apply(self, [x, *scalars], [out_type()])

    def infer_shape(self, fgraph, node, input_shapes):
        indices = indices_from_subtensor(node.inputs[1:], self.idx_list)
        return [basic_shape(input_shapes[0], indices)]

    def perform(self, node, inputs, output_storage):
        x, *values = inputs
        output_storage[0][0] = np.asarray(x[numpy_index(values, self.idx_list)])

    def pullback(self, inputs, outputs, cotangents):
        x, *idxs = inputs
        (g,) = cotangents
        disconnected = [disconnected_type() for _ in idxs]
        if is_disconnected(g):
            return [disconnected_type(), *disconnected]
        return [IncSubtensor(self.idx_list)(zeros_for(x), g, *idxs), *disconnected]

    def pushforward(self, inputs, outputs, tangents):
        if is_disconnected(tangents[0]):
            return [disconnected_type()]
        return [self(tangents[0], *inputs[1:])]

    def connection_pattern(self, node):
        return [[True], *([False] for _ in node.inputs[1:])]


class IncSubtensor(BaseSubtensor, Op):
    """``x`` with ``x[i, j:k, ...] = y`` or ``x[i, j:k, ...] += y`` done to it.

    Parameters
    ----------
    idx_list
        Structure of the index, as for `Subtensor`.
    inplace
        Change x itself.
    set_instead_of_inc
        Write y in place of adding it.
    destroyhandler_tolerate_aliased
        Pairs of (destroyed input, input that may share its memory).
    """

    __props__ = ("idx_list", "inplace", "set_instead_of_inc", "destroyhandler_tolerate_aliased")
    __hash__ = BaseSubtensor.__hash__
    __eq__ = BaseSubtensor.__eq__

    def __init__(
        self,
        idx_list,
        inplace=False,
        set_instead_of_inc=False,
        destroyhandler_tolerate_aliased=None,
    ):
        super().__init__(idx_list)
        self.inplace = bool(inplace)
        self.set_instead_of_inc = bool(set_instead_of_inc)
        self.destroyhandler_tolerate_aliased = tuple(
            tuple(p) for p in destroyhandler_tolerate_aliased or ()
        )
        if self.inplace:
            self.destroy_map = {0: [0]}

    def __str__(self):
        verb = "Set" if self.set_instead_of_inc else "Inc"
        text = f"{{{self.index_text()}}}"
        return f"{verb}Subtensor{text}" + (" (inplace)" if self.inplace else "")

    def make_node(self, x, y, *index_variables):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        scalars = check_scalar_indices(self, index_variables)
        check_not_too_many(x.type.ndim, len(self.idx_list))
        indices = unflatten_index_variables(scalars, self.idx_list)
        check_increment("IncSubtensor", x, y, static_basic_shape(x.type.shape, indices))
        return Apply(self, [x, y, *scalars], [x.type()])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        x, y, *values = inputs
        out = x if self.inplace else x.copy()
        index = numpy_index(values, self.idx_list)
        # The ellipsis makes a view of a single element too, so that NumPy's casting rules
        # are those of an in-place addition whatever the index
        view = out[(*index, ...)]
        try:
            if self.set_instead_of_inc:
                view[...] = y
            else:
                view += y
        except ValueError as error:
            raise increment_error("IncSubtensor", y, view.shape) from error
        output_storage[0][0] = out

    def pullback(self, inputs, outputs, cotangents):
        idxs = inputs[2:]
        read = Subtensor(self.idx_list)
        write = IncSubtensor(self.idx_list, set_instead_of_inc=True)
        return increment_pullback(
            self,
            inputs,
            outputs,
            cotangents,
            take=lambda g: read(g, *idxs),
            write_zeros=lambda g, y: write(g, zeros_for(y).astype(g.type.dtype), *idxs),
        )

    def pushforward(self, inputs, outputs, tangents):
        x, y, *idxs = inputs
        if is_disconnected(tangents[0]) and is_disconnected(tangents[1]):
            return [disconnected_type()]
        op = IncSubtensor(self.idx_list, set_instead_of_inc=self.set_instead_of_inc)
        dx, dy = (tangent_or_zeros(t, v) for t, v in zip(tangents[:2], (x, y), strict=True))
        return [op(dx, dy, *idxs)]

    def connection_pattern(self, node):
        return [[True], [True], *([False] for _ in node.inputs[2:])]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites x, if x may be overwritten."""
        if 0 not in allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["inplace"] = True
        return type(self)(**props)


def basic_subtensor(x, *index_variables):
    """Index `x` by integers and slices, symbolic or not."""
    idx_list, flat = flatten_index_variables(index_variables)
    return Subtensor(idx_list)(x, *flat)


@_get_vector_length.register(Subtensor)
def _get_vector_length_subtensor(op, var):
    """Length of a sliced vector, when types tell it."""
    length = var.type.shape[0]
    if length is None:
        raise ValueError(f"Length of {var} cannot be determined")
    return length
