"""Which BLAS is chosen on different installations, and how fast it is.

    python benchmarks/blas_providers.py [--place DIRECTORY] [--write]

A fresh environment gets numpy and scipy and nothing else. In it `A @ B + C` at 600 x 600 is
compiled and compared with NumPy, first without any other BLAS, then with Debian's packages unpacked
into directories of their own (the machine is not changed): once found by the default (``auto``),
once under ``fastest``, once named by ``blas__ldflags``, and through pkg-config. Times are ratios of
neighbouring calls and their median, so that other programs on the machine hit both alike.
``--write`` stores the result as results/blas_providers.json and .md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

PACKAGES = {
    "openblas": (
        *("libopenblas-dev", "libopenblas0-pthread", "libopenblas-pthread-dev"),
        *("libgfortran5", "libquadmath0"),
    ),
    "blis": ("libblis-dev", "libblis4-pthread", "libblis-pthread-dev"),
    "netlib": ("libblas-dev", "libblas3", "libgfortran5", "libquadmath0"),
}
LIBRARIES = {
    "openblas": ("openblas-pthread", "openblas"),
    "blis": ("blis-pthread", "blis"),
    "netlib": ("blas", "blas"),
}

CHILD = """
import json, statistics, time, warnings
warnings.simplefilter("error")
import subprocess
starts = []
class Counting(subprocess.Popen):
    def __init__(self, command, *args, **kwargs):
        starts.append(command)
        super().__init__(command, *args, **kwargs)
subprocess.Popen = Counting
import numpy as np
import pytensor, pytensor.tensor as pt
from pytensor.tensor.blas import get_provider, limit_threads
from pytensor.tensor.blas._runtime import loaded_libraries
began = time.perf_counter()
A, B, C = pt.dmatrices("ABC")
f = pytensor.function([A, B, C], A @ B + C)
compile_seconds = time.perf_counter() - began
a, b, c = np.random.default_rng(0).normal(size=(3, 600, 600))
assert np.allclose(f(a, b, c), a @ b + c)
def ratios():
    found, times = [], []
    for _ in range(40):
        t0 = time.perf_counter(); f(a, b, c)
        t1 = time.perf_counter(); a @ b + c
        t2 = time.perf_counter()
        found.append((t1 - t0) / (t2 - t1)); times.append(t1 - t0)
    return statistics.median(found), min(times)
ratio, best = ratios()
with limit_threads(1):
    one, one_best = ratios()
p = get_provider()
print(json.dumps(dict(
    name=p.name, version=p.version, how=p.how, why=p.why, threading=p.threading, library=p.library,
    processes=len(starts), compile_seconds=compile_seconds, ratio=ratio, gflops=2 * 600**3 / best / 1e9,
    ratio_one_thread=one, gflops_one_thread=2 * 600**3 / one_best / 1e9,
    loaded=[x for x in loaded_libraries()],
)))
"""


def run(command, **kwargs) -> str:
    """Run a command and return what it prints; stop if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **kwargs)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def fresh_environment(place: Path) -> Path:
    """An environment with numpy and scipy; return its interpreter."""
    python = place / "venv" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", place / "venv"])
        run([python, "-m", "pip", "install", "-q", "numpy", "scipy"])
    return python


def unpacked(place: Path, name: str) -> Path:
    """Debian's packages of one BLAS, below a directory of their own."""
    root = place / name
    if not root.exists():
        archives = place / f"{name}-debs"
        archives.mkdir(exist_ok=True)
        run(["apt-get", "download", "-q", *PACKAGES[name]], cwd=archives)
        for archive in archives.glob("*.deb"):
            run(["dpkg", "-x", archive, root])
    return root


def multiarch(root: Path) -> Path:
    return next((root / "usr" / "lib").glob("*-linux-gnu"))


def environments(place: Path, names: list[str]) -> dict[str, dict[str, str]]:
    """What is set in the environment of each case."""
    cases: dict[str, dict[str, str]] = {"no other BLAS": {}}
    for name in names:
        base = multiarch(unpacked(place, name))
        directory, library = base / LIBRARIES[name][0], LIBRARIES[name][1]
        runtime = {"LD_LIBRARY_PATH": str(base)}
        found = {**runtime, "LIBRARY_PATH": str(directory)}
        cases[f"{name} in LIBRARY_PATH, auto"] = found
        cases[f"{name} in LIBRARY_PATH, fastest"] = {**found, "flags": "fastest"}
        cases[f"{name} named"] = {**runtime, "flags": f"-L{directory} -l{library}"}
    if "openblas" in names:
        root = unpacked(place, "openblas")
        base = multiarch(root)
        cases["openblas by pkg-config, auto"] = {
            "LD_LIBRARY_PATH": str(base),
            "PKG_CONFIG_PATH": str(base / "openblas-pthread" / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(root),
        }
    return cases


def measure(python: Path, place: Path, label: str, settings: dict[str, str]) -> dict:
    """Compile and time in two processes one after the other: the second one finds a warm cache."""
    settings = dict(settings)
    cache = place / "cache" / f"{time.time_ns()}"
    flags = f"base_compiledir={cache},blas__ldflags={settings.pop('flags', 'auto')}"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTENSOR", "OMP", "OPENBLAS"))}
    env |= {"PYTHONPATH": str(ROOT), "PYTENSOR_FLAGS": flags, **settings}
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [python, "-c", CHILD], env=env, cwd=place, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{label}: {done.stderr}")
        runs.append({**json.loads(done.stdout), "stderr_bytes": len(done.stderr)})
    result = runs[0]
    loaded = result.pop("loaded")
    result["blas_loaded"] = sorted(
        os.path.basename(p) for p in loaded if "blas" in p.rsplit("/")[-1] or "blis" in p
    )
    modules = [p for p in loaded if p.startswith((str(cache), str(ROOT)))]
    result["modules"] = {os.path.basename(p)[:24]: needed(p) for p in modules}
    for key in ("ratio", "ratio_one_thread"):
        result[key] = statistics.median(run[key] for run in runs)
    result["processes_second"] = runs[1]["processes"]
    result["compile_seconds_second"] = runs[1]["compile_seconds"]
    return {"case": label, **result}


def needed(path: str) -> list[str]:
    """The libraries in the dynamic section of a module."""
    if not os.path.exists(path):
        return []  # rebuilt while this ran
    lines = run(["readelf", "-d", path]).splitlines()
    return [line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line]


def as_markdown(results: list[dict]) -> str:
    lines = [
        "# Which BLAS is chosen, and how fast it is",
        "",
        "`A @ B + C` at 600 x 600 against NumPy's `a @ b + c` in a fresh environment with numpy and",
        "scipy; time / NumPy's time, medians of neighbouring calls (below 1: faster than NumPy).",
        "Made by `benchmarks/blas_providers.py --write`.",
        "",
        "| case | chosen | reached | all threads | one thread | GFLOP/s (1 thread) | "
        "processes started, 1st / 2nd time | messages | BLAS in the kernels' dynamic section |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        linked = {
            name
            for module, names in r["modules"].items()
            if not module.startswith("blas-")
            for name in names
            if "blas" in name or "blis" in name or "mkl" in name
        }
        lines.append(
            f"| {r['case']} | {r['name']} {r['version']} | {r['how']} | {r['ratio']:.2f} | "
            f"{r['ratio_one_thread']:.2f} | {r['gflops_one_thread']:.0f} | "
            f"{r['processes']} / {r['processes_second']} | {r['stderr_bytes']} bytes | "
            f"{', '.join(linked) or 'none'} |"
        )
    lines += ["", "Why:", ""]
    lines += [f"- {r['case']}: {r['why']}" for r in results]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--place", type=Path, default=Path("/tmp/pytensor-blas-providers"))
    parser.add_argument("--only", nargs="*", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    options.place.mkdir(parents=True, exist_ok=True)
    python = fresh_environment(options.place)
    results = []
    for label, settings in environments(options.place, options.only).items():
        results.append(measure(python, options.place, label, settings))
        print(json.dumps(results[-1], indent=1), flush=True)
    if options.write:
        text = json.dumps(results, indent=1) + "\n"
        (HERE / "results" / "blas_providers.json").write_text(text)
        (HERE / "results" / "blas_providers.md").write_text(as_markdown(results))
    print(as_markdown(results))


if __name__ == "__main__":
    main()
