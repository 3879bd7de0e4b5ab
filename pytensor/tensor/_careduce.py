"""Reductions of an array along axes with a commutative, associative scalar Op."""

from __future__ import annotations

import functools

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._array_function import find_function
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.type import (
    continuous_dtypes,
    discrete_dtypes,
    float_dtypes,
    new_variable,
)
from pytensor.tensor.utils import normalize_reduce_axis


class CAReduce(Op):
    """Reduce with a scalar Op that is commutative and associative.

    Parameters
    ----------
    scalar_op : ScalarOp
        A binary scalar Op, such as ``add``.
    axis : int, sequence of int, or None
        The axes to reduce; None for all.
    dtype : str, optional
        dtype of the result. By default that of the input (see `upcast_discrete_output`).
    acc_dtype : str, optional
        dtype in which partial results are kept. By default that of the result.
    upcast_discrete_output : bool
        Widen a discrete result to int64 or uint64, as NumPy's ``sum`` does.
    """

    __props__: tuple[str, ...] = (
        "scalar_op",
        "axis",
        "dtype",
        "acc_dtype",
        "upcast_discrete_output",
    )

    def __init__(
        self, scalar_op, axis=None, dtype=None, acc_dtype=None, upcast_discrete_output=False
    ):
        if scalar_op.nin not in (-1, 2) or scalar_op.nout != 1:
            raise NotImplementedError(
                "[CAReduce] scalar_op must have two inputs and one output, "
                f"got {scalar_op.nin} and {scalar_op.nout}"
            )
        self.scalar_op = scalar_op
        self.axis = _axis_tuple(axis)
        self.dtype = None if dtype is None else np.dtype(dtype).name
        self.acc_dtype = None if acc_dtype is None else np.dtype(acc_dtype).name
        self.upcast_discrete_output = upcast_discrete_output

    def clone(self, **kwargs):
        """Return this Op with some parameters changed."""
        own = {name: getattr(self, name) for name in ("axis", "dtype", "acc_dtype")}
        return type(self)(**{**own, "scalar_op": self.scalar_op, **kwargs})

    # dtypes

    def _output_dtype(self, idtype: str) -> str:
        if self.dtype is not None:
            return self.dtype
        if not self.upcast_discrete_output:
            return idtype
        return {"b": "int64", "i": "int64", "u": "uint64"}.get(np.dtype(idtype).kind, idtype)

    def _acc_dtype(self, idtype: str) -> str:
        """The dtype of partial results; float32 sums are accumulated in float64."""
        if self.acc_dtype is not None:
            if self.acc_dtype in float_dtypes and idtype.startswith("complex"):
                raise TypeError(
                    f"[{self}] acc_dtype must be complex for an input of {idtype}, "
                    f"got {self.acc_dtype}"
                )
            return self.acc_dtype
        odtype = self._output_dtype(idtype)
        if not self.upcast_discrete_output:
            return odtype
        wider = {"float16": "float32", "float32": "float64", "complex64": "complex128"}
        return wider.get(odtype, odtype)

    # Nodes

    def make_node(self, input):
        input = as_tensor_variable(input)
        axis = normalize_reduce_axis(self.axis, ndim=input.type.ndim)
        op = self._for_input(axis, input.type.dtype)
        if axis is None:
            out_shape = ()
        else:
            out_shape = tuple([s for i, s in enumerate(input.type.shape) if i not in axis])
        return Apply(op, [input], [new_variable(op._output_dtype(input.type.dtype), out_shape)])

    def _for_input(self, axis, idtype):
        """Return this Op with axes and dtypes settled for an input of `idtype`."""
        if self.upcast_discrete_output:
            dtype, acc_dtype = self._output_dtype(idtype), self._acc_dtype(idtype)
        else:
            dtype, acc_dtype = self.dtype, self.acc_dtype
        if idtype.startswith("complex") and dtype is not None and dtype in float_dtypes:
            raise TypeError(f"[{self}] dtype must be complex for an input of {idtype}, got {dtype}")
        if (axis, dtype, acc_dtype) == (self.axis, self.dtype, self.acc_dtype):
            return self
        return self.clone(axis=axis, dtype=dtype, acc_dtype=acc_dtype)

    @functools.cached_property
    def _ufunc(self):
        spec = self.scalar_op.nfunc_spec
        func = None if spec is None else find_function(spec[0])
        if isinstance(func, np.ufunc):
            return func
        return np.frompyfunc(self.scalar_op.impl, 2, 1)

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "_ufunc"}

    def perform(self, node, inputs, output_storage):
        [x] = inputs
        out_type = node.outputs[0].type
        axis = self.axis if self.axis is not None else tuple(range(x.ndim))
        acc = np.dtype(self._acc_dtype(node.inputs[0].type.dtype))
        with np.errstate(all="ignore"):
            out = self._reduce(x, axis, acc)
        out = np.asarray(out)
        if out.dtype != out_type.numpy_dtype:
            with np.errstate(all="ignore"):
                out = out.astype(out_type.numpy_dtype)
        elif np.may_share_memory(out, x):
            out = out.copy()
        output_storage[0][0] = out

    def _reduce(self, x, axis, acc):
        ufunc, identity = self._ufunc, self.scalar_op.identity
        if not axis:
            return x.astype(acc)
        if ufunc.nin == 2 and ufunc.types != ["OO->O"]:
            if acc.kind == "b" and ufunc.identity is not None and ufunc in (np.add, np.multiply):
                # NumPy would count; a bool result means "any" and "all".
                ufunc = np.logical_or if ufunc is np.add else np.logical_and
            # Comparisons (maximum ...) keep the dtype; NumPy has no object path to fear there.
            return ufunc.reduce(x, axis=axis, dtype=acc)
        return self._reduce_objects(x, axis, acc, identity)

    def _reduce_objects(self, x, axis, acc, identity):
        """A scalar Op without a ufunc: fold its Python implementation over the axes."""
        moved = np.moveaxis(x, axis, range(len(axis)))
        flat = moved.reshape((-1, *moved.shape[len(axis) :])).astype(acc)
        out = np.empty(flat.shape[1:], dtype=acc)
        for index in np.ndindex(out.shape):
            values = flat[(slice(None), *index)]
            start = [] if identity is None else [identity]
            if not len(values) and not start:
                raise ValueError(f"[{self}] an empty axis cannot be reduced without an identity")
            out[index] = functools.reduce(self.scalar_op.impl, values, *start)
        return out

    def infer_shape(self, fgraph, node, shapes):
        [shape] = shapes
        if self.axis is None:
            return [()]
        return [tuple(s for i, s in enumerate(shape) if i not in self.axis)]

    def _str_parts(self):
        if self.axis is None:
            parts = ["axes=None"]
        elif len(self.axis) == 1:
            parts = [f"axis={self.axis[0]}"]
        else:
            parts = [f"axes={list(self.axis)}"]
        if self.acc_dtype is not None and self.acc_dtype != self.dtype:
            parts.append(f"acc={self.acc_dtype}")
        return parts

    def __str__(self):
        parts = [str(self.scalar_op), *self._str_parts()]
        return f"{type(self).__name__}{{{', '.join(parts)}}}"


class FixedOpCAReduce(CAReduce):
    """A reduction whose class says which scalar Op it uses."""

    def clone(self, **kwargs):
        own = {name: getattr(self, name) for name in ("axis", "dtype", "acc_dtype")}
        return type(self)(**{**own, **kwargs})

    def __str__(self):
        return f"{type(self).__name__}{{{', '.join(self._str_parts())}}}"


def _axis_tuple(axis):
    if axis is None:
        return None
    if isinstance(axis, (int, np.integer)) or (isinstance(axis, np.ndarray) and axis.ndim == 0):
        return (int(axis),)
    axis = tuple(int(a) for a in axis)
    if len(set(axis)) != len(axis):
        raise ValueError(f"[CAReduce] axis must not repeat, got {axis}")
    return axis


def get_normalized_batch_axes(
    core_axes: int | tuple[int, ...] | None, core_ndim: int, batch_ndim: int
) -> tuple[int, ...]:
    """Return the axes of a batched array that are `core_axes` of its last `core_ndim` axes.

    Examples
    --------
    >>> get_normalized_batch_axes((0, 1), core_ndim=2, batch_ndim=3)
    (1, 2)
    """
    lead = batch_ndim - core_ndim
    axes = normalize_reduce_axis(core_axes, core_ndim, normalize_none=True)
    return tuple(a + lead for a in axes)


@_vectorize_node.register(CAReduce)
def vectorize_careduce(op: CAReduce, node: Apply, batch_x) -> Apply:
    core_ndim = node.inputs[0].type.ndim
    if batch_x.type.ndim == core_ndim:
        return op.make_node(batch_x)
    axes = get_normalized_batch_axes(op.axis, core_ndim, batch_x.type.ndim)
    return op.clone(axis=axes).make_node(batch_x)


def is_discrete(dtype: str) -> bool:
    return dtype in discrete_dtypes


def is_continuous(dtype: str) -> bool:
    return dtype in continuous_dtypes
