"""C implementations of Ops, registered by dispatch; one file per subject."""

import functools
import importlib
import pkgutil


@functools.cache
def load_dispatch() -> None:
    """Import every file of this directory, so that its implementations are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
