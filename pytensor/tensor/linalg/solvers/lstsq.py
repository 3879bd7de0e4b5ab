"""Least squares, and linear systems of arrays."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.linalg._checks import as_matrix
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.type import tensor


class Lstsq(Op):
    """Least-squares solution of ``x @ s = y``, as `numpy.linalg.lstsq`."""

    __props__ = ()

    def make_node(self, x, y, rcond):
        x, y, rcond = as_matrix(self, x), as_tensor_variable(y), as_tensor_variable(rcond)
        if y.type.ndim not in (1, 2):
            raise TypeError(f"[Lstsq] y must be a vector or a matrix, got {y.type}")
        if rcond.type.ndim != 0:
            raise TypeError(f"[Lstsq] rcond must be a scalar, got {rcond.type}")
        dtypes = (x.type.dtype, y.type.dtype)
        solution = tensor(
            dtype=linalg_output_dtype(*dtypes), shape=(x.type.shape[1], *y.type.shape[1:])
        )
        real = linalg_real_output_dtype(*dtypes)
        residuals = tensor(dtype=real, shape=(None,))
        rank = tensor(dtype="int32", shape=())
        return Apply(
            self, [x, y, rcond], [solution, residuals, rank, tensor(dtype=real, shape=(None,))]
        )

    def perform(self, node, inputs, output_storage):
        results = np.linalg.lstsq(inputs[0], inputs[1], float(inputs[2]))
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        return [grad_not_implemented(self, i, v) for i, v in enumerate(inputs)]


lstsq = Lstsq()


class TensorSolve(Op):
    """``x`` in ``tensordot(a, x, x.ndim) = b``, as `numpy.linalg.tensorsolve`."""

    __props__ = ("axes",)

    def __init__(self, axes=None):
        self.axes = None if axes is None else tuple(int(a) for a in np.atleast_1d(axes))

    def make_node(self, a, b):
        a, b = as_tensor_variable(a), as_tensor_variable(b)
        order = list(range(a.type.ndim))
        for axis in self.axes or ():
            order.remove(axis % a.type.ndim)
            order.append(axis % a.type.ndim)
        shape = tuple(a.type.shape[d] for d in order)[b.type.ndim :]
        dtype = linalg_output_dtype(a.type.dtype, b.type.dtype)
        return Apply(self, [a, b], [tensor(dtype=dtype, shape=shape)])

    def perform(self, node, inputs, output_storage):
        result = np.linalg.tensorsolve(*inputs, axes=self.axes)
        output_storage[0][0] = np.asarray(result, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        return [grad_not_implemented(self, i, v) for i, v in enumerate(inputs)]


def tensorsolve(a, b, axes=None):
    """Solve ``tensordot(a, x, x.ndim) = b`` for x, as `numpy.linalg.tensorsolve`."""
    return TensorSolve(axes)(a, b)
