"""``python -m benchmarks.loops``: elementwise loops and reductions over every axis, layout and dtype.

Each case is timed in turns: this package, NumPy, and where it says so a loop written by hand in C
(same compiler, flags and vector math) and `jax.jit` in another interpreter (``--jax PYTHON``).
The processor time of the thread is taken, so that other programs cost rounds and not the result.
"""

# ruff: noqa: PLC0415  (the package is imported when it is measured)
from __future__ import annotations

import argparse
import ctypes
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WORKER = Path(__file__).with_name("loops_jax.py")

Layout = Callable[[np.ndarray], np.ndarray]

# How an array of a shape lies in memory: the array given is in C order and of twice the lengths.
LAYOUTS: dict[str, Layout] = {
    "C": lambda x: x.copy(order="C"),
    "F": lambda x: x.copy(order="F"),
    "stepped rows": lambda x: np.repeat(x, 2, axis=0)[::2],
    "stepped columns": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: x.copy()[..., ::-1],
    "middle first": lambda x: np.moveaxis(np.moveaxis(x, x.ndim // 2, 0).copy(), 0, x.ndim // 2),
}


@dataclass(frozen=True)
class Case:
    """One computation.

    Attributes
    ----------
    name : str
    numpy : callable
        By NumPy, of the arguments.
    ours : callable
        The same of symbolic variables.
    arguments : callable
        Returns the arrays.
    labels : dict
        Kind, operation, axis, layout, dtype, size: what tables are cut by.
    hand : str
        Statement of C that a loop over ``i`` (to ``n``) runs, of ``x``, ``y``, ``z`` and ``total``.
    jax : str
        Expression of `jnp` and the arguments ``x``, ``y``.
    """

    name: str
    numpy: Callable
    ours: Callable
    arguments: Callable[[], list[np.ndarray]]
    labels: dict = field(default_factory=dict)
    hand: str = ""
    jax: str = ""


def values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 5, shape).astype(dtype)
    return rng.uniform(0.2, 1.0, shape).astype(dtype)


REDUCED_SHAPES = [(1000, 1000), (3, 333333), (333333, 3), (100, 100, 100), (30, 30)]


def _axes(ndim: int) -> list[tuple[int, ...] | None]:
    if ndim == 2:
        return [None, (0,), (1,)]
    return [None, (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]


def reductions() -> Iterator[Case]:
    """Axis x layout x dtype of sums and maxima; the others over fewer cells."""
    for op in ("sum", "max", "prod", "any", "mean", "argmax"):
        full = op in ("sum", "max")
        dtypes = ["float64", "float32", "int64", "int8", "bool"] if full else ["float64"]
        for dtype in ["bool"] if op == "any" else dtypes:
            if op == "max" and dtype == "bool":
                continue
            for shape in REDUCED_SHAPES if full else REDUCED_SHAPES[:1]:
                few = ["C", "F", "stepped columns"] if dtype != "float64" or not full else LAYOUTS
                for layout in few:
                    for axis in _axes(len(shape)):
                        if op == "argmax" and axis is not None and len(axis) > 1:
                            continue
                        yield _reduction(op, dtype, shape, layout, axis)


def _reduction(op, dtype, shape, layout, axis) -> Case:
    at = axis[0] if op == "argmax" and axis is not None else axis

    def arguments():
        x = values(shape, dtype)
        return [LAYOUTS[layout](np.zeros_like(x) if op == "any" else x)]

    where = "all" if axis is None else "".join(map(str, axis))
    size = "x".join(map(str, shape))
    return Case(
        f"{op} {dtype} {size} axis {where} {layout}",
        lambda x: getattr(np, op)(x, axis=at),
        lambda x: _pt(op)(x, axis=at),
        arguments,
        {
            "kind": "reduction",
            "op": op,
            "axis": where,
            "layout": layout,
            "dtype": dtype,
            "size": size,
        },
        jax=f"jnp.{op}(x, axis={at!r})" if layout == "C" and len(shape) == 2 else "",
    )


def _pt(name: str):
    import pytensor.tensor as pt

    return getattr(pt, name)


# name: NumPy's and JAX's expression (of np), ours (of pt), the statement by hand, dtypes
ELEMENTWISE = {
    "x + y": ("x + y", "x + y", "z[i] = x[i] + y[i]", ("float64", "float32", "int64", "int8")),
    "2 * x + 1": ("2 * x + 1", "2 * x + 1", "z[i] = 2 * x[i] + 1", ("float64", "float32")),
    "sqrt(x * y)": ("np.sqrt(x * y)", "pt.sqrt(x * y)", "z[i] = sqrt(x[i] * y[i])", ("float64",)),
    "exp(x)": ("np.exp(x)", "pt.exp(x)", "z[i] = pt_exp(x[i])", ("float64", "float32")),
    "log(x)": ("np.log(x)", "pt.log(x)", "z[i] = pt_log(x[i])", ("float64", "float32")),
    "tanh(x)": ("np.tanh(x)", "pt.tanh(x)", "z[i] = pt_tanh(x[i])", ("float64", "float32")),
    "sin(x)": ("np.sin(x)", "pt.sin(x)", "z[i] = pt_sin(x[i])", ("float64", "float32")),
    "x ** y": ("x ** y", "x ** y", "z[i] = pt_pow(x[i], y[i])", ("float64",)),
    "x < y": ("x < y", "pt.lt(x, y)", "", ("float64", "float32", "int8")),
    "where(x < y, x, y)": ("np.where(x < y, x, y)", "pt.where(x < y, x, y)",
                           "z[i] = x[i] < y[i] ? x[i] : y[i]", ("float64", "float32")),
    "maximum(x, y)": ("np.maximum(x, y)", "pt.maximum(x, y)", "", ("float64", "float32")),
    "x.astype(float32)": ("x.astype('float32')", "x.astype('float32')", "", ("float64", "int64")),
    "x.astype(float64)": ("x.astype('float64')", "x.astype('float64')", "", ("float16", "int8")),
    "half(x) + y": ("x + y", "x + y", "", ("float16",)),
}  # fmt: skip
CHAINS = {
    "chain": ("np.log1p(np.exp(np.tanh(x))) * y", "pt.log1p(pt.exp(pt.tanh(x))) * y", ""),
    "sum(chain)": (
        "np.log1p(np.exp(np.tanh(x))).sum()",
        "pt.log1p(pt.exp(pt.tanh(x))).sum()",
        "total += pt_log1p(pt_exp(pt_tanh(x[i])))",
    ),
    "sum((x - y)**2)": ("((x - y) ** 2).sum()", "((x - y) ** 2).sum()", ""),
    "sum(chain, 0)": (
        "np.log1p(np.exp(np.tanh(x))).sum(0)",
        "pt.log1p(pt.exp(pt.tanh(x))).sum(0)",
        "",
    ),
    "two sums": (
        "(np.exp(x).sum(), (np.exp(x) * y).sum())",
        "(pt.exp(x).sum(), (pt.exp(x) * y).sum())",
        "",
    ),
    "var": ("np.var(x)", "pt.var(x)", ""),
    "cumsum": ("np.cumsum(x)", "pt.cumsum(x)", ""),
    "cumsum 1": ("np.cumsum(x, 1)", "pt.cumsum(x, axis=1)", ""),
    "x[x > y]": ("x[x > y]", "x[pt.gt(x, y)]", ""),
    "sum(x[x > y])": ("x[x > y].sum()", "x[pt.gt(x, y)].sum()", ""),
}
PAIRS = [("C", "C"), ("F", "F"), ("C", "F"), ("stepped columns", "C"), ("stepped rows", "C"),
         ("reversed", "reversed"), ("C", "row"), ("C", "column"), ("F", "row"), ("F", "column")]  # fmt: skip


def _layout(name: str, x: np.ndarray) -> np.ndarray:
    if name in ("row", "column"):
        return x[:1].copy() if name == "row" else x[:, :1].copy()
    return LAYOUTS[name](x)


def elementwise() -> Iterator[Case]:
    for op, (by_numpy, by_us, hand, dtypes) in ELEMENTWISE.items():
        for dtype in dtypes:
            pairs = PAIRS if op == "x + y" else PAIRS[:3]
            for shape in [(1000, 1000), (30, 30)] + [(100, 100, 100)] * (op == "x + y"):
                for one, other in pairs if len(shape) == 2 else PAIRS[:6]:
                    if "y" not in op and one != other:
                        continue
                    yield _expression(op, by_numpy, by_us, hand, dtype, shape, one, other)
    for op, (by_numpy, by_us, hand) in CHAINS.items():
        for one in ("C", "F"):
            yield _expression(op, by_numpy, by_us, hand, "float64", (1000, 1000), one, one)


def _expression(op, by_numpy, by_us, hand, dtype, shape, one, other) -> Case:
    def arguments():
        return [_layout(one, values(shape, dtype)), _layout(other, values(shape, dtype, 1))]

    def ours(x, y):
        import pytensor.tensor as pt

        return eval(by_us, {"pt": pt, "x": x, "y": y})

    plain = one == other == "C"
    size = "x".join(map(str, shape))
    return Case(
        f"{op} {dtype} {size} {one} {other}",
        eval(f"lambda x, y: {by_numpy}", {"np": np}),
        ours,
        arguments,
        {
            "kind": "elementwise",
            "op": op,
            "layout": f"{one}, {other}",
            "dtype": dtype,
            "size": size,
        },
        hand=hand if plain and shape == (1000, 1000) else "",
        jax=by_numpy.replace("np.", "jnp.") if plain and "float16" not in dtype else "",
    )


def compiled(case: Case, arrays: list[np.ndarray]) -> Callable:
    """Return this package's function; axes of length one are known to be so."""
    import pytensor
    import pytensor.tensor as pt

    variables = [
        pt.tensor(dtype=x.dtype, shape=tuple(1 if n == 1 else None for n in x.shape))
        for x in arrays
    ]
    outputs = case.ours(*variables)
    outputs = list(outputs) if isinstance(outputs, tuple) else outputs
    function = pytensor.function(variables, outputs, on_unused_input="ignore")
    function.trust_input = True
    return function


def by_hand(case: Case, arrays: list[np.ndarray]) -> Callable | None:
    """Compile the loop a C programmer would write, with this package's compiler, flags and mathematics."""
    from pytensor.link.c.dispatch.scalar import _defines
    from pytensor.link.c.source import C_CODE, Source, UnitBuilder
    from pytensor.link.c.toolchain import find_compiler

    compiler = find_compiler()
    dtype = str(arrays[0].dtype)
    if not case.hand or compiler is None:
        return None
    t = {"float64": "double", "float32": "float", "int64": "int64_t", "int8": "int8_t"}[dtype]
    unit = UnitBuilder()
    unit.add(Source(C_CODE, "elemwise.h"))
    statement = case.hand
    if dtype.startswith("float"):
        unit.add(Source(C_CODE, "math_real.c", _defines(dtype)))
        statement = re.sub(r"pt_(\w+)\(", rf"pt_\1_f{dtype[5:]}(", statement)
    loop = f"PT_IVDEP\n    for (int64_t i = 0; i < n; i++)\n        {statement};"
    if "total" in statement:
        # Sums of a block keep the order of additions free without -ffast-math.
        values_ = re.sub(r"total \+= (.*)", r"v[i] = \1", statement)
        loop = f"""for (int64_t at = 0; at < n; at += 256, x += 256) {{
        {t} v[256];
        const int64_t m = n - at < 256 ? n - at : 256;
        PT_IVDEP
        for (int64_t i = 0; i < m; i++)
            {values_};
        for (int64_t i = m; i < 256; i++)
            v[i] = 0;
        for (int64_t i = 0; i < 256; i += 16)
            for (int64_t k = 0; k < 16; k++)
                lane[k] += v[i + k];
    }}
    for (int k = 0; k < 16; k++)
        total += lane[k];
    *z = total;"""
        loop = f"{t} lane[16] = {{0}}, total = 0;\n    {loop}"
    text = (
        f"{unit.text()}\nPT_EXPORT void by_hand(const {t} *x, const {t} *y, {t} *z, int64_t n)\n"
        f"{{\n    {loop}\n}}\n"
    )
    directory = Path(tempfile.mkdtemp())
    data = compiler.compile(text, directory, link=("-lmvec",), name="by_hand")
    path = directory / "by_hand.so"
    path.write_bytes(data)
    function = ctypes.CDLL(str(path)).by_hand
    n = ctypes.c_int64(arrays[0].size)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*arrays, *arrays[:1])]
    out = np.empty(1 if "total" in statement else arrays[0].shape, dtype)
    target = ctypes.c_void_p(out.ctypes.data)

    def call(*_):
        function(pointers[0], pointers[1], target, n)
        return out[0] if "total" in statement else out

    return call


class JaxWorker:
    """`jax.jit` in another interpreter: one line of JSON asks for a case or a round, one answers."""

    def __init__(self, python: str):
        self._process = subprocess.Popen(
            [python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request) -> dict:
        assert self._process.stdin and self._process.stdout, "both are pipes"
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def prepare(self, case: Case, arrays: list[np.ndarray], seconds: float) -> Callable[[], float]:
        path = tempfile.mktemp(suffix=".npz")
        np.savez(path, x=arrays[0], y=arrays[-1])
        self.ask(case=case.jax, file=path, seconds=seconds)
        Path(path).unlink()
        return lambda: self.ask(run=True)["seconds"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def round_of(function: Callable, arrays, seconds: float) -> Callable[[], float]:
    """Return what times a batch of calls and gives the seconds of one."""
    function(*arrays)
    start = time.perf_counter()
    function(*arrays)
    calls = max(1, math.ceil(seconds / max(time.perf_counter() - start, 1e-7)))

    def run() -> float:
        start = time.thread_time()
        for _ in range(calls):
            function(*arrays)
        return (time.thread_time() - start) / calls

    return run


def same(a, b) -> bool:
    many = a if isinstance(a, tuple | list) else [a]
    others = b if isinstance(b, tuple | list) else [b]
    return all(
        np.shape(p) == np.shape(q)
        and np.allclose(np.asarray(p, "float64"), np.asarray(q, "float64"), rtol=1e-4)
        for p, q in zip(many, others, strict=True)
    )


def measure(case: Case, jax: JaxWorker | None, rounds: int, seconds: float) -> dict:
    """Return microseconds of each contestant (medians) and the median of the ratios to ours."""
    arrays = case.arguments()
    function = compiled(case, arrays)
    if not same(function(*arrays), case.numpy(*arrays)):
        return {"name": case.name, **case.labels, "error": "the values differ"}
    timers = {
        "ours": round_of(function, arrays, seconds),
        "numpy": round_of(case.numpy, arrays, seconds),
    }
    hand = by_hand(case, arrays)
    if hand is not None:
        timers["hand"] = round_of(hand, arrays, seconds)
    if jax is not None and case.jax:
        timers["jax"] = jax.prepare(case, arrays, seconds)
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            taken[name].append(timer())
    result: dict = {"name": case.name, **case.labels}
    for name, times in taken.items():
        result[f"{name}_us"] = round(statistics.median(times) * 1e6, 3)
        if name != "ours":
            ratios = [a / max(b, 1e-9) for a, b in zip(taken["ours"], times)]
            result[f"to_{name}"] = round(statistics.median(ratios), 3)
    return result


def report(results: list[dict], limit: float) -> None:
    """Print the cells above their target, and how many there are."""
    for peer, target in (("numpy", limit), ("hand", 1.1), ("jax", 0.7)):
        cells = [r for r in results if f"to_{peer}" in r]
        late = sorted(
            (r for r in cells if r[f"to_{peer}"] > target), key=lambda r: -r[f"to_{peer}"]
        )
        print(f"{peer}: {len(late)} of {len(cells)} above {target}")
        for r in late:
            print(
                f"  {r[f'to_{peer}']:6.2f}  {r['ours_us']:9.1f} us  {r[f'{peer}_us']:9.1f} us  {r['name']}"
            )


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.loops", description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose names match")
    parser.add_argument("--kind", choices=["reduction", "elementwise"], help="one half of the grid")
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter that has jax")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.004, help="of one batch of calls")
    parser.add_argument(
        "--limit", type=float, default=1.1, help="of NumPy's time: print what is above"
    )
    parser.add_argument("--every", type=int, default=1, help="take each n-th case only")
    parser.add_argument("--out", type=Path, help="a file for the figures as JSON")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    given = parse(sys.argv[1:] if words is None else words)
    cases = [c for c in (*reductions(), *elementwise()) if re.search(given.only, c.name)]
    cases = [c for c in cases if given.kind in (None, c.labels["kind"])][:: given.every]
    jax = JaxWorker(given.jax) if given.jax else None
    try:
        results = [measure(c, jax, given.rounds, given.seconds) for c in cases]
    finally:
        if jax is not None:
            jax.close()
    report(results, given.limit)
    wrong = [r["name"] for r in results if "error" in r]
    for name in wrong:
        print(f"WRONG: {name}")
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
