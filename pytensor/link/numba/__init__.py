"""The numba backend."""

from pytensor.link.numba.linker import NumbaLinker
