"""`MLXLinker`: importable without mlx, so that modes can be recognised by their linker."""

from pytensor.link.basic import JITLinker


class MLXLinker(JITLinker):
    """Converts a graph to one function of mlx."""

    backend = "mlx"
    required_rewrites = ("minimum_compile", "mlx")
    incompatible_rewrites = ("cxx_only", "BlasOpt", "fusion", "inplace", "scan_save_mem_prealloc")

    def __init__(self, use_compile=True, **kwargs):
        super().__init__(**kwargs)
        self.use_compile = use_compile
