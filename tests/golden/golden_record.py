"""From a program to the text on record: what the default mode makes of it, without compiling C."""

from __future__ import annotations

from functools import cache

import numpy as np
from golden_programs import PROGRAMS

from pytensor.compile.maker import function
from pytensor.compile.mode import Mode, get_mode
from pytensor.configdefaults import config
from pytensor.link.basic import Linker
from pytensor.link.c.linker import CLinker
from pytensor.link.c.lower import KERNEL, lower
from pytensor.link.py.linker import PyLinker
from pytensor.link.schedule import schedule
from pytensor.printing import debugprint


class OnlyLowered(Linker):
    """Lowers a graph to C text as the C linker does, and runs it in Python."""

    required_rewrites = CLinker.required_rewrites
    incompatible_rewrites = CLinker.incompatible_rewrites

    def make_program(self, fgraph=None, *, profile=None, name=None):
        return PyLinker().make_program(fgraph, profile=profile, name=name)


@cache
def compiled(name: str):
    """Return the rewritten graph of a program."""
    inputs, outputs, updates = PROGRAMS[name]()
    mode = Mode(OnlyLowered(), get_mode("FAST_RUN").provided_optimizer)
    with config.change_flags(floatX="float64"):
        made = function(
            inputs, outputs, updates=updates, mode=mode, name=name, on_unused_input="ignore"
        )
    return made.maker.fgraph


def graph_text(name: str) -> str:
    """Return the rewritten graph, with what overwrites and what views its inputs."""
    return debugprint(compiled(name), file="str", print_memory_map=True)


def c_text(name: str) -> str:
    """Return the steps and the C written for this program: not the files it includes.

    Which kernels were compiled beforehand depends on the installation, so all are shown, the
    program's own loops first.
    """
    fgraph = compiled(name)
    with config.change_flags(compile__tier="native"):
        lowered = lower(fgraph, schedule(fgraph, fgraph.toposort()))
    functions = [
        (not {"blas", "lapack"}.isdisjoint(f.kernel.flags), f)
        for unit in lowered.units
        for f in unit.functions
    ]
    helpers = dict.fromkeys(text for _, f in functions for text in f.kernel.functions)
    own = [f.text("own") for library, f in functions if not library]
    called = sorted(f.text("calls_blas") for library, f in functions if library)
    kinds = np.frombuffer(lowered.tables["steps"], dtype=np.int32).reshape(-1, 6)[:, 0]
    steps = [
        f"{i:3} {'C     ' if kind == KERNEL else 'Python'} {'skip' if node is None else node.op}"
        for i, (kind, node) in enumerate(zip(kinds, lowered.step_nodes, strict=True))
    ]
    text = "\n".join(["/* Steps", *steps, "*/", *helpers, *own, *called])
    # The casts to void keep compilers quiet and readers busy.
    kept = [line.rstrip() for line in text.splitlines() if not line.startswith("    (void)")]
    return "\n".join(kept) + "\n"
