"""Matrices made of matrices."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import as_matrix, is_missing
from pytensor.tensor.type import tensor


class BaseBlockDiagonal(Op):
    """What dense and sparse block-diagonal matrices share."""

    __props__ = ("n_inputs",)

    def __init__(self, n_inputs):
        if n_inputs == 0:
            raise ValueError("n_inputs must be greater than 0")
        self.n_inputs = int(n_inputs)
        inputs = ",".join(f"(m{i},n{i})" for i in range(self.n_inputs))
        self.gufunc_signature = f"{inputs}->(m,n)"

    def _validate_and_prepare_inputs(self, matrices, as_tensor_func=as_tensor_variable):
        if len(matrices) != self.n_inputs:
            raise ValueError(f"Expected {self.n_inputs} matrices, got {len(matrices)}")
        return [as_matrix(self, as_tensor_func(m), f"matrix {i}") for i, m in enumerate(matrices)]

    def infer_shape(self, fgraph, node, input_shapes):
        rows, cols = zip(*input_shapes)
        return [(sum(rows[1:], start=rows[0]), sum(cols[1:], start=cols[0]))]

    def pullback(self, inputs, outputs, cotangents):
        (g,) = cotangents
        if is_missing(g):
            return [disconnected_type() for _ in inputs]
        grads, row, col = [], 0, 0
        for x in inputs:
            m, n = (x.shape[d] if x.type.shape[d] is None else x.type.shape[d] for d in range(2))
            grads.append(g[row : row + m, col : col + n])
            row, col = row + m, col + n
        return grads


class BlockDiagonal(BaseBlockDiagonal):
    """Dense block-diagonal matrix."""

    def make_node(self, *matrices):
        matrices = self._validate_and_prepare_inputs(matrices)
        dtype = np.result_type(*(m.type.dtype for m in matrices)).name
        shape = tuple(
            None if None in lengths else sum(lengths)
            for lengths in zip(*(m.type.shape for m in matrices))
        )
        return Apply(self, matrices, [tensor(dtype=dtype, shape=shape)])

    def perform(self, node, inputs, output_storage):
        rows, cols = zip(*(x.shape for x in inputs))
        out = np.zeros((sum(rows), sum(cols)), dtype=node.outputs[0].type.dtype)
        row = col = 0
        for x in inputs:
            out[row : row + x.shape[0], col : col + x.shape[1]] = x
            row, col = row + x.shape[0], col + x.shape[1]
        output_storage[0][0] = out

    def pushforward(self, inputs, outputs, tangents):
        if all(is_missing(t) for t in tangents):
            return [disconnected_type()]
        filled = [
            x.zeros_like() if is_missing(t) else t for x, t in zip(inputs, tangents, strict=True)
        ]
        return [self(*filled)]


def block_diag(*matrices):
    """Return the block-diagonal matrix of some matrices (or stacks of matrices).

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.block_diag([[1]], [[2]]).eval().tolist()
    [[1, 0], [0, 2]]
    """
    if not matrices:
        raise ValueError("n_inputs must be greater than 0")
    if len(matrices) == 1:
        return as_tensor_variable(matrices[0])
    return Blockwise(BlockDiagonal(n_inputs=len(matrices)))(*matrices)
