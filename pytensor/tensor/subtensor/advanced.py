"""AdvancedSubtensor and AdvancedIncSubtensor: integer arrays and masks among the indices."""

import numpy as np

from pytensor.graph.basic import Apply, Constant
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, nonzero
from pytensor.tensor.subtensor.basic import check_not_too_many
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
    as_tensor_index_variable,
    flatten_index_variables,
    unflatten_index_variables,
)
from pytensor.tensor.subtensor.lengths import (
    group_indices,
    indexed_result_shape,
    is_mask,
    is_slice,
    n_indexed_dims,
    static_advanced_shape,
)

_RUNTIME_BROADCAST_MESSAGE = (
    "Runtime broadcasting not allowed. AdvancedIncSubtensor was asked to broadcast the second "
    "input (y) along a dimension that was not marked as broadcastable. If broadcasting was "
    "intended, use `specify_broadcastable` on the relevant dimension(s)."
)


def non_consecutive_adv_indexing(indices) -> bool:
    """Tell whether slices stand between array indices, which moves their dimensions to the front."""
    return sum(not is_basic for is_basic, _ in group_indices(indices)) > 1


def check_advanced_indices(op, x, indices):
    """Convert the index inputs of an advanced indexing Op and check them against `x`."""
    if len(indices) != op.n_index_inputs:
        raise ValueError(
            f"[{type(op).__name__}] must have {op.n_index_inputs} index inputs for {op}, "
            f"got {len(indices)}"
        )
    tensors = [as_tensor_index_variable(i) for i in indices]
    structured = unflatten_index_variables(tensors, op.idx_list)
    for idx in structured:
        parts = (idx.start, idx.stop, idx.step) if isinstance(idx, slice) else ()
        if any(p is not None and p.type.ndim for p in parts):
            raise TypeError("[AdvancedSubtensor] start, stop and step of slices must be scalars")
    check_not_too_many(x.type.ndim, sum(n_indexed_dims(i) for i in structured))
    axis = 0
    for idx in structured:
        if not is_slice(idx) and is_mask(idx):
            for d, length in enumerate(idx.type.shape):
                dim = x.type.shape[axis + d]
                if None not in (length, dim) and length != dim:
                    raise IndexError(
                        "boolean index did not match indexed tensor along axis "
                        f"{axis + d}; size of axis is {dim} but size of corresponding boolean "
                        f"axis is {length}"
                    )
        axis += n_indexed_dims(idx)
    return tensors, structured


def advanced_numpy_index(values, idx_list) -> tuple:
    """Index for NumPy from run-time values."""
    return tuple(
        slice(*(None if p is None else int(values[p]) for p in (i.start, i.stop, i.step)))
        if isinstance(i, slice)
        else np.asarray(values[i], order="C")
        for i in idx_list
    )


def expand_boolean_masks(indices) -> list:
    """Replace masks by the positions of their true elements, one index per masked dimension."""
    result: list = []
    for idx in indices:
        if not is_slice(idx) and is_mask(idx):
            if isinstance(idx, Constant):
                result.extend(as_tensor_variable(p) for p in np.nonzero(idx.data))
            else:
                result.extend(nonzero(idx))
        else:
            result.append(idx)
    return result


class AdvancedSubtensor(BaseSubtensor, Op):
    """``x[indices]`` with integer arrays or boolean masks among the indices.

    Parameters
    ----------
    idx_list
        Structure of the index: integers number the index inputs, which are integer or boolean
        tensors, or 0-d integer tensors inside of slices.
    """

    __props__ = ("idx_list",)
    __hash__ = BaseSubtensor.__hash__
    __eq__ = BaseSubtensor.__eq__

    def __str__(self):
        return f"AdvancedSubtensor{{idx_list={self.idx_list}}}"

    def make_node(self, x, *index_variables):
        x = as_tensor_variable(x)
        tensors, indices = check_advanced_indices(self, x, index_variables)
        out_type = x.type.clone(shape=static_advanced_shape(x.type.shape, indices))
        return Apply(self, [x, *tensors], [out_type()])

    def infer_shape(self, fgraph, node, input_shapes):
        indices = unflatten_index_variables(node.inputs[1:], self.idx_list)
        return [indexed_result_shape(input_shapes[0], indices)]

    def perform(self, node, inputs, output_storage):
        x, *values = inputs
        index = advanced_numpy_index(values, self.idx_list)
        axis = self._take_axis(values)
        # `take` does not check indices into an array without elements
        use_take = axis is not None and x.size
        result = x.take(values[0], axis=axis) if use_take else x[index]
        if np.may_share_memory(result, x):
            # 0-d indices alone make NumPy return a view (or an element)
            result = np.array(result)
        output_storage[0][0] = np.asarray(result)

    def _take_axis(self, values) -> int | None:
        """Axis of an index like ``[:, :, i]``, which `ndarray.take` reads faster."""
        *slices, last = self.idx_list
        if isinstance(last, slice) or any(
            not isinstance(s, slice) or s != slice(None) for s in slices
        ):
            return None
        return len(slices) if values[last].dtype != np.bool_ and values[last].ndim else None

    def pullback(self, inputs, outputs, cotangents):
        x, *idxs = inputs
        (g,) = cotangents
        disconnected = [disconnected_type() for _ in idxs]
        if is_disconnected(g):
            return [disconnected_type(), *disconnected]
        increment = AdvancedIncSubtensor(self.idx_list)
        return [increment(zeros_for(x), g, *idxs), *disconnected]

    def pushforward(self, inputs, outputs, tangents):
        if is_disconnected(tangents[0]):
            return [disconnected_type()]
        return [self(tangents[0], *inputs[1:])]

    def connection_pattern(self, node):
        return [[True], *([False] for _ in node.inputs[1:])]

    @staticmethod
    def non_contiguous_adv_indexing(node: Apply) -> bool:
        """Tell whether slices stand between the array indices of `node`."""
        return AdvancedSubtensor.non_consecutive_adv_indexing(node)

    @staticmethod
    def non_consecutive_adv_indexing(node: Apply) -> bool:
        """Tell whether slices stand between the array indices of `node`."""
        indices = unflatten_index_variables(node.inputs[1:], node.op.idx_list)
        return non_consecutive_adv_indexing(indices)


class AdvancedIncSubtensor(BaseSubtensor, Op):
    """``x`` with ``x[indices] = y`` or ``x[indices] += y`` done to it.

    Parameters
    ----------
    idx_list
        Structure of the index, as for `AdvancedSubtensor`.
    inplace
        Change x itself.
    set_instead_of_inc
        Write y in place of adding it. Of several writes to one element, the last one stays.
    ignore_duplicates
        Add only once to an element that is named several times, as ``x[i] += y`` does in NumPy;
        otherwise every one of them counts.
    """

    __props__ = ("idx_list", "inplace", "set_instead_of_inc", "ignore_duplicates")
    __hash__ = BaseSubtensor.__hash__
    __eq__ = BaseSubtensor.__eq__

    def __init__(self, idx_list, inplace=False, set_instead_of_inc=False, ignore_duplicates=False):
        super().__init__(idx_list)
        self.inplace = bool(inplace)
        self.set_instead_of_inc = bool(set_instead_of_inc)
        self.ignore_duplicates = bool(ignore_duplicates)
        if self.inplace:
            self.destroy_map = {0: [0]}

    def __str__(self):
        verb = "AdvancedSetSubtensor" if self.set_instead_of_inc else "AdvancedIncSubtensor"
        return verb + ("{inplace}" if self.inplace else "")

    def make_node(self, x, y, *index_variables):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        tensors, indices = check_advanced_indices(self, x, index_variables)
        check_increment("AdvancedIncSubtensor", x, y, static_advanced_shape(x.type.shape, indices))
        return Apply(self, [x, y, *tensors], [x.type()])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        x, y, *values = inputs
        out = x if self.inplace else x.copy()
        index = advanced_numpy_index(values, self.idx_list)
        self._check_runtime_broadcast(node, out, y, index)
        try:
            if self.set_instead_of_inc:
                # NumPy writes in the order of memory, we in that of the index
                out[index] = np.ascontiguousarray(y)
            elif self.ignore_duplicates or self._cannot_repeat(values):
                out[index] += y
            else:
                np.add.at(out, index, y)
        except ValueError as error:
            raise increment_error("AdvancedIncSubtensor", y, out[index].shape) from error
        output_storage[0][0] = out

    def _cannot_repeat(self, values) -> bool:
        """Tell whether no element can be named twice: only masks among the array indices."""
        return all(isinstance(i, slice) or values[i].dtype == np.bool_ for i in self.idx_list)

    @staticmethod
    def _check_runtime_broadcast(node, x, y, index) -> None:
        """Refuse to repeat y along a dimension that only turns out to be 1 at run time.

        The gradient of y is summed over the dimensions that are known to broadcast.
        """
        static = node.inputs[1].type.broadcastable
        suspects = [d for d in range(y.ndim) if y.shape[d] == 1 and not static[d]]
        if not suspects:
            return
        # An array without memory of its own has the shape of the result without its cost in x
        shape = np.broadcast_to(np.zeros((), dtype=bool), x.shape)[index].shape
        offset = len(shape) - y.ndim
        if any(shape[offset + d] != 1 for d in suspects):
            raise ValueError(_RUNTIME_BROADCAST_MESSAGE)

    def pullback(self, inputs, outputs, cotangents):
        idxs = inputs[2:]
        read = AdvancedSubtensor(self.idx_list)
        write = AdvancedIncSubtensor(self.idx_list, set_instead_of_inc=True)
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
        props = self._props_dict()
        props["inplace"] = False
        dx, dy = (tangent_or_zeros(t, v) for t, v in zip(tangents[:2], (x, y), strict=True))
        return [type(self)(**props)(dx, dy, *idxs)]

    def connection_pattern(self, node):
        return [[True], [True], *([False] for _ in node.inputs[2:])]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites x, if x may be overwritten."""
        if 0 not in allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["inplace"] = True
        return type(self)(**props)

    @staticmethod
    def non_contiguous_adv_indexing(node: Apply) -> bool:
        """Tell whether slices stand between the array indices of `node`."""
        return AdvancedIncSubtensor.non_consecutive_adv_indexing(node)

    @staticmethod
    def non_consecutive_adv_indexing(node: Apply) -> bool:
        """Tell whether slices stand between the array indices of `node`."""
        indices = unflatten_index_variables(node.inputs[2:], node.op.idx_list)
        return non_consecutive_adv_indexing(indices)


def advanced_subtensor(x, *index_variables):
    """Index `x` by arrays, masks, integers and slices."""
    idx_list, flat = flatten_index_variables(index_variables)
    return AdvancedSubtensor(idx_list)(x, *flat)


def advanced_subtensor1(x, ilist):
    """Return the rows ``x[ilist]`` for a vector of integers."""
    ilist = as_tensor_variable(ilist)
    if ilist.type.ndim != 1:
        raise TypeError(f"[advanced_subtensor1] ilist must be a vector, got {ilist.type}")
    return AdvancedSubtensor((0,))(x, ilist)


def _advanced_increment(x, y, index_variables, **props):
    idx_list, flat = flatten_index_variables(index_variables)
    return AdvancedIncSubtensor(idx_list, **props)(x, y, *flat)


def advanced_inc_subtensor(x, y, *args, **kwargs):
    """Add `y` to the elements of `x` that the indices `args` select."""
    return _advanced_increment(x, y, args, **kwargs)


def advanced_set_subtensor(x, y, *args, **kwargs):
    """Write `y` to the elements of `x` that the indices `args` select."""
    return _advanced_increment(x, y, args, set_instead_of_inc=True, **kwargs)


def advanced_inc_subtensor1(x, y, ilist):
    """Add `y` to the rows `ilist` of `x`."""
    return AdvancedIncSubtensor((0,))(x, y, ilist)


def advanced_set_subtensor1(x, y, ilist):
    """Write `y` to the rows `ilist` of `x`."""
    return AdvancedIncSubtensor((0,), set_instead_of_inc=True)(x, y, ilist)
