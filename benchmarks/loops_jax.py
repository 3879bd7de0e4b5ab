"""The other end of `benchmarks.loops.JaxWorker`: times `jax.jit` with NumPy arrays in and out."""

import json
import math
import os
import sys
import time

# One thread: the processor's time of all threads is what counts.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["OMP_NUM_THREADS"] = "1"

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)


def prepare(request):
    """Compile a case and return the function without arguments, and how often a round calls it."""
    arrays = np.load(request["file"])
    x, y = arrays["x"], arrays["y"]
    compiled = jax.jit(eval(f"lambda x, y: {request['case']}", {"jnp": jnp}))

    def call():
        result = compiled(x, y)
        for part in result if isinstance(result, tuple) else (result,):
            np.asarray(part)

    call()
    start = time.perf_counter()
    call()
    taken = time.perf_counter() - start
    return call, max(1, math.ceil(request["seconds"] / max(taken, 1e-7)))


def main():
    call, calls = None, 0
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        if "case" in request:
            try:
                call, calls = prepare(request)
            except Exception as error:  # shapes that are not known (masks): said, not fatal
                call, answer = None, {"error": str(error)[:200]}
        elif call is not None:
            start = time.process_time()
            for _ in range(calls):
                call()
            answer = {"seconds": (time.process_time() - start) / calls}
        else:
            answer = {"seconds": float("nan")}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
