"""Rewriting time of a chain of ``tanh(W h + b)`` with gradients, and what of it the BLAS stages take."""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytensor
import pytensor.tensor as pt
from benchmarks.blas.chain import chain
from pytensor.compile.mode import Mode
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.trace import rewrite_trace

LAYERS = (50, 100, 200, 420)
QUICK_LAYERS = (3, 6)
BLAS_STAGES = ("blas_prepare", "blas", "InplaceBlasOpt", "reassociate_matmul_chain")

PEER_PROGRAM = """
{chain}
import json, sys, time
import pytensor, pytensor.tensor as pt
from pytensor.compile.mode import Mode

def take(layers):
    inputs, outputs = chain(layers, pytensor, pt)
    start = time.perf_counter()
    pytensor.function(inputs, outputs, mode=Mode("py", "fast_run"))
    return time.perf_counter() - start

take(2)
print(json.dumps(take(int(sys.argv[1]))))
"""
CHAIN = Path(__file__).with_name("chain.py")


def run(effort, say: Callable[[str], None]) -> dict[str, dict]:
    """Return for every size: nodes, seconds of rewriting, and of the BLAS stages.

    Attributes of a record: ``values`` (seconds, one a round), ``blas`` (share of the total),
    ``nodes``. The peer named by ``BENCHMARK_UPSTREAM`` (an interpreter) is measured once a size
    until one takes longer than 120 s; its time includes linking in Python, which is little.
    """
    found: dict[str, dict] = {}
    once(2)  # rules are loaded and dispatch tables built
    for layers in QUICK_LAYERS if effort.quick else LAYERS:
        rounds = [once(layers) for _ in range(min(3, effort.rounds))]
        nodes, (_, seconds, shares) = rounds[0][0], (list(c) for c in zip(*rounds, strict=True))
        name = f"tanh(W @ h + b) and gradients, {nodes} nodes"
        found[name] = {
            "labels": {"layers": layers, "nodes": nodes},
            "ours": {"values": seconds, "blas": shares},
        }
        say(f"  {name}  {statistics.median(seconds):.2f} s")
    python = os.environ.get("BENCHMARK_UPSTREAM", "")
    for name, record in found.items() if python else ():
        record["upstream"] = ask_peer(python, record["labels"]["layers"])
        say(f"  {name}, upstream  {record['upstream']}")
        if "values" not in record["upstream"]:
            break
    return found


def once(layers: int) -> tuple[int, float, float]:
    """Return nodes of the graph, seconds of compiling it for Python, and the BLAS stages' share.

    Processor time; linking in Python is a few percent of it. The share is one of the clock's time
    in a second run, which is traced and therefore slower.
    """
    inputs, outputs = chain(layers, pytensor, pt)
    nodes = len(FunctionGraph(inputs, outputs, clone=True).apply_nodes)
    total, _ = compile_for_python(inputs, outputs)
    inputs, outputs = chain(layers, pytensor, pt)
    with rewrite_trace() as trace:
        _, traced = compile_for_python(inputs, outputs)
    stages = {f"stage {name}" for name in BLAS_STAGES}
    blas = sum(t.seconds for name, t in trace.totals.items() if name in stages)
    return nodes, total, blas / traced


def compile_for_python(inputs, outputs) -> tuple[float, float]:
    """Return processor and clock seconds."""
    start = time.process_time(), time.perf_counter()
    pytensor.function(inputs, outputs, mode=Mode("py", "fast_run"))
    return time.process_time() - start[0], time.perf_counter() - start[1]


def ask_peer(python: str, layers: int, limit: float = 120.0) -> dict:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PYTENSOR_FLAGS"] = "linker=py,cxx="
    command = [python, "-P", "-c", PEER_PROGRAM.replace("{chain}", CHAIN.read_text()), str(layers)]
    try:
        done = subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return {"skipped": f"> {limit:.0f} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    return {"values": [json.loads(done.stdout.splitlines()[-1])]}


def exponents(found: dict[str, dict], name: str = "ours") -> list[float]:
    """Return the growth exponent of every step from one size to the next."""
    points = [
        (record["labels"]["nodes"], statistics.median(record[name]["values"]))
        for record in found.values()
        if record.get(name, {}).get("values")
    ]
    return [
        math.log(after[1] / before[1]) / math.log(after[0] / before[0])
        for before, after in itertools.pairwise(points)
    ]
