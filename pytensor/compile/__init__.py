"""From a graph to the function a user calls.

The names below are found in their modules at first use, so that importing a leaf of this package
(`compile.sharedvalue`, which the tensor package needs) does not import the compiler.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "aliasing": (
        "Supervisor",
        "add_supervisor_to_fgraph",
        "alias_root",
        "infer_reuse_pattern",
        "insert_deepcopy",
        "view_tree_set",
    ),
    "builders": ("OpFromGraph", "SymbolicOp"),
    "debug.debugmode": ("DebugMode",),
    "debug.dump": ("function_dump",),
    "debug.monitormode": ("MonitorMode",),
    "debug.nanguardmode": ("NanGuardMode",),
    "debug.profiling": ("ProfileStats",),
    "executor": ("AliasedMemoryError", "Function"),
    "io": ("In", "Out", "SymbolicInput", "SymbolicOutput"),
    "maker": ("FunctionMaker", "function"),
    "mode": (
        "AddDestroyHandler",
        "AddFeatureOptimizer",
        "C",
        "CVM",
        "FAST_COMPILE",
        "FAST_RUN",
        "JAX",
        "MLX",
        "Mode",
        "NUMBA",
        "OPT_FAST_COMPILE",
        "OPT_FAST_RUN",
        "OPT_FAST_RUN_STABLE",
        "OPT_MERGE",
        "OPT_NONE",
        "OPT_O2",
        "OPT_O3",
        "OPT_STABILIZE",
        "OPT_UNSAFE",
        "PY",
        "PYTORCH",
        "PrintCurrentFunctionGraph",
        "VM",
        "get_default_mode",
        "get_mode",
        "local_useless",
        "optdb",
        "predefined_linkers",
        "predefined_modes",
        "predefined_optimizers",
        "register_linker",
        "register_mode",
        "register_optimizer",
    ),
    "ops": (
        "DeepCopyOp",
        "FromFunctionOp",
        "TypeCastingOp",
        "ViewOp",
        "as_op",
        "deep_copy_op",
        "register_deep_copy_op_c_code",
        "register_view_op_c_code",
        "view_op",
        "wrap_py",
    ),
    "rebuild": ("UnusedInputError", "rebuild_collect_shared"),
    "sharedvalue": ("SharedVariable", "shared", "shared_constructor"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_SUBMODULES = frozenset(
    [
        "aliasing",
        "builders",
        "debug",
        "executor",
        "inner_function",
        "io",
        "maker",
        "mode",
        "ops",
        "rebuild",
        "rewriting",
        "sharedvalue",
    ]
)

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_SUBMODULES})
