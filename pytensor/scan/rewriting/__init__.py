"""What is simplified about loops before they are compiled."""

from pytensor.scan.rewriting.db import scan_eqopt1, scan_eqopt2
from pytensor.scan.rewriting.inner_graph import ScanInnerGraph
from pytensor.scan.rewriting.inplace import ScanInplaceOptimizer
from pytensor.scan.rewriting.merge import (
    ScanMerge,
    scan_inline_invariant_constants,
    scan_merge_duplicate_inputs,
    scan_merge_inouts,
)
from pytensor.scan.rewriting.push_out import scan_push_out_non_seq, scan_push_out_seq
from pytensor.scan.rewriting.push_out_after import scan_push_out_add, scan_push_out_dot1
from pytensor.scan.rewriting.same_steps import ScanSameSteps
from pytensor.scan.rewriting.trace import scan_reduce_trace, scan_sit_sot_to_untraced
from pytensor.scan.rewriting.unused import scan_remove_unused

__all__ = [
    "ScanInnerGraph",
    "ScanInplaceOptimizer",
    "ScanMerge",
    "ScanSameSteps",
    "scan_eqopt1",
    "scan_eqopt2",
    "scan_inline_invariant_constants",
    "scan_merge_duplicate_inputs",
    "scan_merge_inouts",
    "scan_push_out_add",
    "scan_push_out_dot1",
    "scan_push_out_non_seq",
    "scan_push_out_seq",
    "scan_reduce_trace",
    "scan_remove_unused",
    "scan_sit_sot_to_untraced",
]
