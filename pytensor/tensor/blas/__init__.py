r"""Products of matrices and vectors, as BLAS computes them.

=================  ======================================  =====================
Op                 meaning                                 inputs
=================  ======================================  =====================
`Gemm`             :math:`\alpha X Y + \beta Z`            z, alpha, x, y, beta
`Dot22`            :math:`X Y`                             x, y
`Dot22Scalar`      :math:`\alpha X Y`                      x, y, alpha
`Gemv`             :math:`\alpha A x + \beta y`            y, alpha, A, x, beta
`Ger`              :math:`A + \alpha x y^T`                A, alpha, x, y
`Syrk`             :math:`\alpha X X^T + \beta Z`          z, alpha, x, beta
`Trmm`             :math:`\alpha T X + \beta Z`            z, alpha, A, x, beta
`Trmv`             :math:`\alpha T x + \beta z`            z, alpha, A, x, beta
`BatchedDot`       :math:`X_i Y_i`                         x, y (3 axes)
`BatchedGemm`      :math:`\alpha X_i Y_i + \beta Z_i`      z, alpha, x, y, beta
=================  ======================================  =====================

Nobody has to write them: rewriting finds them in ordinary expressions
(`pytensor.tensor.rewriting.blas`). Those with an accumulator have a form that overwrites it,
which a pass after rewriting chooses where nobody else reads it. ``beta = 0`` never reads the
accumulator, ``alpha = 0`` never reads what it scales. Complex operands can be conjugated by the
call (``conj="x"``; ``Syrk(hermitian=True)``).

Which library computes them, and how it is reached: `pytensor.tensor.blas._ldflags`. The C side:
``c_code/``, registered in `pytensor.link.c.dispatch.blas`.
"""

from typing import TYPE_CHECKING

from pytensor.tensor.blas._operands import view_roots
from pytensor.tensor.blas.batched import (
    BatchedDot,
    BatchedGemm,
    _batched_dot,
    batched_dot,
    batched_gemm,
    batched_gemm_inplace,
    batched_gemm_no_inplace,
    batched_tensordot,
)
from pytensor.tensor.blas.blas_c import (
    BaseBLAS,
    CGemv,
    CGer,
    cgemv_inplace,
    cgemv_no_inplace,
    cger_inplace,
    cger_no_inplace,
    must_initialize_y_gemv,
    must_initialize_y_gemv_c,
)
from pytensor.tensor.blas.gemm import (
    Dot22,
    Dot22Scalar,
    Gemm,
    GemmRelated,
    _dot22,
    _dot22scalar,
    gemm,
    gemm_inplace,
    gemm_no_inplace,
    gemm_of_sum,
)
from pytensor.tensor.blas.gemv import Gemv, gemv, gemv_inplace, gemv_no_inplace, gemv_of_sum
from pytensor.tensor.blas.ger import Ger, ger, ger_destructive
from pytensor.tensor.blas.syrk import Syrk, syrk, syrk_inplace, syrk_no_inplace
from pytensor.tensor.blas.triangular import Trmm, Trmv, trmm, trmv
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.tensor.blas._ldflags import (
        BlasProvider,
        blas_header_text,
        blas_header_version,
        explain_provider,
        get_provider,
        ldflags,
        mkl_threads_text,
        openblas_threads_text,
    )
    from pytensor.tensor.blas._threads import limit_threads

# The libraries are a subject of their own, which graphs without products never ask about.
_OF_LIBRARIES = {
    **dict.fromkeys(
        (
            "BlasProvider",
            "blas_header_text",
            "blas_header_version",
            "explain_provider",
            "get_provider",
            "ldflags",
            "mkl_threads_text",
            "openblas_threads_text",
        ),
        "pytensor.tensor.blas._ldflags",
    ),
    "limit_threads": "pytensor.tensor.blas._threads",
}


def __getattr__(name: str):
    """Load what is about libraries when it is asked for."""
    module = _OF_LIBRARIES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = late(f"{module}:{name}")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_OF_LIBRARIES})


def explain(what, mode=None):
    """Say for every product what it became, or would become, and why it became no more.

    Parameters
    ----------
    what : Function, FunctionGraph, Variable, or list, tuple or dict of Variable
        A compiled function, a graph as it is, or expressions (nothing gets compiled).
    mode : Mode or str, optional
        Which rewrites expressions would see; ``config.mode`` by default.

    Returns
    -------
    pytensor.tensor.rewriting.explain.Explanation
        Text to print, with the facts in ``.records`` and a page in ``.html()``; see
        `pytensor.tensor.rewriting.explain.explain`. It knows the rules, which are above this
        package, hence it is named by string.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A, B, C = pt.matrices("A", "B", "C")
    >>> "Gemm" in explain(A @ B + C)
    True
    """
    return late("pytensor.tensor.rewriting.explain:explain")(what, mode)


__all__ = [
    "BatchedDot",
    "BatchedGemm",
    "Dot22",
    "Dot22Scalar",
    "Gemm",
    "Gemv",
    "Ger",
    "Syrk",
    "Trmm",
    "Trmv",
    "batched_dot",
    "batched_gemm",
    "batched_gemm_inplace",
    "batched_gemm_no_inplace",
    "batched_tensordot",
    "explain",
    "gemm",
    "gemm_inplace",
    "gemm_no_inplace",
    "gemv",
    "gemv_inplace",
    "gemv_no_inplace",
    "ger",
    "ger_destructive",
    "ldflags",
    "limit_threads",
    "syrk",
    "syrk_inplace",
    "syrk_no_inplace",
    "trmm",
    "trmv",
]
