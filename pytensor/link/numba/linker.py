"""`NumbaLinker`: importable without numba, so that modes can be recognised by their linker."""

from pytensor.link.basic import JITLinker


class NumbaLinker(JITLinker):
    """Converts a graph to one function of numba."""

    backend = "numba"
    required_rewrites = ("minimum_compile", "numba")
    incompatible_rewrites = ("cxx_only", "local_careduce_fusion", "scan_save_mem_prealloc")
