"""Compilers that watch, and a copy of the project whose C was built by one of them.

A watching compiler is a script in front of the real one. It keeps every source that goes through
it and adds flags, so that nothing in the package needs to know: driver, installed kernels and
generated units all pass through `config.cxx`.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# -O0: sanitized kernels of the package take minutes at more.
SANITIZE = (
    "-O0",
    "-g",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fsanitize-recover=all",
    # Not float-cast-overflow: casts out of range follow the processor, as NumPy's do (math_cast.h).
)

# UBSan keeps its own copy of the path of reports, which AddressSanitizer's preloaded symbol hides.
REPORT_PATH = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
__attribute__((constructor)) static void begin(void)
{
    void *library = dlopen("libubsan.so.1", RTLD_LAZY | RTLD_NOLOAD);
    const char *path = getenv("UBSAN_REPORTS");
    void *set = library ? dlsym(library, "__sanitizer_set_report_path") : NULL;
    if (set && path)
        ((void (*)(const char *))set)(path);
}
"""

SCRIPT = """\
#!/bin/sh
# Written by tests/safety: keeps the sources it sees, then calls the compiler with more flags.
for word in "$@"; do
    case "$word" in
        *.c) name=$(sha256sum "$word" | cut -c1-24)
             if [ ! -e "{sources}/$name.c" ]; then
                 cp "$word" "{sources}/$name.$$" && mv "{sources}/$name.$$" "{sources}/$name.c"
             fi ;;
    esac
done
exec {compiler} "$@" {flags}
"""


def watching_compiler(place: Path, flags=(), compiler: str = "gcc") -> Path:
    """Write the script that stands for `compiler`; it keeps sources in ``place/sources``."""
    sources = place / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    path = place / f"{compiler}-watched"
    path.write_text(
        SCRIPT.format(
            sources=sources, compiler=shutil.which(compiler) or compiler, flags=" ".join(flags)
        )
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def copy_project(place: Path) -> Path:
    """Copy what tests need, without the objects that were compiled at installation."""
    target = place / "project"
    if target.exists():
        shutil.rmtree(target)
    skip = shutil.ignore_patterns("_built", "__pycache__", ".*", "*.so")
    for name in ("pytensor", "tests", "examples", "doc", "benchmarks"):
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    for name in ("dev.py", "setup.py", "pyproject.toml", "README.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target


def environment(place: Path, compiler: Path, flags: str = "") -> dict[str, str]:
    """The environment of runs that compile with `compiler` into a cache of their own."""
    settings = [f"cxx={compiler}", f"base_compiledir={place / 'cache'}", "on_opt_error=raise"]
    settings.append("compile__timeout=0")
    return {
        **os.environ,
        "PYTENSOR_FLAGS": ",".join([*settings, *filter(None, [flags])]),
        "PYTENSORRC": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def report_library(place: Path) -> Path:
    """Compile what tells UBSan where to report."""
    source, library = place / "report_path.c", place / "report_path.so"
    source.write_text(REPORT_PATH)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def sanitized(env: dict[str, str], place: Path) -> dict[str, str]:
    """Add what lets sanitized objects load into an ordinary Python, and report into ``reports``."""
    reports = place / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    libraries = [
        subprocess.run(
            ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    asan = "detect_leaks=0:halt_on_error=0:allocator_may_return_null=1"
    return {
        **env,
        "LD_PRELOAD": " ".join([*libraries, str(report_library(place))]),
        # Python's own arena hides overruns; leaks are the business of leaks.py.
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"{asan}:log_path={reports / 'report'}",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "UBSAN_REPORTS": str(reports / "report-ub"),
    }


def build_objects(project: Path, env: dict[str, str]) -> None:
    """Compile driver and kernels of the copy, as an installation does."""
    quiet = {**env, "LD_PRELOAD": ""}
    subprocess.run(
        [sys.executable, "-m", "pytensor.link.c.shipped"], cwd=project, env=quiet, check=True
    )


def reports(place: Path) -> list[str]:
    """Texts of the reports written so far."""
    return [path.read_text(errors="replace") for path in sorted(place.glob("report*"))]


def ours(log: str) -> list[str]:
    """The reports of memcheck whose stack begins in driver, kernels or a generated unit."""
    texts = log.split("\n==")
    blocks, block = [], []
    for line in texts:
        if line.strip().endswith("==") or line.endswith("== "):
            blocks.append("\n".join(block))
            block = []
        else:
            block.append(line)
    blocks.append("\n".join(block))
    return [b for b in blocks if "unit.c" in b or "_driver.c" in b or "_kernels.c" in b]
