"""`JAXLinker`: importable without jax, so that modes can be recognised by their linker."""

from pytensor.link.basic import JITLinker


class JAXLinker(JITLinker):
    """Converts a graph to one function of jax."""

    backend = "jax"
    required_rewrites = ("minimum_compile", "jax")
    incompatible_rewrites = (
        "cxx_only",
        "BlasOpt",
        "fusion",
        "inplace",
        "local_careduce_fusion",
        "scan_save_mem_prealloc",
    )
