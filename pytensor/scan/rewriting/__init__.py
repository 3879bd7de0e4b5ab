"""What is simplified about loops before they are compiled."""

from pytensor.scan.rewriting.inner_graph import ScanInnerGraph
from pytensor.scan.rewriting.inplace import ScanInplaceOptimizer

__all__ = ["ScanInnerGraph", "ScanInplaceOptimizer"]
