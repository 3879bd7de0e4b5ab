"""Products become BLAS calls: all the rules of the ``blas`` stage and the in-place pass."""

from importlib import import_module

from pytensor.tensor.rewriting.blas_batched import (
    local_batched_matmul_to_core_matmul,
    local_batched_outer_product,
    local_sum_of_batched_product,
    specialize_matmul_to_batched_dot,
)
from pytensor.tensor.rewriting.blas_chains import (
    local_associate_shared_product,
    local_reassociate_chain,
)
from pytensor.tensor.rewriting.blas_compat import (
    _as_scalar,
    _is_real_matrix,
    _is_real_vector,
    res_is_a,
)
from pytensor.tensor.rewriting.blas_equal import MergeTransposedProducts
from pytensor.tensor.rewriting.blas_factoring import local_common_factor
from pytensor.tensor.rewriting.blas_forms import (
    local_diagonal_of_product,
    local_product_with_diagonal,
    local_product_with_identity,
    local_product_with_one_element,
    local_product_with_repeated_rows,
    local_product_with_set_diagonal,
    local_sum_of_product,
    local_trace_of_product,
)
from pytensor.tensor.rewriting.blas_inplace import local_inplace_blas
from pytensor.tensor.rewriting.blas_operands import (
    local_cast_operands_of_dot,
    local_conjugate_into_call,
)
from pytensor.tensor.rewriting.blas_products import (
    local_gemv_of_product,
    local_inner_product_to_gemv,
    local_sum_of_mul_to_dot,
    local_transposed_dot,
    local_transposed_sum,
)
from pytensor.tensor.rewriting.blas_rules import (
    local_add_dot_to_batched_gemm,
    local_add_dot_to_gemm,
    local_add_dot_to_gemv,
    local_add_dot_to_herk,
    local_add_dot_to_syrk,
    local_add_outer_to_ger,
    local_dot22_to_dot22scalar,
    local_dot22_to_ger_or_gemv,
    local_dot22scalar_to_ger_or_gemv,
    local_dot_to_dot22,
    local_dot_to_gemv,
    local_dot_to_herk,
    local_dot_to_syrk,
    local_gemm_to_gemv,
    local_gemm_to_ger,
    local_scaled_dot_to_batched_gemm,
)
from pytensor.tensor.rewriting.blas_triangular import local_product_to_trmm, triangular_structure

__all__ = [
    "MergeTransposedProducts",
    "_as_scalar",
    "_is_real_matrix",
    "_is_real_vector",
    "local_add_dot_to_batched_gemm",
    "local_add_dot_to_gemm",
    "local_add_dot_to_gemv",
    "local_add_dot_to_herk",
    "local_add_dot_to_syrk",
    "local_add_outer_to_ger",
    "local_associate_shared_product",
    "local_batched_matmul_to_core_matmul",
    "local_batched_outer_product",
    "local_cast_operands_of_dot",
    "local_common_factor",
    "local_conjugate_into_call",
    "local_diagonal_of_product",
    "local_dot22_to_dot22scalar",
    "local_dot22_to_ger_or_gemv",
    "local_dot22scalar_to_ger_or_gemv",
    "local_dot_to_dot22",
    "local_dot_to_gemv",
    "local_dot_to_herk",
    "local_dot_to_syrk",
    "local_gemm_to_gemv",
    "local_gemm_to_ger",
    "local_gemv_of_product",
    "local_inner_product_to_gemv",
    "local_inplace_blas",
    "local_product_to_trmm",
    "local_product_with_diagonal",
    "local_product_with_identity",
    "local_product_with_one_element",
    "local_product_with_repeated_rows",
    "local_product_with_set_diagonal",
    "local_reassociate_chain",
    "local_scaled_dot_to_batched_gemm",
    "local_sum_of_batched_product",
    "local_sum_of_mul_to_dot",
    "local_sum_of_product",
    "local_trace_of_product",
    "local_transposed_dot",
    "local_transposed_sum",
    "res_is_a",
    "specialize_matmul_to_batched_dot",
    "triangular_structure",
]


def __getattr__(name: str):
    """Find `explain`, which few ask for, and older names; see `pytensor.tensor.rewriting.blas_names`."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "explain":
        return import_module("pytensor.tensor.rewriting.explain").explain
    names = import_module("pytensor.tensor.rewriting.blas_names")
    if name not in names.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(names, name)
