"""Prove that the C is clean: one command, a part of it by name.

    python -m tests.safety                 every part, a quarter of an hour to some hours
    python -m tests.safety warnings        -Wall -Wextra -Werror over all C the tests generate
    python -m tests.safety sanitize        AddressSanitizer and UBSan under the tests
    python -m tests.safety valgrind        memcheck under a few tests
    python -m tests.safety leaks           1e5 calls per op and error path; 200 compile-and-drop
    python -m tests.safety sanitize tests/scan     other tests

Runs on Linux with gcc (clang and valgrind where they are installed) on a copy of the project in a
temporary directory; ``--place DIRECTORY`` keeps it.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import analyze
import build

# What exercises C; the tests of rewriting compile the same kernels again.
SANITIZED = (
    *("tests/link/c", "tests/fuzz", "tests/golden", "tests/scan", "tests/tensor/subtensor"),
    *("tests/tensor/linalg", "tests/tensor/blas", "tests/tensor", "tests/compile"),
    *("tests/reliability", "tests/test_examples.py", "tests/test_programs.py"),
)
MEMCHECK = ("tests/link/c/test_function.py", "tests/fuzz/test_entry.py", "tests/scan/test_basic.py")
SUPPRESSIONS = Path(__file__).with_name("python.supp")


def run_tests(project: Path, env, tests, prefix=()) -> None:
    """Run tests; only what the watchers report counts: a slow test may miss its time limit."""
    for name in tests:
        if not (project / name).exists():
            continue
        command = [*prefix, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name]
        done = subprocess.run(command, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
        print(name, "status", done.returncode, done.stdout.strip().splitlines()[-1:], flush=True)


def warnings(place: Path, tests) -> int:
    """Collect what the tests compile, and have gcc and clang judge it."""
    project = build.copy_project(place)
    env = build.environment(place, build.watching_compiler(place))
    build.build_objects(project, env)
    run_tests(project, env, tests or SANITIZED)
    units, functions, found = analyze.check_sources(place / "sources")
    print(f"{units} units, {functions} different functions, {len(found)} with complaints")
    print("\n".join(found))
    return bool(found)


def sanitize(place: Path, tests) -> int:
    """Run tests with driver, kernels and units under AddressSanitizer and UBSan."""
    project = build.copy_project(place)
    env = build.environment(place, build.watching_compiler(place, build.SANITIZE))
    env = build.sanitized(env, place)
    build.build_objects(project, env)
    run_tests(project, env, tests or SANITIZED)
    found = build.reports(place / "reports")
    print(f"{len(found)} processes with reports in {place / 'reports'}")
    print("\n".join(text[:4000] for text in found[:20]))
    return bool(found)


def valgrind(place: Path, tests) -> int:
    """Run a few tests under memcheck; invalid reads and writes in our objects count."""
    project = build.copy_project(place)
    env = build.environment(
        place, build.watching_compiler(place, ("-O1", "-g", "-march=x86-64-v2"))
    )
    build.build_objects(project, env)
    env = {**env, "PYTHONMALLOC": "malloc"}
    log = place / "memcheck-%p.log"
    prefix = ["valgrind", "--quiet", f"--log-file={log}", f"--suppressions={SUPPRESSIONS}"]
    run_tests(project, env, tests or MEMCHECK, prefix)
    found = [text for p in place.glob("memcheck-*.log") for text in build.ours(p.read_text())]
    print(f"{len(found)} reports about our objects")
    print("\n".join(found[:20]))
    return bool(found)


def leaks(place: Path, tests) -> int:
    """Count bytes, threads, files and objects over many calls."""
    script = Path(__file__).with_name("leaks.py")
    env = build.environment(place, "gcc")
    env["PYTHONPATH"] = str(build.ROOT)
    return max(
        subprocess.run([sys.executable, script, what], env=env, check=False).returncode
        for what in ("calls", "errors", "drop", "tiers")
    )


PARTS = {part.__name__: part for part in (warnings, sanitize, valgrind, leaks)}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.safety",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("tests", nargs="*")
    parser.add_argument("--place", type=Path)
    options = parser.parse_args()
    status = 0
    for name in [options.part] if options.part else PARTS:
        with tempfile.TemporaryDirectory() as scratch:
            place = (options.place or Path(scratch)) / name
            place.mkdir(parents=True, exist_ok=True)
            status |= PARTS[name](place, options.tests)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
