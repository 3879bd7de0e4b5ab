"""Kernels of sparse Ops: what is constant and sparse becomes data of the kernel."""

from pytensor.graph.basic import Constant
from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.dispatch.sparse_kernels import csr_dot
from pytensor.sparse._products import SparseProduct
from pytensor.tensor.type import TensorType

# Programs are kept with their data: larger matrices are left to SciPy.
_MOST_BYTES = 1 << 26


@c_funcify.register(SparseProduct)
def _product(op, node=None, **kwargs) -> CKernel | None:
    a, b = node.inputs
    if not isinstance(a, Constant) or not isinstance(b.type, TensorType):
        return None
    z = node.outputs[0].type
    if not hasattr(a.type, "format") or b.type.dtype != z.dtype or a.data.nnz * 16 > _MOST_BYTES:
        return None
    return csr_dot(a.data.tocsr(), z.dtype, b.type.ndim)
