"""The other end of `benchmarks.scans.Peer`: loops by hand for `numba.njit`, and `jax.lax.scan`."""

# ruff: noqa: E402  (the variables are read when the libraries are imported)
import json
import math
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import jax
import jax.numpy as jnp
import numba
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
LOG_2PI = 1.8378770664093453


class ByNumba:
    @staticmethod
    def ar1(e, phi):
        x, last, p = np.empty_like(e), 0.0, phi.item()
        for t in range(len(e)):
            last = p * last + e[t]
            x[t] = last
        return x

    @staticmethod
    def ar3(e, phi):
        x, a, b, c = np.empty_like(e), 0.0, 0.0, 0.0
        for t in range(len(e)):
            new = phi[0] * a + phi[1] * b + phi[2] * c + e[t]
            c, b, a = b, a, new
            x[t] = new
        return x

    @staticmethod
    def two_outputs(e, phi):
        x, s, a, b, p = np.empty_like(e), np.empty_like(e), 0.0, 1.0, phi.item()
        for t in range(len(e)):
            a, b = p * a + e[t], 0.9 * b + 0.1 * a * a
            x[t], s[t] = a, b
        return x, s

    @staticmethod
    def logistic_map(x, r):
        z, last, rate = np.empty(10_000), x.item(), r.item()
        for t in range(10_000):
            last = rate * last * (1 - last)
            z[t] = last
        return z

    @staticmethod
    def newton(a):
        a0 = a.item()
        x = a0
        for _ in range(100_000):
            new = x - 0.001 * (x**3 - a0) / (3 * x**2)
            change = abs(new - x)
            x = new
            if change < 1e-12:
                break
        return x

    @staticmethod
    def kalman3(y, F, Q, h, r):
        m, P, logp = np.zeros(len(h)), np.eye(len(h)), 0.0
        FT, variance = np.ascontiguousarray(F.T), r.item()
        for observed in y:
            m, P = F @ m, F @ P @ FT + Q
            Ph = P @ h
            s, v = h @ Ph + variance, observed - h @ m
            m, P = m + Ph * (v / s), P - np.outer(Ph, Ph / s)
            logp -= 0.5 * (np.log(s) + v * v / s + LOG_2PI)
        return logp, m

    kalman10 = kalman3

    @staticmethod
    def vector_ar5(e, A):
        z, x = np.empty_like(e), np.zeros(e.shape[1])
        for t in range(len(e)):
            x = A @ x + e[t]
            z[t] = x
        return z

    vector_ar50 = vector_ar5

    @staticmethod
    def rnn(xs, W, U, b):
        h = np.zeros((xs.shape[1], W.shape[0]))
        for t in range(len(xs)):
            h = np.tanh(h @ W + xs[t] @ U + b)
        return h

    @staticmethod
    def power12(v, A):
        for _ in range(400):
            w = A @ v
            v = w / np.sqrt((w**2).sum())
        return v

    power200 = power12


def _last(step, first, n):
    return lax.scan(lambda x, _: (step(x), None), first, None, length=n)[0]


class ByJax:
    @staticmethod
    def ar1(e, phi):
        return lax.scan(lambda x, e: (phi * x + e,) * 2, 0.0, e)[1]

    @staticmethod
    def ar3(e, phi):
        def step(x, e):
            new = phi[0] * x[0] + phi[1] * x[1] + phi[2] * x[2] + e
            return (new, x[0], x[1]), new

        return lax.scan(step, (0.0, 0.0, 0.0), e)[1]

    @staticmethod
    def two_outputs(e, phi):
        def step(x, e):
            new = phi * x[0] + e, 0.9 * x[1] + 0.1 * x[0] * x[0]
            return new, new

        return lax.scan(step, (0.0, 1.0), e)[1]

    @staticmethod
    def logistic_map(x, r):
        def step(x, _):
            new = r * x * (1 - x)
            return new, new

        return lax.scan(step, x, None, length=10_000)[1]

    @staticmethod
    def newton(a):
        def step(state):
            x, _, t = state
            new = x - 0.001 * (x**3 - a) / (3 * x**2)
            return new, jnp.abs(new - x), t + 1

        return lax.while_loop(lambda s: (s[1] >= 1e-12) & (s[2] < 100_000), step, (a, 1.0, 0))[0]

    @staticmethod
    def kalman3(y, F, Q, h, r):
        def step(state, observed):
            m, P = state
            m, P = F @ m, F @ P @ F.T + Q
            Ph = P @ h
            s, v = h @ Ph + r, observed - h @ m
            logp = -0.5 * (jnp.log(s) + v * v / s + LOG_2PI)
            return (m + Ph * (v / s), P - jnp.outer(Ph, Ph / s)), logp

        (m, _), logp = lax.scan(step, (jnp.zeros(len(h)), jnp.eye(len(h))), y)
        return logp.sum(), m

    kalman10 = kalman3

    @staticmethod
    def vector_ar5(e, A):
        return lax.scan(lambda x, e: (A @ x + e,) * 2, jnp.zeros(e.shape[1]), e)[1]

    vector_ar50 = vector_ar5

    @staticmethod
    def rnn(xs, W, U, b):
        first = jnp.zeros((xs.shape[1], W.shape[0]))
        return lax.scan(lambda h, x: (jnp.tanh(h @ W + x @ U + b), None), first, xs)[0]

    @staticmethod
    def power12(v, A):
        def step(u):
            w = A @ u
            return w / jnp.sqrt((w**2).sum())

        return _last(step, v, 400)

    power200 = power12

    @staticmethod
    def grad_ar1(e, phi):
        return jax.grad(lambda phi: (ByJax.ar1(e, phi) ** 2).sum())(phi)

    @staticmethod
    def grad_kalman3(y, F, Q, h, r):
        return jax.grad(lambda F, r: ByJax.kalman3(y, F, Q, h, r)[0], (0, 1))(F, r)

    @staticmethod
    def grad_vector_ar5(e, A):
        return jax.grad(lambda A: (ByJax.vector_ar5(e, A) ** 2).sum())(A)

    @staticmethod
    def grad_rnn(xs, W, U, b):
        return jax.grad(lambda *w: (ByJax.rnn(xs, *w) ** 2).sum(), (0, 1, 2))(W, U, b)


def prepare(request):
    """Compile a case for everybody who has it; return their calls."""
    with np.load(request["file"]) as file:
        arrays = [file[name] for name in file.files]
    calls = {}
    if hasattr(ByNumba, request["case"]):
        jitted = numba.njit(getattr(ByNumba, request["case"]))
        calls["numba"] = lambda: jitted(*arrays)
    if hasattr(ByJax, request["case"]):
        compiled = jax.jit(getattr(ByJax, request["case"]))

        def by_jax():
            result = compiled(*arrays)
            return jax.tree.map(np.asarray, result)

        calls["jax"] = by_jax
    return calls


def first(result):
    while isinstance(result, tuple | list):
        result = result[0]
    return np.ravel(result)[:3].tolist()


def main():
    calls, often, seconds = {}, {}, 0.01
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            calls, often, seconds = prepare(request), {}, request["seconds"]
            for who, call in calls.items():
                call()
                start = time.perf_counter()
                call()
                often[who] = max(1, math.ceil(seconds / max(time.perf_counter() - start, 1e-7)))
            answer = {"by": list(calls)}
        elif "result" in request:
            answer = {"value": first(calls[request["result"]]())}
        else:
            call, n = calls[request["run"]], often[request["run"]]
            start = time.process_time()
            for _ in range(n):
                call()
            answer = {"seconds": (time.process_time() - start) / n}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
