"""Result dtypes of linear algebra: LAPACK knows two precisions, real and complex."""

import numpy as np


def linalg_output_dtype(*input_dtypes: np.dtype | str) -> str:
    """Return the floating or complex dtype in which LAPACK works on inputs of these dtypes."""
    common = np.result_type(*(np.dtype(d) for d in input_dtypes))
    if common.kind in "biu":
        return "float64"
    if common == np.float16:
        return "float32"
    return common.name


def linalg_real_output_dtype(*input_dtypes: np.dtype | str) -> str:
    """Return the dtype of the real numbers (singular values, say) that belong to the inputs."""
    return np.empty(0, dtype=linalg_output_dtype(*input_dtypes)).real.dtype.name
