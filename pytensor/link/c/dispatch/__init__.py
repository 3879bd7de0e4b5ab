"""C implementations of Ops, registered by dispatch; one file per subject."""

import importlib
import pkgutil
import sys
import threading

# Files for Ops that take long to import: wanted only where the Ops are known already.
_NEEDS = {"scan": "pytensor.scan.op"}

_waiting: dict[str, str] | None = None
_lock = threading.RLock()


def load_dispatch() -> None:
    """Import the files of this directory, so that their implementations are registered."""
    global _waiting
    if _waiting == {}:
        return
    with _lock:
        if _waiting is None:
            names = [module.name for module in pkgutil.iter_modules(__path__)]
            for name in names:
                if name not in _NEEDS:
                    importlib.import_module(f"{__name__}.{name}")
            _waiting = {name: needed for name, needed in _NEEDS.items() if name in names}
        for name, needed in list(_waiting.items()):
            if needed in sys.modules:
                importlib.import_module(f"{__name__}.{name}")
                del _waiting[name]
