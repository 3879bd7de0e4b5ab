"""`python -m pytensor`: what this installation can do, and a self-test.

    python -m pytensor             the report and the self-test
    python -m pytensor config      every setting, its value and what it is for
    python -m pytensor blas        which BLAS is used, and why

It ends with 0, with 1 if a check of the self-test failed, and with 2 for words it does not know.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.backends import BACKENDS, why_no_c
from pytensor.link.c import shipped
from pytensor.link.c.cache import get_cache
from pytensor.link.c.toolchain import find_compiler, why_no_compiler
from pytensor.tensor.blas._ldflags import explain_provider, get_provider

OK, BAD = "ok", "FAILED"
PACKAGES = {"numba": "numba", "jax": "jax", "pytorch": "torch", "mlx": "mlx"}
BUILT = {"c", "py"}


def row(name: str, text: object) -> None:
    first, *rest = str(text).splitlines() or [""]
    print(f"  {name:<12}{first}")
    for line in rest:
        print(" " * 14 + line)


def compiler_line() -> str:
    """Name the compiler with the version it reports itself, or why there is none."""
    compiler = find_compiler()
    if compiler is None:
        return f"none: {why_no_compiler()}. `pip install pytensor[cc]` brings one; until then " + (
            "loops are interpreted" if why_no_c() is None else "Python is used"
        )
    try:
        said = subprocess.run(
            [*compiler.command, "--version"], capture_output=True, text=True, timeout=20
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(compiler.command)} (does not answer: {error})"
    version = said.splitlines()[0] if said else "version unknown"
    return f"{' '.join(compiler.command)}: {version}"


# What it means if an object did not come with the package.
WITHOUT = {
    "driver": "compiled once, at the first use",
    "kernels": "compiled with the functions that need them",
    "interpreter": "every loop is compiled before the first call",
}


def built_lines() -> str:
    """Say which compiled parts of the package are in use, and what their lack means."""
    states = shipped.state()
    lines = [
        f"{name:<12}{state}" + ("" if state == "ready" else f": {WITHOUT[name]}")
        for name, state in states.items()
    ]
    if set(states.values()) != {"ready"} and find_compiler() is not None:
        lines.append(f"`{sys.executable} -m pytensor.link.c.shipped` builds them")
    return "\n".join(lines)


def cache_line() -> str:
    """Say where compiled code is kept, how much there is, or why nothing can be kept."""
    directory = get_cache().directory
    if directory is None:
        return "in memory for this session only"
    entries = [e for e in os.scandir(directory) if e.is_file()] if directory.is_dir() else []
    size = sum(entry.stat().st_size for entry in entries)
    return f"{directory} ({len(entries)} entries, {size / 1e6:.1f} MB)"


def threads_line() -> str:
    limit = os.environ.get("OMP_NUM_THREADS") or os.environ.get("OPENBLAS_NUM_THREADS")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores" + (f", BLAS limited to {limit} by the environment" if limit else "")


def backend_lines() -> str:
    """Say for each backend whether it can be used here."""
    lines = []
    for name in BACKENDS:
        if name == "c":
            state = "no: " + why_no_c() if why_no_c() else "yes"
        elif name in BUILT:
            state = "yes"
        else:
            there = importlib.util.find_spec(PACKAGES[name]) is not None
            state = "not built yet" + (f" ({PACKAGES[name]} is installed)" if there else "")
        lines.append(f"{name:<8} {state}")
    return "\n".join(lines)


def report() -> None:
    print(f"pytensor {pytensor.__version__}")
    row("python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    row("numpy", np.__version__)
    row("compiler", compiler_line())
    row("compiled", built_lines())
    provider = get_provider()
    row("BLAS", f"{provider.name} {provider.version}".strip())
    row("threads", threads_line())
    row("cache", cache_line())
    row("floatX", config.floatX)
    row("backends", backend_lines())


def check_values(mode: str) -> None:
    """A product, a bias and a nonlinearity, against NumPy."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    A, B, C = pt.dmatrix("A"), pt.dmatrix("B"), pt.dvector("C")
    got = pytensor.function([A, B, C], pt.tanh(A @ B + C), mode=mode)(a, b, c)
    np.testing.assert_allclose(got, np.tanh(a @ b + c), rtol=1e-12)


def check_gradient(mode: str) -> None:
    """d/dw log(1 + exp(x w)), against the formula."""
    x, w = np.linspace(-2, 2, 12).reshape(4, 3), np.array([0.3, -1.0, 2.0])
    W = pt.dvector("w")
    loss = pt.sum(pt.softplus(pt.constant(x) @ W))
    got = pytensor.function([W], pytensor.grad(loss, W), mode=mode)(w)
    np.testing.assert_allclose(got, x.T @ (1 / (1 + np.exp(-x @ w))), rtol=1e-12)


def check_update(mode: str) -> None:
    """A shared matrix updated in place by a product."""
    s = pytensor.shared(np.ones((3, 3)), name="s")
    A = pt.dmatrix("A")
    pytensor.function([A], updates=[(s, 0.5 * s + 2.0 * (A @ A))], mode=mode)(np.eye(3))
    np.testing.assert_allclose(s.get_value(), 0.5 + 2.0 * np.eye(3))


def check_blas(mode: str) -> None:
    """beta*C + alpha*(A @ B) is one call of BLAS."""
    A, B, C = pt.dmatrix("A"), pt.dmatrix("B"), pt.dmatrix("C")
    fn = pytensor.function([A, B, C], C - 0.5 * (A @ B), mode=mode)
    ops = [type(node.op).__name__ for node in fn.maker.fgraph.toposort()]
    assert ops == ["Gemm"], f"expected one Gemm, got {ops}"


CHECKS: tuple[Callable[[str], None], ...] = (check_values, check_gradient, check_update, check_blas)


def failures(modes: list[str]) -> Iterator[str]:
    """Run every check in every mode; print one line each and yield what went wrong."""
    for mode in modes:
        for check in CHECKS:
            began = time.perf_counter()
            try:
                check(mode)
                result = OK
            except Exception as error:  # a self-test reports whatever goes wrong
                result = BAD
                yield f"{mode} {check.__name__}: {type(error).__name__}: {error}"
            name = check.__name__.removeprefix("check_")
            print(
                f"  {mode:<4} {name:<10} {result}  ({1e3 * (time.perf_counter() - began):.0f} ms)"
            )


def self_test() -> int:
    print("\nself-test")
    modes = (["CVM"] if why_no_c() is None else []) + ["PY"]
    wrong = list(failures(modes))
    for line in wrong:
        print(f"\n{line}")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
    elif arguments == ["config"]:
        config.config_print(sys.stdout)
    elif arguments == ["blas"]:
        print(explain_provider())
    elif not arguments:
        report()
        return self_test()
    else:
        print(f"pytensor: unknown words {' '.join(arguments)!r}\n{__doc__}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
