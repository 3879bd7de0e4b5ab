"""Measure how the time of the engine grows with the graph: ``python scaling.py``.

Three families of toy graphs, each rewritten by the same rules and merged; prints seconds
and the exponent of a power law through the first and the last size.
"""

import math
import random
import sys
import time

from toy import op1, op2, op3, op4, op5, variable

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import (
    EquilibriumGraphRewriter,
    MergeOptimizer,
    OpSub,
    PatternNodeRewriter,
    in2out,
)


def chain(n):
    """A chain with something to cancel at every third node."""
    var = variable("x")
    while n > 0:
        var = op3(op2(op1(var)))
        n -= 3
    return var


def fan(n):
    """One node that reads everything, half of it twice the same."""
    x = variable("x")
    return op5(*(op2(op1(op4(variable(f"v{i // 2}"), x))) for i in range(n // 3)))


def mesh(n):
    """Nodes that read two random earlier ones."""
    rng = random.Random(1)
    known = [variable(f"v{i}") for i in range(10)]
    ops = (op1, op2, op3, op4)
    for _ in range(n):
        known.append(rng.choice(ops)(rng.choice(known[-20:]), rng.choice(known[-20:])))
    return op5(*known[-20:])


def rewrite(build, n):
    """Rewrite and merge a graph of about `n` nodes; return the seconds without building it."""
    rules = [
        PatternNodeRewriter((op2, (op1, "a")), (op4, "a")),
        PatternNodeRewriter((op3, (op4, "a")), "a"),
        PatternNodeRewriter((op1, "a", "b"), (op4, "b", "a")),
        OpSub(op3, op2),
    ]
    fgraph = FunctionGraph(outputs=[build(n)], clone=False)
    start = time.process_time()
    MergeOptimizer().rewrite(fgraph)
    EquilibriumGraphRewriter(
        rules, ignore_newtrees=False, cleanup_rewriters=[MergeOptimizer()]
    ).rewrite(fgraph)
    in2out(OpSub(op4, op1)).rewrite(fgraph)
    return time.process_time() - start


def exponent(build, sizes):
    """Return times and the exponent between the first and the last size."""
    times = [min(rewrite(build, n) for _ in range(3)) for n in sizes]
    return times, math.log(times[-1] / times[0]) / math.log(sizes[-1] / sizes[0])


if __name__ == "__main__":
    all_sizes = [int(arg) for arg in sys.argv[1:]] or [1_000, 5_000, 20_000]
    for family in (chain, fan, mesh):
        measured, power = exponent(family, all_sizes)
        print(f"{family.__name__:6} {[f'{t:.3f}' for t in measured]} exponent {power:.2f}")
