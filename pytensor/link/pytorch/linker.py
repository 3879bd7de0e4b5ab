"""`PytorchLinker`: importable without pytorch, so that modes can be recognised by their linker."""

from pytensor.link.basic import JITLinker


class PytorchLinker(JITLinker):
    """Converts a graph to one function of pytorch."""

    backend = "pytorch"
    incompatible_rewrites = ("cxx_only", "BlasOpt", "fusion", "inplace", "scan_save_mem_prealloc")
