"""What is simplified about loops before they are compiled."""

from pytensor.scan.rewriting.db import scan_eqopt1, scan_eqopt2
from pytensor.scan.rewriting.inner_graph import ScanInnerGraph
from pytensor.scan.rewriting.inplace import ScanInplaceOptimizer
from pytensor.scan.rewriting.trace import scan_reduce_trace, scan_sit_sot_to_untraced
from pytensor.scan.rewriting.unused import scan_remove_unused

__all__ = [
    "ScanInnerGraph",
    "ScanInplaceOptimizer",
    "scan_eqopt1",
    "scan_eqopt2",
    "scan_reduce_trace",
    "scan_remove_unused",
    "scan_sit_sot_to_untraced",
]
