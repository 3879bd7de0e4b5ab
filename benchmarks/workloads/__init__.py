"""What is computed: one record per row of the battery, in the order of the table."""

from __future__ import annotations

from benchmarks.workloads.base import Workload
from benchmarks.workloads.graphs import GROWTH_FAMILIES, GROWTH_SIZES, growth_row
from benchmarks.workloads.graphs import ROWS as GRAPH_ROWS
from benchmarks.workloads.models import ROWS as MODEL_ROWS
from benchmarks.workloads.networks import ROWS as NETWORK_ROWS
from benchmarks.workloads.products import ROWS as PRODUCT_ROWS
from benchmarks.workloads.products import normal, product
from benchmarks.workloads.scans import ROWS as SCAN_ROWS

__all__ = [
    *("GROWTH_FAMILIES", "GROWTH_SIZES", "ROWS", "SCAN_ROWS", "Workload", "find_row"),
    *("growth_row", "threads_row"),
]

ROWS: tuple[Workload, ...] = (*PRODUCT_ROWS, *MODEL_ROWS, *NETWORK_ROWS, *GRAPH_ROWS)


def threads_row(n: int) -> Workload:
    """Return the row of a plain product of two n x n matrices."""
    return Workload(f"product {n}", "product", normal((n, n), (n, n)), product)


def find_row(name: str) -> Workload:
    """Return the row called `name`; ``growth deep 5000`` and ``product 600`` make one."""
    if name.startswith("growth "):
        _, family, nodes = name.split()
        return growth_row(family, int(nodes))
    if name.startswith("product "):
        return threads_row(int(name.split()[1]))
    for row in (*ROWS, *SCAN_ROWS):
        if row.name == name:
            return row
    raise ValueError(f"[benchmarks] row must be one of {[row.name for row in ROWS]}, got {name!r}")
