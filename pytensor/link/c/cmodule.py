"""Names that programs for older versions import; the BLAS is found in `pytensor.tensor.blas`."""

from collections.abc import Sequence

from pytensor.configdefaults import config
from pytensor.link_flags import join_words
from pytensor.tensor.blas._ldflags import get_provider
from pytensor.tensor.blas._linked import ProbeError, probe
from pytensor.tensor.blas._runtime import openmp_runtimes

__all__ = ["check_mkl_openmp", "default_blas_ldflags", "try_blas_flag"]


def default_blas_ldflags() -> str:
    """Return the linker flags of the BLAS that is used by default.

    Returns
    -------
    str
        Empty for SciPy's, which needs none.
    """
    with config.change_flags(blas__ldflags="auto"):
        return get_provider().flags


def try_blas_flag(flags: Sequence[str]) -> str:
    """Return the flags as one text if a BLAS can be linked with them, otherwise an empty text.

    Parameters
    ----------
    flags : sequence of str
        Words for the linker.
    """
    text = join_words(flags)
    try:
        probe(text)
    except (ProbeError, ValueError):
        return ""
    return text


def check_mkl_openmp() -> None:
    """Raise a RuntimeError if several OpenMP libraries are in the process, as MKL may cause."""
    found = openmp_runtimes() if config.blas__check_openmp else ()
    if len(found) > 1:
        raise RuntimeError(
            f"[check_mkl_openmp] one OpenMP library must be loaded, got {', '.join(found)}; "
            f"MKL_THREADING_LAYER=GNU makes MKL use GNU's"
        )
