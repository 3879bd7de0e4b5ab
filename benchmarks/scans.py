"""``python -m benchmarks steps``: what a step of a loop costs, beside C and Numba by hand and `jax.lax.scan`.

Each case is timed in turns: this package (shapes not declared, compiled natively), the same loop in C
(`scans_floor.c`, this package's flags and BLAS; only where one would write it), and in another
interpreter (``--peer PYTHON``) `numba.njit` and `jax.jit`. The processor time of the thread is taken.
"""

# ruff: noqa: PLC0415  (the package is imported when it is measured)
from __future__ import annotations

import argparse
import ctypes
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.loops import round_of

WORKER = Path(__file__).with_name("scans_peers.py")
FLOOR = Path(__file__).with_name("scans_floor.c")
LOG_2PI = 1.8378770664093453


@dataclass(frozen=True)
class Case:
    """One loop: its name in all languages, its arrays, its steps, and what builds it here."""

    name: str
    steps: int
    arguments: Callable[[], list[np.ndarray]]
    ours: Callable


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


def kalman_arrays(states: int, steps: int) -> Callable[[], list[np.ndarray]]:
    def arguments():
        F = np.eye(states) * 0.9 + 0.05 * np.tri(states, k=-1).T / states
        return [
            _rng().standard_normal(steps),
            F,
            0.1 * np.eye(states),
            np.ones(states),
            np.array(0.5),
        ]

    return arguments


def rnn_arrays() -> list[np.ndarray]:
    rng = _rng()
    sizes = (200, 16, 32), (32, 32), (32, 32), (32,)
    return [rng.standard_normal(size) * 0.2 for size in sizes]


def spd(n: int) -> np.ndarray:
    B = _rng().standard_normal((n, n))
    return B @ B.T / n + np.diag(np.linspace(0, 3, n))


def _scan(*args, **kwargs):
    import pytensor

    return pytensor.scan(*args, return_updates=False, **kwargs)


def ar1(e, phi):
    return _scan(lambda e, x, phi: phi * x + e, e, [np.float64(0.0)], phi)


def ar3(e, phi):
    import pytensor.tensor as pt

    first = {"initial": pt.zeros(3), "taps": [-1, -2, -3]}
    return _scan(
        lambda e, x1, x2, x3, phi: phi[0] * x1 + phi[1] * x2 + phi[2] * x3 + e, e, [first], phi
    )


def two_outputs(e, phi):
    return _scan(
        lambda e, x, s, phi: [phi * x + e, 0.9 * s + 0.1 * x * x],
        e,
        [np.float64(0.0), np.float64(1.0)],
        phi,
    )


def logistic(x, r):
    return _scan(lambda x, r: r * x * (1 - x), outputs_info=x, non_sequences=r, n_steps=10_000)


def newton(a):
    """The cube root, again and again, as long as it changes."""
    import pytensor.tensor as pt
    from pytensor.scan.utils import until

    def step(x, a):
        new = x - 0.001 * (x**3 - a) / (3 * x**2)
        return new, until(pt.abs(new - x) < 1e-12)

    return _scan(step, outputs_info=a, non_sequences=a, n_steps=100_000)[-1]


def kalman(y, F, Q, h, r):
    import pytensor.tensor as pt

    def step(observed, m, P, F, Q, h, r):
        m, P = F @ m, F @ P @ F.T + Q
        Ph = P @ h
        s, v = h @ Ph + r, observed - h @ m
        logp = -0.5 * (pt.log(s) + v * v / s + LOG_2PI)
        return m + Ph * (v / s), P - pt.outer(Ph, Ph / s), logp

    first = [pt.zeros((h.shape[0],)), pt.eye(h.shape[0]), None]
    m, _, logp = _scan(step, y, first, [F, Q, h, r])
    return logp.sum(), m[-1]


def vector_ar(e, A):
    return _scan(lambda e, x, A: A @ x + e, e, [e[0] * 0], A)


def rnn(xs, W, U, b):
    import pytensor.tensor as pt

    first = pt.zeros((xs.shape[1], W.shape[0]))
    return _scan(lambda x, h, W, U, b: pt.tanh(h @ W + x @ U + b), xs, [first], [W, U, b])[-1]


def power(v, A):
    import pytensor.tensor as pt

    def step(u, A):
        w = pt.dot(A, u)
        return w / pt.sqrt(pt.sum(w**2))

    return _scan(step, outputs_info=[v], non_sequences=[A], n_steps=400)[-1]


def gradient(build: Callable, *wrt: int) -> Callable:
    """Return what builds the gradient of the sum (of squares, of the first output)."""

    def built(*inputs):
        import pytensor

        out = build(*inputs)
        cost = out[0] if isinstance(out, tuple) else (out**2).sum()
        return pytensor.grad(cost, [inputs[i] for i in wrt])

    return built


def _noise(*shape: int) -> np.ndarray:
    return _rng().standard_normal(shape)


CASES = [
    Case("ar1", 10_000, lambda: [_noise(10_000), np.array(0.9)], ar1),
    Case("ar3", 10_000, lambda: [_noise(10_000), np.array([0.5, 0.2, 0.1])], ar3),
    Case("two_outputs", 10_000, lambda: [_noise(10_000), np.array(0.9)], two_outputs),
    Case("logistic_map", 10_000, lambda: [np.array(0.3), np.array(2.9)], logistic),
    Case("newton", 19_000, lambda: [np.array(7.0)], newton),
    Case("kalman3", 1000, kalman_arrays(3, 1000), kalman),
    Case("kalman10", 500, kalman_arrays(10, 500), kalman),
    Case("vector_ar5", 1000, lambda: [_noise(1000, 5), spd(5) * 0.1], vector_ar),
    Case("vector_ar50", 1000, lambda: [_noise(1000, 50), spd(50) * 0.1], vector_ar),
    Case("rnn", 200, rnn_arrays, rnn),
    Case("power12", 400, lambda: [_noise(12), spd(12)], power),
    Case("power200", 400, lambda: [_noise(200), spd(200)], power),
    Case("grad_ar1", 10_000, lambda: [_noise(10_000), np.array(0.9)], gradient(ar1, 1)),
    Case("grad_kalman3", 1000, kalman_arrays(3, 1000), gradient(kalman, 1, 4)),
    Case("grad_vector_ar5", 1000, lambda: [_noise(1000, 5), spd(5) * 0.1], gradient(vector_ar, 1)),
    Case("grad_rnn", 200, rnn_arrays, gradient(rnn, 1, 2, 3)),
]


def compiled(case: Case, arrays: list[np.ndarray], declare: bool) -> Callable:
    """Return this package's function, compiled for the shapes of its first call."""
    import pytensor
    import pytensor.tensor as pt

    with pytensor.config.change_flags(compile__tier="native"):
        inputs = [
            pt.tensor(dtype=x.dtype, shape=x.shape if declare else (None,) * x.ndim) for x in arrays
        ]
        outputs = case.ours(*inputs)
        outputs = list(outputs) if isinstance(outputs, tuple | list) else outputs
        function = pytensor.function(inputs, outputs, on_unused_input="ignore")
        function.trust_input = True
        function(*arrays)
    return function


def by_hand(case: Case, arrays: list[np.ndarray], results: list[np.ndarray]) -> Callable | None:
    """Return the loop in C, if there is one; results go to arrays that exist."""
    from benchmarks.frontends import with_c

    if not any(f"FLOOR({case.name})" in path.read_text() for path in (FLOOR, with_c.SOURCE)):
        return None
    library = with_c.shared_object(FLOOR)
    function = getattr(ctypes.CDLL(str(library)), case.name)
    function.restype = None
    return with_c.Floor(function, [x.copy() for x in arrays], results, case.steps)


def _seconds(peer: Peer, who: str) -> float:
    return peer.ask(run=who)["seconds"]


class Peer:
    """Numba and JAX in another interpreter: one line of JSON asks, one answers."""

    def __init__(self, python: str):
        self._process = subprocess.Popen(
            [python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request) -> dict:
        assert self._process.stdin and self._process.stdout, "both are pipes"
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def prepare(self, case: Case, arrays: list[np.ndarray], seconds: float) -> list[str]:
        """Compile the case there; return who has it."""
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            np.savez(file, *arrays)
            file.flush()
            return self.ask(case=case.name, file=file.name, steps=case.steps, seconds=seconds)["by"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def measure(case: Case, peer: Peer | None, rounds: int, seconds: float) -> dict:
    """Return nanoseconds per step of everybody (medians), and ratios of ours to theirs."""
    arrays = case.arguments()
    function = compiled(case, arrays, declare=False)
    results = function(*arrays)
    results = results if isinstance(results, list) else [results]
    timers = {
        "ours": round_of(function, arrays, seconds),
        "declared": round_of(compiled(case, arrays, declare=True), arrays, seconds),
    }
    hand = by_hand(case, arrays, [np.empty_like(x) for x in results])
    answer: dict = {"name": case.name, "steps": case.steps}
    if hand is not None:
        if not all(map(np.allclose, hand(*arrays), results)):
            answer["error"] = "C computes something else"
        timers["C"] = round_of(lambda *_: hand.repeat(1), arrays, seconds)
    for who in peer.prepare(case, arrays, seconds) if peer else ():
        assert peer is not None, "it answered"
        timers[who] = partial(_seconds, peer, who)
        theirs = peer.ask(result=who)["value"]
        if not np.allclose(np.asarray(theirs), np.ravel(results[0])[:3], rtol=1e-5):
            answer["error"] = f"{who} computes something else: {theirs}, {np.ravel(results[0])[:3]}"
    taken: dict[str, list[float]] = {who: [] for who in timers}
    for _ in range(rounds):
        for who, timer in timers.items():
            taken[who].append(timer())
    for who, times in taken.items():
        answer[who] = round(statistics.median(times) / case.steps * 1e9, 2)
        if who not in ("ours", "declared"):
            ratios = [a / max(b, 1e-12) for a, b in zip(taken["ours"], times, strict=True)]
            answer[f"to_{who}"] = round(statistics.median(ratios), 2)
    return answer


def report(results: list[dict]) -> None:
    print("nanoseconds per step; in brackets our time in units of theirs")
    print(f"{'':16} {'ours':>9} {'declared':>9} {'C':>17} {'numba':>17} {'jax':>17}")
    for r in results:
        cells = [
            f"{r[who]:9.1f} ({r[f'to_{who}']:5.2f})" if who in r else " " * 17
            for who in ("C", "numba", "jax")
        ]
        print(f"{r['name']:16} {r['ours']:9.1f} {r['declared']:9.1f} {' '.join(cells)}")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks steps", description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose names match")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has numba and jax")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.01, help="of one batch of calls")
    parser.add_argument("--out", type=Path, help="a file for the figures as JSON")
    given = parser.parse_args(words)
    peer = Peer(given.peer) if given.peer else None
    try:
        cases = [case for case in CASES if re.search(given.only, case.name)]
        results = [measure(case, peer, given.rounds, given.seconds) for case in cases]
    finally:
        if peer is not None:
            peer.close()
    report(results)
    wrong = [r for r in results if "error" in r]
    for r in wrong:
        print(f"WRONG: {r['name']}: {r['error']}")
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
