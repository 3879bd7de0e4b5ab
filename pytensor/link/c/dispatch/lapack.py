"""How kernels of linear algebra are made: one text for all element types, data for the rest.

The C is in ``pytensor/tensor/blas/c_code/lapack*.h``. Each kernel walks over the items of a
batch by itself, so that a `Blockwise` of these Ops is the same kernel with more axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytensor.link.c.dispatch.basic import CKernel, Source, c_type
from pytensor.link.c.dispatch.blas import BLAS_CODE, ELEMENTS, provider_defines
from pytensor.link.c.dispatch.parameters import DTYPES, ready_kernel
from pytensor.tensor.blas._provider import USUAL_DEFINES

__all__ = ["lapack_kernel", "lapack_kernels"]

_NUMBER = {letter: i for i, letter in enumerate("sdcz")}


def lapack_kernels(file: str, *names: str) -> Callable[..., CKernel]:
    """Declare kernels of a file ready; return what makes kernels of them, as `ready_kernel`."""
    made = {}

    def kernels(defines) -> Callable[..., CKernel]:
        if defines not in made:
            sources = (Source(BLAS_CODE, "fortran_blas.h", defines), Source(BLAS_CODE, file))
            made[defines] = ready_kernel(file, *names, source=sources, flags=("blas", "lapack"))
        return made[defines]

    kernels(USUAL_DEFINES)

    def make(name: str, *parameters: Any, **others: Any) -> CKernel:
        return kernels(provider_defines())(name, *parameters, **others)

    return make


def lapack_kernel(
    make: Callable[..., CKernel],
    name: str,
    node,
    batch: int,
    *own: int,
    dtype: str = "",
    others: tuple[int, ...] = (),
    **properties: Any,
) -> CKernel | None:
    """Return the kernel of a node, or None if there is no LAPACK for its dtypes.

    Parameters
    ----------
    make : callable
        What `lapack_kernels` returned.
    name : str
        Of the C function.
    node : Apply
    batch : int
        Number of batch axes.
    *own : int
        Parameters that only this kernel has.
    dtype : str
        What LAPACK works in; by default the dtype of the first output.
    others : tuple of int
        Inputs that LAPACK does not see.
    **properties
        Further arguments of `CKernel`.
    """
    dtype = dtype or node.outputs[0].type.dtype
    if dtype not in ELEMENTS or not all(c_type(x.type.dtype) for x in node.inputs):
        return None
    ones = [
        sum(1 << d for d in range(batch) if x.type.shape[d] == 1) for i, x in enumerate(node.inputs)
    ]
    dtypes = [
        0 if x.type.dtype == dtype or i in others else DTYPES[x.type.dtype]
        for i, x in enumerate(node.inputs)
    ]
    return make(name, _NUMBER[ELEMENTS[dtype]], batch, *ones, *dtypes, *own, **properties)
