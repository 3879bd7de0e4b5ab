"""What memory does over many calls, over failing calls, and over compile-and-drop cycles.

Run in a process of its own::

    python tests/safety/leaks.py [calls|errors|drop|tiers] [--count N] [--only WORD]

It prints one line per program and exits with 1 if one grew.
"""

import argparse
import gc
import os
import pickle
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.ifelse import ifelse
from pytensor.link.c import tiers
from pytensor.raise_op import Assert

LIMIT = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def mapped_objects() -> int:
    """Number of shared objects in the address space."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return len({line.split()[-1] for line in lines if ".so" in line})


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def kernel_threads() -> int:
    """Threads the system knows of: those of Python and those of libraries."""
    return len(os.listdir("/proc/self/task"))


# ---- programs that work ------------------------------------------------------------------

rng = np.random.default_rng(0)
x, y = pt.dvector("x"), pt.dvector("y")
A, B, C = pt.dmatrix("A"), pt.dmatrix("B"), pt.dmatrix("C")
T = pt.dtensor3("T")
i, j = pt.lscalar("i"), pt.lvector("j")
k = pt.ivector("k")
m = pt.bvector("m") > 0
s, z = pt.dscalar("s"), pt.zmatrix("z")

VALUES = {
    x: rng.normal(size=6),
    y: rng.normal(size=6),
    A: rng.normal(size=(6, 6)),
    B: rng.normal(size=(6, 6)),
    C: rng.normal(size=(6, 6)),
    T: rng.normal(size=(2, 6, 6)),
    i: np.array(2),
    j: np.array([0, 3, 3, 5]),
    k: np.arange(6, dtype="int32"),
    m.owner.inputs[0]: np.array([1, 0, 1, 1, 0, 0], dtype="int8"),
    s: np.array(0.5),
    z: rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)),
}


class PythonStep(Op):
    """A step without C; raises where its input is negative."""

    __props__ = ()

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def perform(self, node, inputs, storage):
        if (inputs[0] < -100).any():
            raise ArithmeticError("below -100")
        storage[0][0] = inputs[0] * 2


def positive(matrix):
    return matrix @ matrix.T + 6 * pt.eye(6)


def scan_of(step, **options):
    return pytensor.scan(step, return_updates=False, **options)


PROGRAMS = {
    "elemwise": lambda: pt.exp(x) * y + 1,
    "several outputs": lambda: [pt.sin(x), pt.cos(x), x + y],
    "integer": lambda: (k // 2) % 3 - k**2,
    "complex": lambda: (z * z.conj()).real,
    "large output": lambda: pt.zeros((300, 300)) + s,
    "broadcast": lambda: A + x,
    "cast": lambda: pt.cast(x, "float32"),
    "sum": lambda: A.sum(0),
    "max, argmax": lambda: [A.max(1), A.argmax(1)],
    "mean, var": lambda: [T.mean((0, 2)), T.var()],
    "all, any": lambda: [pt.all(m), pt.any(m)],
    "cumsum": lambda: pt.cumsum(A, axis=1),
    "softmax": lambda: pt.special.softmax(A, axis=1),
    "logsumexp": lambda: pt.logsumexp(A, axis=0),
    "sort": lambda: [pt.sort(x), pt.argsort(x)],
    "dot": lambda: pt.dot(x, y),
    "gemv": lambda: s * A @ x + y,
    "gemm": lambda: A @ B + C,
    "ger": lambda: A + s * pt.outer(x, y),
    "syrk": lambda: A @ A.T,
    "batched": lambda: T @ T,
    "complex product": lambda: z @ z,
    "integer product": lambda: pt.dot(k, k),
    "cholesky": lambda: pt.linalg.cholesky(positive(A)),
    "solve": lambda: pt.linalg.solve(A, x),
    "triangular": lambda: pt.linalg.solve_triangular(pt.tril(A), x, lower=True),
    "cho_solve": lambda: pt.linalg.solve(positive(A), x, assume_a="pos"),
    "singular": lambda: [pt.linalg.solve(A * 0, x), pt.linalg.cholesky(-positive(A))],
    "inv, det": lambda: [pt.linalg.inv(A), pt.linalg.det(A)],
    "eigh": lambda: pt.linalg.eigh(positive(A)),
    "svd": lambda: pt.linalg.svd(A),
    "qr": lambda: pt.linalg.qr(A),
    "slice": lambda: A[1:-1, ::-2],
    "item": lambda: A[i, i],
    "take": lambda: A[j],
    "take on axis 1": lambda: A[:, j],
    "pairs": lambda: A[j, j],
    "mask": lambda: x[m],
    "set": lambda: pt.set_subtensor(A[1:3], 0.0),
    "inc": lambda: pt.inc_subtensor(A[:, i], x),
    "inc at": lambda: pt.inc_subtensor(A[j], 1.0),
    "set at": lambda: pt.set_subtensor(x[j], s),
    "join": lambda: pt.join(0, A, B),
    "stack": lambda: pt.stack([x, y], axis=1),
    "split": lambda: pt.split(x, [2, 4]),
    "reshape": lambda: A.reshape((3, 12)),
    "dimshuffle": lambda: A.T.dimshuffle(0, "x", 1) * 2,
    "alloc": lambda: pt.alloc(x, 3, 6),
    "arange": lambda: pt.arange(i, 9),
    "eye": lambda: pt.eye(i),
    "diag": lambda: [pt.diag(x), pt.diag(A)],
    "tri": lambda: [pt.tril(A), pt.triu(A, 1)],
    "repeat": lambda: pt.repeat(x, 2),
    "switch": lambda: pt.switch(x > 0, x, y),
    "clip": lambda: pt.clip(x, -s, s),
    "ifelse": lambda: ifelse(s > 0, A @ B, A + B),
    "assert": lambda: Assert("must be positive")(x, s > 0),
    "python step": lambda: PythonStep()(x + 1) + 1,
    "scan": lambda: scan_of(lambda c: pt.tanh(c + s), outputs_info=[x], n_steps=4),
    "scan of products": lambda: scan_of(lambda c: A @ c, outputs_info=[x], n_steps=3)[-1],
    "scan over rows": lambda: scan_of(lambda r: pt.exp(r).sum(), sequences=[A]),
    "scan with Python": lambda: scan_of(lambda c: PythonStep()(c) / 2, outputs_info=[x], n_steps=3),
    "gradient": lambda: pytensor.grad(pt.tanh(A @ x).sum(), [A, x]),
    "scan gradient": lambda: pytensor.grad(
        scan_of(lambda c: pt.tanh(A @ c), outputs_info=[x], n_steps=3)[-1].sum(), A
    ),
    "special functions": lambda: [pt.erf(x), pt.gammaln(pt.abs(x) + 1), pt.sigmoid(x)],
    "unused": lambda: pt.as_tensor(2.0),
    "returns its input": lambda: x,
}  # fmt: skip


def as_list(outputs):
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def inputs_of(outputs):
    found = set(pytensor.graph.traversal.explicit_graph_inputs(as_list(outputs)))
    return [v for v in VALUES if v in found]


def callable_of(build):
    """A call without arguments that runs the program on its values."""
    outputs = build()
    inputs = inputs_of(outputs)
    f = pytensor.function(inputs, outputs)
    values = [VALUES[v] for v in inputs]
    return lambda: f(*values)


def shared_program(**options):
    a, b = pytensor.shared(np.ones((6, 6))), pytensor.shared(np.zeros(6))
    f = pytensor.function([x], b.sum(), updates={a: a * 0.5 + pt.outer(x, b), b: b + x}, **options)
    value = VALUES[x]
    return lambda: f(value)


def keyword_program():
    f = pytensor.function([pytensor.In(x, name="x"), pytensor.In(s, value=2.0, name="s")], x * s)
    value = VALUES[x]
    return lambda: f(x=value)


def converting_program(value):
    f = pytensor.function([x], x * 2, allow_input_downcast=True)
    return lambda: f(value)


def layout_program(change):
    f = pytensor.function([A, pytensor.In(B, mutable=True)], A @ B + B)
    a, b = change(VALUES[A]), change(VALUES[B])
    return lambda: f(a, b)


def byte_swapped(a):
    return a.astype(a.dtype.newbyteorder())


def misaligned(a):
    raw = np.empty(a.nbytes + 1, dtype=np.uint8)[1:]
    view = raw.view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


ENTRIES = {
    "shared updates": shared_program,
    "keywords and defaults": keyword_program,
    "list converted": lambda: converting_program([1, 2, 3]),
    "float32 converted": lambda: converting_program(np.ones(6, "float32")),
    "byte-swapped": lambda: layout_program(byte_swapped),
    "misaligned": lambda: layout_program(misaligned),
    "read-only, mutable": lambda: layout_program(read_only),
    "backwards": lambda: layout_program(lambda a: a[::-1, ::-1]),
    "zero stride": lambda: layout_program(lambda a: np.broadcast_to(a[:1], a.shape)),
    "empty": lambda: layout_program(lambda a: a[:0, :0]),
}


# ---- programs that fail ------------------------------------------------------------------


def failing(inputs, outputs, *values, **options):
    """A call that must raise."""
    f = pytensor.function(inputs, outputs, **options)

    def call():
        try:
            f(*values)
        except Exception:
            return
        raise SystemExit(f"{outputs} did not raise")

    return call


class LyingArray:
    """Says that it converts to an array, and raises."""

    def __array__(self, *args, **kwargs):
        raise ValueError("no array")


def failing_update():
    a = pytensor.shared(np.ones(6))
    return failing([x, y], a.sum(), VALUES[x], np.ones(5), updates={a: a + x + y})


_bad_batch = np.stack([np.eye(3), np.zeros((3, 3))])
SIX = np.ones(6)

ERRORS = {
    "elemwise shapes": lambda: failing([x, y], x + y, SIX, np.ones(5)),
    "product shapes": lambda: failing([A, B], A @ B, np.ones((2, 3)), np.ones((2, 3))),
    "gemm shapes": lambda: failing([A, B, C], A @ B + C, *[np.ones((2, 2))] * 2, np.ones((3, 2))),
    "gemv shapes": lambda: failing([A, x], A @ x, np.ones((2, 2)), SIX),
    "dtype": lambda: failing([k], k + 1, SIX),
    "rank": lambda: failing([A], A + 1, SIX),
    "number of arguments": lambda: failing([x, y], x + y, SIX),
    "object": lambda: failing([x], x + 1, object()),
    "lying array": lambda: failing([x], x + 1, LyingArray()),
    "string": lambda: failing([x], x + 1, "abc"),
    "None": lambda: failing([x, s], x + s, SIX, None),
    "singular inverse": lambda: failing([A], pt.linalg.inv(A), np.zeros((3, 3))),
    "not square": lambda: failing([A], pt.linalg.cholesky(A), np.ones((2, 3))),
    "batched solve": lambda: failing([T], pt.linalg.inv(T), _bad_batch),
    "triangular shapes": lambda: failing(
        [A, x], pt.linalg.solve_triangular(A, x), np.eye(3), SIX
    ),
    "index": lambda: failing([A, i], A[i], np.ones((2, 2)), 7),
    "index array": lambda: failing([A, j], A[j], np.ones((2, 2)), np.array([0, 5])),
    "index pairs": lambda: failing([A, j], A[j, j], np.ones((2, 2)), np.array([0, -3])),
    "index to set": lambda: failing(
        [A, j], pt.inc_subtensor(A[j], 1.0), np.ones((2, 2)), np.array([0, 5])
    ),
    "shape to set": lambda: failing(
        [A, x], pt.set_subtensor(A[:2], x), np.ones((3, 3)), SIX
    ),
    "reshape": lambda: failing([A], A.reshape((4, -1)), np.ones((3, 3))),
    "join": lambda: failing([A, B], pt.join(0, A, B), np.ones((2, 2)), np.ones((2, 3))),
    "split": lambda: failing([x], pt.split(x, [2, 3]), SIX),
    "alloc": lambda: failing([s, i], pt.alloc(s, i), 1.0, -1),
    "huge alloc": lambda: failing([s, i], pt.alloc(s, i, i), 1.0, 2**40),
    "arange": lambda: failing([i], pt.arange(0, 5, i), 0),
    "max of nothing": lambda: failing([x], x.max(), np.ones(0)),
    "argmax of nothing": lambda: failing([A], A.argmax(0), np.ones((0, 3))),
    "assert": lambda: failing([x, s], Assert("positive")(x, s > 0), SIX, -1.0),
    "Python step": lambda: failing([x], PythonStep()(x) + 1, -1000 * SIX),
    "Python step in a scan": lambda: failing(
        [x], scan_of(lambda c: PythonStep()(c) * 3, outputs_info=[x], n_steps=9), -SIX
    ),
    "scan": lambda: failing(
        [A, x], scan_of(lambda c: A @ c, outputs_info=[x], n_steps=3), np.ones((6, 5)), SIX
    ),
    "updates": failing_update,
}  # fmt: skip


# ---- measuring ---------------------------------------------------------------------------


def growth(call, count: int) -> tuple[int, float]:
    """Growth of memory over `count` calls after a warm-up, and seconds taken."""
    for _ in range(max(count // 20, 100)):
        call()
    gc.collect()
    before, start = resident(), time.perf_counter()
    for _ in range(count):
        call()
    seconds = time.perf_counter() - start
    gc.collect()
    return resident() - before, seconds


def measure(table, count: int, only: str) -> int:
    """Measure every program of a table; the number of those that grew."""
    grown = 0
    for name, build in table.items():
        if only not in name:
            continue
        call = build() if table is not PROGRAMS else callable_of(build)
        bytes_, seconds = growth(call, count)
        if bytes_ > LIMIT:
            # Once more: the allocator may have had its own reasons.
            bytes_, seconds = growth(call, count)
        grown += bytes_ > LIMIT
        verdict = "GREW" if bytes_ > LIMIT else "ok"
        print(f"{verdict:5}{name:28}{bytes_ / 1024:9.0f} KiB {1e6 * seconds / count:9.2f} us")
    return grown


def numbered(n: int, **options):
    """Compile a program that no other is equal to."""
    a = pytensor.shared(np.ones(6))
    body = pt.exp(x * y) + n
    for power in range(n % 5):
        body = body * pt.cos(x + power * (n + 0.5)) - a
    outputs = [body, pt.outer(x, body)]
    return pytensor.function([x, y], outputs, updates={a: a + n % 7}, **options)


def make_and_drop(n: int):
    """Compile a program, call it, and give a weak reference to it."""
    f = numbered(n)
    f(VALUES[x], VALUES[y])
    return weakref.ref(f)


def promote_and_drop(n: int):
    """The same; in between its loops are compiled, in one way or another."""
    f = numbered(n, profile=n % 3 == 0 or None)
    f(VALUES[x], VALUES[y])
    if n % 2:
        f = pickle.loads(pickle.dumps(f))
        f(VALUES[x], VALUES[y])
    promotion = f.vm.promotion
    if n % 4 < 2:
        f.vm.make_native()
    elif promotion is not None:
        promotion.watch(0.0)  # hot at the next call
        f(VALUES[x], VALUES[y])
    if n % 8 < 6:  # the others are dropped while the compiler runs
        del promotion
        tiers.wait(60)
    f(VALUES[x], VALUES[y])
    return weakref.ref(f)


def exchanged(build, pickled=False, **options):
    """A call of a program; one in the middle of all compiles the loops."""
    outputs = build()
    inputs = inputs_of(outputs)
    with pytensor.config.change_flags(compile__tier="auto"):
        f = pytensor.function(inputs, outputs, **options)
    if pickled:
        f = pickle.loads(pickle.dumps(f))
    values = [VALUES[v] for v in inputs]
    count = [0]

    def call():
        count[0] += 1
        if count[0] == EXCHANGE_AT and hasattr(f.vm, "make_native"):
            f.vm.make_native()
        f(*values)

    return call


EXCHANGE_AT = 20_000

SWAPS = {
    "exchanged: elemwise": lambda: exchanged(lambda: pt.exp(x) * y + 1.5),
    "exchanged: sums": lambda: exchanged(lambda: [A.sum(0) * 1.5, pt.tanh(A).max(1), A.mean()]),
    "exchanged: integers": lambda: exchanged(lambda: (k * 3) // 2 - k),
    "exchanged: softmax": lambda: exchanged(lambda: pt.special.softmax(pt.exp(A), axis=1)),
    "exchanged: ifelse": lambda: exchanged(lambda: ifelse(s > 0, pt.exp(x) * 2.5, pt.sin(x))),
    "exchanged: scan": lambda: exchanged(
        lambda: scan_of(lambda c: pt.tanh(A @ c) * 1.5, outputs_info=[x], n_steps=4)
    ),
    "exchanged: profiled": lambda: exchanged(lambda: pt.exp(x) * y + 2.5, profile=True),
    "exchanged: unpickled": lambda: exchanged(lambda: pt.exp(x) * y + 3.5, pickled=True),
    "exchanged: gradient": lambda: exchanged(
        lambda: pytensor.grad((pt.tanh(A @ x) * 1.5).sum(), [A, x])
    ),
}


def footprint() -> dict[str, int]:
    gc.collect()
    return {
        "memory": resident(),
        "threads": kernel_threads(),
        "python threads": threading.active_count(),
        "files": open_files(),
        "objects": mapped_objects(),
    }


def settle() -> None:
    """Give threads that compile in the background time to end."""
    deadline = time.monotonic() + 20
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)


def drop(cycles: int, make=make_and_drop, warm: int = 20) -> int:
    """Compile and drop; every 20 cycles tell what the process holds. Give the number of faults."""
    alive = 0
    before = None
    for n in range(cycles):
        dropped = make(n)
        tiers.wait(60)
        gc.collect()
        alive += dropped() is not None
        if n + 1 == warm:
            settle()
            before = footprint()
        if (n + 1) % 20 == 0:
            print(n + 1, footprint(), flush=True)
    settle()
    after = footprint()
    print("before", before, "after", after, "alive", alive)
    slack = {"memory": 4 * LIMIT, "objects": 4, "files": 2, "threads": 1, "python threads": 0}
    faults = [name for name, room in slack.items() if after[name] > before[name] + room]
    if faults or alive:
        print("GREW", faults, "alive:", alive)
    return len(faults) + alive


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["calls", "errors", "drop", "tiers"])
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if options.what == "drop":
        return min(drop(options.count or 200), 1)
    if options.what == "tiers" and not options.only:
        grown = drop(200, promote_and_drop)
        return min(grown + measure(SWAPS, options.count or 100_000, ""), 1)
    count = options.count or 100_000
    tables = {"calls": [PROGRAMS, ENTRIES], "errors": [ERRORS], "tiers": [SWAPS]}[options.what]
    return min(sum(measure(table, count, options.only) for table in tables), 1)


if __name__ == "__main__":
    sys.exit(main())
