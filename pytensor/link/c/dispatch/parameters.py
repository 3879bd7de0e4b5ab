"""Kernels that serve many nodes: the text is a call, what differs from node to node is data.

They are compiled when the package is installed, so that programs made of them and of interpreted
loops need no compiler. The functions are in c_code (``views.h``, ``fill.h`` ...).
"""

import struct

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source
from pytensor.link.c.units import declare_ready

__all__ = ["DTYPES", "ones_mask", "ready_kernel", "text_parameter"]

# As in c_code/parameters.h.
DTYPES = {
    name: i + 1
    for i, name in enumerate(
        (
            *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("float32", "float64", "complex64", "complex128", "bool"),
        )
    )
}


def ready_kernel(
    file: str, *names: str, source: Source | tuple[Source, ...] | None = None, flags=()
):
    """Declare functions of a file ready; return what makes kernels of them.

    Returns
    -------
    callable
        ``make(name, *parameters, **others)``: integers or bytes of whole words, and further
        arguments of `CKernel`.
    """
    source = Source(C_CODE, file) if source is None else source
    sources = (source,) if isinstance(source, Source) else source
    bodies = {name: f"    return {name}(ctx, args, program);" for name in names}
    for body in bodies.values():
        declare_ready(CKernel(body, sources, data=b"", flags=flags), 0, 0)

    def make(name: str, *parameters: int | bytes, **others) -> CKernel:
        words = [p if isinstance(p, bytes) else struct.pack("=q", p) for p in parameters]
        return CKernel(bodies[name], sources, data=b"".join(words), flags=flags, **others)

    return make


def text_parameter(text: str) -> bytes:
    """Return a text as whole words, with at least one 0 behind it."""
    data = text.encode()
    return data.ljust(len(data) // 8 * 8 + 8, b"\0")


def ones_mask(variable) -> int:
    """Bit k: the static length along axis k is 1."""
    return sum(1 << k for k, length in enumerate(variable.type.shape) if length == 1)
