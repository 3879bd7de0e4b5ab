"""Warnings and static analysis of C: of everything generated, and of the driver."""

import functools
import re
import subprocess
from pathlib import Path

WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")
# Headers are expanded in place: for clang they are then no headers, whose unused helpers are fine.
ONLY_CLANG = ("-Wno-unused-function",)


@functools.cache
def python_includes() -> tuple[str, ...]:
    import sysconfig  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    return (f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}")


def complaints(source: Path, compiler: str) -> str:
    """What a compiler says about one unit; empty if nothing."""
    extra = ONLY_CLANG if compiler == "clang" else ()
    if "Python.h" in source.read_text():
        # NumPy's headers do not compile under -Wextra themselves.
        extra = (*extra, *(f.replace("-I", "-isystem", 1) for f in python_includes()))
    command = [compiler, "-fsyntax-only", *WARNINGS, *extra, source.name]
    done = subprocess.run(
        command, cwd=source.parent, capture_output=True, text=True, timeout=600, check=False
    )
    return done.stderr if done.returncode else ""


def meant_to_fail(text: str) -> bool:
    """Whether a test wrote the unit to see it refused."""
    return not re.search(r"\bpt_kernel_count\b|\bPyInit__driver\b", text)


def count_functions(text: str) -> set[str]:
    """The generated functions of a unit without their names: equal bodies count once."""
    bodies = re.findall(r"^static (?:int k|void loop_)\w+(\(.*?^}$)", text, re.M | re.S)
    return set(bodies)


def check_sources(directory: Path, compilers=("gcc", "clang")) -> tuple[int, int, list[str]]:
    """Numbers of units and of different functions, and complaints."""
    functions: set[str] = set()
    found, units = [], 0
    for source in sorted(directory.glob("*.c")):
        text = source.read_text()
        if meant_to_fail(text):
            continue
        fresh = count_functions(text) - functions
        functions |= fresh
        units += 1
        for compiler in compilers:
            said = complaints(source, compiler)
            if said:
                found.append(f"{compiler} {source}:\n{said}")
    return units, len(functions), found
