"""What is computed: one record per row of the battery, in the order of the table."""

from __future__ import annotations

from benchmarks.workloads.base import Workload
from benchmarks.workloads.graphs import GROWTH_FAMILIES, GROWTH_SIZES, growth_row
from benchmarks.workloads.graphs import ROWS as GRAPH_ROWS
from benchmarks.workloads.models import ROWS as MODEL_ROWS
from benchmarks.workloads.networks import ROWS as NETWORK_ROWS
from benchmarks.workloads.products import ROWS as PRODUCT_ROWS

__all__ = ["GROWTH_FAMILIES", "GROWTH_SIZES", "ROWS", "Workload", "find_row", "growth_row"]

ROWS: tuple[Workload, ...] = (*PRODUCT_ROWS, *MODEL_ROWS, *NETWORK_ROWS, *GRAPH_ROWS)


def find_row(name: str) -> Workload:
    """Return the row called `name`; names like ``growth deep 5000`` make one."""
    if name.startswith("growth "):
        _, family, nodes = name.split()
        return growth_row(family, int(nodes))
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f"[benchmarks] row must be one of {[row.name for row in ROWS]}, got {name!r}")
