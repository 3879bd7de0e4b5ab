"""What all conversions to MLX need; `mlx` is imported when it is called for."""

import importlib
import warnings

__all__ = ["convert_dtype_to_mlx"]

# Types with another name there.
_RENAMED = {"bool": "bool_"}


def convert_dtype_to_mlx(dtype_str, auto_cast_unsupported: bool = True):
    """Return MLX's dtype for the name of one.

    Parameters
    ----------
    dtype_str : str or MLX dtype
        What is not the name of a dtype is returned as it is.
    auto_cast_unsupported : bool
        Narrow what cannot be computed, with a warning: complex128 always, float64 unless the
        default device is a CPU. If False, float64 is returned and fails where it is used.

    Raises
    ------
    ImportError
        If `mlx` is not installed.
    """
    try:
        mx = importlib.import_module("mlx.core")
    except ImportError as error:
        raise ImportError("[MLX] the package mlx must be installed: pip install mlx") from error
    if not isinstance(dtype_str, str):
        return dtype_str
    if dtype_str == "complex128":
        if auto_cast_unsupported:
            _warn("complex128", "complex64", "use complex64")
        return mx.complex64
    if dtype_str == "float64" and auto_cast_unsupported and not _on_cpu(mx):
        _warn("float64 on GPU", "float32", "use float32, floatX='float32' or the CPU device")
        return mx.float32
    return getattr(mx, _RENAMED.get(dtype_str, dtype_str), dtype_str)


def _on_cpu(mx) -> bool:
    return "cpu" in str(mx.default_device()).lower()


def _warn(what: str, instead: str, advice: str) -> None:
    warnings.warn(
        f"MLX does not support {what}. Automatically casting to {instead}, which may reduce "
        f"precision. To avoid this warning, {advice}.",
        UserWarning,
        stacklevel=3,
    )
