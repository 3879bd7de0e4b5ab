"""The table of settings. ``from pytensor.configdefaults import config``."""

from __future__ import annotations

import os
import platform
import struct
import sys
from typing import TYPE_CHECKING

from pytensor.configparser import (
    BoolParam,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    PyTensorConfigParser,
    StrParam,
    _create_default_config,
)
from pytensor.utils import late

if TYPE_CHECKING:
    from pathlib import Path

MODE_NAMES = {
    *("Mode", "DebugMode", "FAST_RUN", "FAST_COMPILE", "DEBUG_MODE", "NanGuardMode"),
    *("C", "C_VM", "CVM", "VM", "PY", "NUMBA", "JAX", "PYTORCH", "MLX"),
}
"""Names `config.mode` accepts; `compile.mode.register_mode` may add to it."""

LINKERS = (
    *("cvm", "c|py", "py", "c", "c|py_nogc", "vm", "vm_nogc", "cvm_nogc"),
    *("numba", "jax", "pytorch", "mlx"),
)


def _path(*parts: str | Path) -> Path:
    """Make a path. Importing `pathlib` takes 3 ms, and nothing needs a path until code is compiled."""
    from pathlib import Path  # noqa: PLC0415

    return Path(*parts)


def _home() -> Path:
    """Return the home directory, or a private place below the temporary directory where there is none."""
    home = os.path.expanduser("~")
    if not home.startswith("~"):
        return _path(home)
    user = os.getuid() if hasattr(os, "getuid") else "user"
    import tempfile  # noqa: PLC0415  (slow to import, seldom needed)

    try:
        return _path(tempfile.gettempdir(), f"pytensor-{user}")
    except FileNotFoundError:
        # Nowhere to write: a path that cannot be made, so that the cache stays in memory.
        return _path(os.devnull, "pytensor")


def _default_base_compiledir(config) -> Path:
    if sys.platform == "win32" and os.getenv("LOCALAPPDATA"):
        return _path(os.environ["LOCALAPPDATA"], "PyTensor")
    return _home() / ".pytensor"


def _filter_path(value) -> Path:
    if isinstance(value, str) and not value:
        raise ValueError("the path of a directory")
    # Not Path.expanduser, which raises where there is no home.
    return _path(os.path.expanduser(value))


class _FormatKeys(dict):
    """Parts of the name of the compile directory, computed when a format asks for them."""

    sources = {
        "short_platform": lambda: f"{platform.system()}-{platform.machine()}".lower(),
        "platform": lambda: f"{platform.system()}-{platform.release()}-{platform.machine()}",
        "processor": platform.machine,
        "python_version": lambda: ".".join(map(str, sys.version_info[:3])),
        "python_bitwidth": lambda: 8 * struct.calcsize("P"),
        "python_int_bitwidth": lambda: 8 * struct.calcsize("l"),
        "hostname": platform.node,
        "device": lambda: "cpu",
    }

    def __missing__(self, key):
        if key not in self.sources:
            raise ValueError(
                f"[config] compiledir_format must use {sorted(self.sources)}, got {key!r}"
            )
        return self.sources[key]()


def _default_compiledir(config) -> Path:
    return config.base_compiledir / (config.compiledir_format % _FormatKeys())


def _default_cxx(config) -> str:
    """Return the command of a C compiler, or the empty string. Looks at PATH and starts nothing."""
    import shutil  # noqa: PLC0415  (slow to import, seldom needed)

    names = ["cc", "gcc", "clang", "g++", "clang++"]
    if sys.platform == "win32":
        names = ["gcc", "clang", "cl", "g++", "clang++"]
    for name in [os.getenv("CC", ""), *names]:
        if name and shutil.which(name.split()[0]):
            return name
    return ""


def _filter_mode(value):
    """Accept the name of a mode or a Mode (known by its linker and optimizer: this module is below `compile`)."""
    if value in MODE_NAMES if isinstance(value, str) else hasattr(value, "optimizer"):
        return value
    raise ValueError(
        f"one of {sorted(MODE_NAMES)} or an instance of pytensor.compile.mode.Mode. Instead got: {value}"
    )


class LinkFlagsParam(ConfigParam):
    """Flags of a linker. What is wrong with them is said at assignment."""

    expects = "flags of a linker"

    def filter(self, value):
        # The check takes regular expressions: only who sets flags pays for them.
        known = isinstance(value, str) and value in {"", "auto"}
        return value if known else late("pytensor.link_flags:as_flag_text")(value)


def _filter_lazy(value):
    if value in {"None", None}:
        return None
    if value in {"False", "false", "0", False}:
        return False
    if value in {"True", "true", "1", True}:
        return True
    raise ValueError("None, True or False")


def _at_least_0(value) -> bool:
    return value >= 0


def _above_0(value) -> bool:
    return value > 0


def _fixed(param: ConfigParam) -> ConfigParam:
    """A setting that is fixed once it has been read."""
    param.mutable = False
    return param


# name, parameter, changes generated code?, documentation
_BASIC = [
    ("floatX", EnumStr("float64", ["float32", "float16"]), True,
     "Precision of Python floats and of variables declared without a dtype."),
    ("warn_float64", EnumStr("ignore", ["warn", "raise", "pdb"]), False,
     "What to do when a float64 tensor variable is created."),
    ("cast_policy", EnumStr("custom", ["numpy+floatX"]), False,
     "How Python numbers are typed: the smallest dtype that holds them (custom), or NumPy's with floatX."),
    ("mode", ConfigParam("Mode", apply=_filter_mode), False,
     "Default compilation mode: a name, or a Mode."),
    ("linker", EnumStr("auto", LINKERS), False,
     "Default linker. 'auto' is C where the package was built or a compiler is found, otherwise Python."),
    ("allow_gc", BoolParam(True), False, "Free intermediate results during a call."),
    ("optimizer", _fixed(EnumStr("o4", ["o3", "o2", "o1", "unsafe", "fast_run", "fast_compile", "merge", "None"])),
     False, "Default set of rewrites."),
    ("optimizer_verbose", BoolParam(False), False, "Print the rewrites as they are applied."),
    ("optimizer_verbose_ignore", StrParam(""), False, "Rewrites not to print, separated by ','."),
    ("on_opt_error", EnumStr("warn", ["raise", "pdb", "ignore"]), False, "What to do when a rewrite fails."),
    ("on_unused_input", EnumStr("raise", ["warn", "ignore"]), False,
     "What to do when an input of a function is not used."),
    ("unpickle_function", BoolParam(True), False, "Whether unpickling restores compiled functions (else None)."),
    ("print_global_stats", BoolParam(False), False, "Print total times at exit."),
]  # fmt: skip

_C_CODE = [
    ("cxx", StrParam(_default_cxx), True,
     "Command of the C compiler. Empty: compile nothing. The sources are C, also for a C++ command."),
    ("gcc__cxxflags", StrParam(""), True, "Additional compiler flags."),
    ("gcc_version_str", StrParam(""), False, "Version text of the compiler, where known."),
    ("blas__ldflags", LinkFlagsParam("auto"), False,
     "Link flags of a Fortran BLAS to use. Empty: the one inside SciPy, by pointers. 'auto': NumPy's or SciPy's, "
     "unless a better one is loaded already. 'fastest': the fastest of all that are installed."),
    ("blas__threads", IntParam(0, _at_least_0), False,
     "Most threads BLAS may use in functions compiled from now on; 0: the library's number."),
    ("blas__check_openmp", BoolParam(True), False, "Look for clashing OpenMP libraries."),
    ("compiler_verbose", BoolParam(False), False, "Print what the compiler is asked to do, and where compile time goes."),
    ("nocleanup", BoolParam(False), False, "Keep source files that did not compile."),
    ("generated_src_dir", StrParam(""), False, "Directory for copies of generated sources."),
    ("cmodule__warn_no_version", BoolParam(False), False, "Without effect: the cache needs no versions."),
    ("cmodule__remove_gxx_opt", BoolParam(False), True, "Compile without optimization, for debuggers."),
    ("cmodule__compilation_warning", BoolParam(False), True, "Print the compiler's warnings."),
    ("cmodule__preload_cache", _fixed(BoolParam(False)), False, "Without effect: the cache is never scanned."),
    ("cmodule__age_thresh_use", _fixed(IntParam(60 * 60 * 24 * 24)), False,
     "Seconds after which an unused cache entry may be removed."),
    ("cmodule__debug", BoolParam(False), True, "Define DEBUG in compiled code."),
    ("compile__cache_size", IntParam(512, _at_least_0), False,
     "Megabytes that kept objects may take; the least recently used go first. 0: no limit."),
    ("compile__wait", _fixed(IntParam(5, _above_0)), False, "Without effect: the cache takes no lock."),
    ("compile__timeout", _fixed(IntParam(120, _at_least_0)), False,
     "Seconds a compiler run may take; 0: no limit."),
    ("compile__tier", EnumStr("auto", ["native", "interpret"]), False,
     "Loops that are not compiled yet. auto: interpreted, and compiled in the background when that pays; "
     "native: compiled before the first call; interpret: interpreted for good."),
    ("lib__amdlibm", BoolParam(False), True, "Use AMD's math library."),
    ("openmp", BoolParam(False), True, "Allow OpenMP in elementwise loops."),
    ("openmp_elemwise_minsize", IntParam(200000), True, "Smallest length for OpenMP."),
    ("base_compiledir", _fixed(ConfigParam(_default_base_compiledir, apply=_filter_path)), False,
     "Directory below which compiled code is kept."),
    ("compiledir_format",
     _fixed(StrParam("compiledir_%(short_platform)s-%(processor)s-%(python_version)s-%(python_bitwidth)s")),
     False, f"Name of the compile directory, from {', '.join(_FormatKeys.sources)}."),
    ("compiledir", _fixed(ConfigParam(_default_compiledir, apply=_filter_path)), False,
     "Directory where compiled code is kept. Created when first written to."),
    ("check_input", BoolParam(True), True, "Whether generated code checks its inputs."),
    ("numba__cache", BoolParam(True), False, "Let Numba keep compiled code on disk."),
    ("numba__fastmath", BoolParam(True), False, "Let Numba reorder floating point operations."),
]  # fmt: skip

_REWRITING = [
    ("optimizer_excluding", _fixed(StrParam("")), False, "Tags of rewrites to leave out, separated by ':'."),
    ("optimizer_including", _fixed(StrParam("")), False, "Tags of rewrites to add, separated by ':'."),
    ("optimizer_requiring", _fixed(StrParam("")), False, "Tags every rewrite must have, separated by ':'."),
    ("optdb__position_cutoff", FloatParam(float("inf")), False, "Stages after this position are left out."),
    ("optdb__max_use_ratio", FloatParam(8.0, _above_0), False,
     "A rewrite may be applied this many times the number of nodes."),
    ("cycle_detection", EnumStr("regular", ["fast"]), False, "How in-place operations are checked for cycles."),
    ("check_stack_trace", EnumStr("off", ["log", "warn", "raise"]), False,
     "What to do when a rewrite loses the user's line."),
    ("tensor__insert_inplace_optimizer_validate_nb", IntParam(-1), False,
     "In-place nodes between two checks; -1: automatic."),
    ("tensor__cmp_sloppy", _fixed(IntParam(0, lambda v: v in (0, 1, 2))), False,
     "Tolerance when results are compared by DebugMode: 0 none, 1 some, 2 more."),
    ("on_shape_error", EnumStr("warn", ["raise"]), False, "What to do when shape inference fails."),
    ("metaopt__verbose", IntParam(0), False, "How much to say about rewrites that choose by timing."),
]  # fmt: skip

_CHECKING = [
    ("exception_verbosity", EnumStr("low", ["medium", "high"]), False, "Detail of run time errors."),
    ("traceback__limit", IntParam(8), False, "Frames of the user's stack to keep per variable; 0: none, -1: all."),
    ("traceback__compile_limit", IntParam(0), False, "Frames to keep for variables made by rewrites."),
    ("compute_test_value", EnumStr("off", ["ignore", "warn", "raise", "pdb"]), False,
     "Accepted for older programs; test values are not computed."),
    ("compute_test_value_opt", EnumStr("off", ["ignore", "warn", "raise", "pdb"]), False,
     "Accepted for older programs; test values are not computed."),
    ("NanGuardMode__nan_is_error", BoolParam(True), False, "NanGuardMode: refuse NaN."),
    ("NanGuardMode__inf_is_error", BoolParam(True), False, "NanGuardMode: refuse infinities."),
    ("NanGuardMode__big_is_error", BoolParam(True), False, "NanGuardMode: refuse values above 1e10."),
    ("NanGuardMode__action", EnumStr("raise", ["warn", "pdb"]), False, "NanGuardMode: what to do."),
    ("DebugMode__patience", IntParam(10, _above_0), False, "DebugMode: rewritings to compare."),
    ("DebugMode__check_c", BoolParam(lambda config: bool(config.cxx)), False, "DebugMode: run C."),
    ("DebugMode__check_py", BoolParam(True), False, "DebugMode: run Python."),
    ("DebugMode__check_finite", BoolParam(True), False, "DebugMode: refuse NaN and infinities."),
    ("DebugMode__check_strides", IntParam(0, lambda v: v in (0, 1, 2)), False,
     "DebugMode: compare strides (0 no, 1 warn, 2 raise)."),
    ("DebugMode__warn_input_not_reused", BoolParam(True), False,
     "DebugMode: warn when an in-place operation did not work in place."),
    ("DebugMode__check_preallocated_output", StrParam(""), False,
     "DebugMode: output memory to try, separated by ':'."),
    ("DebugMode__check_preallocated_output_ndim", IntParam(4, _above_0), False,
     "DebugMode: dimensions with tried strides."),
]  # fmt: skip

_RUNNING = [
    ("profile", BoolParam(False), False, "Collect times of nodes."),
    ("profile_optimizer", BoolParam(False), False, "Collect times of rewrites."),
    ("profile_memory", BoolParam(False), False, "Collect memory use."),
    ("profiling__time_thunks", BoolParam(True), False, "Time every node when profiling."),
    ("profiling__n_apply", IntParam(20, _at_least_0), False, "Nodes to print."),
    ("profiling__n_ops", IntParam(20, _at_least_0), False, "Ops to print."),
    ("profiling__output_line_width", IntParam(512, _above_0), False, "Longest line to print."),
    ("profiling__min_memory_size", IntParam(1024, _at_least_0), False, "Smallest result (bytes) to print."),
    ("profiling__min_peak_memory", BoolParam(False), False, "Search the order of least memory."),
    ("profiling__destination", StrParam("stderr"), False, "stderr, stdout, or a file name."),
    ("profiling__debugprint", BoolParam(False), False, "Print profiled graphs."),
    ("profiling__ignore_first_call", BoolParam(False), False, "Leave the first call out."),
    ("vm__lazy", ConfigParam("None", apply=_filter_lazy), False, "Lazy evaluation: None (where needed), True, False."),
    ("scan__allow_gc", BoolParam(False), False, "Free intermediate results inside scan."),
    ("scan__allow_output_prealloc", _fixed(BoolParam(True)), False, "Let scan write into its outputs."),
]  # fmt: skip


def _fill(config: PyTensorConfigParser) -> PyTensorConfigParser:
    for table in (_BASIC, _C_CODE, _REWRITING, _CHECKING, _RUNNING):
        for name, param, in_c_key, doc in table:
            config.add(name, doc, param, in_c_key)
    config.warn_unused_flags()
    return config


config = _fill(_create_default_config())
"""The settings of this process."""
