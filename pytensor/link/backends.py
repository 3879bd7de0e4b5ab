"""One record per backend, and the linker names a user may write.

Backends are named by string and imported when they are used. Names resolve to linker objects
here, and so does the choice between C and Python when the name leaves it open.
"""

from importlib import import_module
from typing import Any, NamedTuple

from pytensor.configdefaults import config
from pytensor.link.basic import Linker
from pytensor.utils import say_once


class Backend(NamedTuple):
    """How to reach a backend.

    Parameters
    ----------
    name : str
    linker : str
        ``module:class`` of its linker.
    needs : str
        What has to be installed, for messages.
    """

    name: str
    linker: str
    needs: str = ""

    def make_linker(self, **kwargs: Any) -> Linker:
        module, _, name = self.linker.partition(":")
        return getattr(import_module(module), name)(**kwargs)


PYTHON = Backend("py", "pytensor.link.py.linker:PyLinker")

BACKENDS = {
    b.name: b
    for b in (
        Backend("c", "pytensor.link.c.linker:CLinker", needs="a C compiler"),
        PYTHON,
        Backend("numba", "pytensor.link.numba.linker:NumbaLinker", needs="numba"),
        Backend("jax", "pytensor.link.jax.linker:JAXLinker", needs="jax"),
        Backend("pytorch", "pytensor.link.pytorch.linker:PytorchLinker", needs="torch"),
        Backend("mlx", "pytensor.link.mlx.linker:MLXLinker", needs="mlx"),
    )
}

# Spelling -> (backend, arguments). The C names promise C where possible and fall back to Python.
_SPELLINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "auto": ("c", {}),
    "c": ("c", {}),
    "c|py": ("c", {}),
    "cvm": ("c", {}),
    "c|py_nogc": ("c", {"allow_gc": False}),
    "cvm_nogc": ("c", {"allow_gc": False}),
    "vm": ("py", {}),
    "vm_nogc": ("py", {"allow_gc": False}),
    "py": ("py", {}),
    "numba": ("numba", {}),
    "jax": ("jax", {}),
    "pytorch": ("pytorch", {}),
    "torch": ("pytorch", {}),
    "mlx": ("mlx", {}),
}
_registered: dict[str, Linker] = {}


def linker_names() -> list[str]:
    """Return every name `get_linker` knows."""
    return sorted({*_SPELLINGS, *_registered})


def register_linker(name: str, linker: Linker) -> None:
    """Make `linker` known under `name`."""
    if name in _SPELLINGS or name in _registered:
        raise ValueError(f"Linker name already taken: {name}")
    _registered[name] = linker


def why_no_c() -> str | None:
    """Return None if programs can run in C here, otherwise the reason why not.

    Where the driver came with the package they can, without a compiler, too. Looks for a compiler,
    and does not run it.
    """
    try:
        toolchain = import_module("pytensor.link.c.toolchain")
        import_module("pytensor.link.c.linker")
    except ImportError as error:
        return f"the C backend cannot be imported ({error})"
    # Not config.cxx: without a system compiler, that of the ziglang package serves.
    if toolchain.find_compiler() is not None:
        return None
    try:
        import_module("pytensor.link.c.driver").get_driver()
    except toolchain.CompileError:
        return toolchain.why_no_compiler()
    return None


def get_linker(name: str | Linker | None) -> Linker:
    """Return the linker `name` stands for; a linker is returned as it is.

    Names of the C backend give the Python linker where C cannot run, and say so once.
    """
    if isinstance(name, Linker):
        return name
    if name is None:
        name = config.linker
    if name in _registered:
        return _registered[name]
    if name not in _SPELLINGS:
        raise ValueError(f"[Mode] linker must be one of {linker_names()}, got {name!r}")
    backend, arguments = _SPELLINGS[name]
    if backend == "c" and (reason := why_no_c()) is not None:
        say_once(
            f"pytensor runs in Python because {reason}; "
            "`pip install pytensor[cc]` brings a compiler."
        )
        backend = "py"
    return BACKENDS[backend].make_linker(**arguments)
