"""The battery in Numba: the functions by hand under ``numba.njit``, where they are in its language."""

from __future__ import annotations

from functools import partial

import numba

from benchmarks.workloads import models, products

LIBRARY = numba


def compile_row(family, row, inputs, state):
    """Return the jitted function by hand; the state's rows are not in Numba's language."""
    jitted = numba.njit(cache=True)(family)
    return partial(jitted, **row.options) if row.options else jitted


empty, gemv, gemm, ger = products.empty, products.gemv, products.gemm, products.ger
symmetric_rows, symmetric_columns = products.symmetric_rows, products.symmetric_columns
associate, gemv_scan = products.associate, products.gemv_scan
logistic, chain = models.logistic, models.chain
