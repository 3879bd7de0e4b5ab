"""C implementations of Ops, registered by dispatch; one file per subject.

A file is imported when a graph has an Op that it implements: most programs need few of them.
"""

import importlib
import pkgutil
import sys
import threading
from typing import Any

from pytensor.utils import free_after_fork

# The classes of Ops each file is for. (`tests/link/c/test_dispatch_index.py` compares with what
# the files register.) A file that is not named is imported with the first Op.
IMPLEMENTED = {
    "advanced": "AdvancedSubtensor AdvancedIncSubtensor Nonzero",
    "alloc": (
        "Alloc AllocEmpty MakeVector ScalarFromTensor TensorFromScalar DeepCopyOp TypeCastingOp "
        "ARange Eye CheckAndRaise"
    ),
    "basic": "",
    "blas": "Gemm Dot22 Dot22Scalar Gemv Ger Syrk Dot BatchedDot BatchedGemm",
    "blockwise": "Blockwise",
    "conditional": "IfElse",
    "convolve": "Convolve1d Convolve2d",
    "diagonal": "ExtractDiag AllocDiag SetDiag",
    "elemwise": "Elemwise",
    "joining": "Join Split",
    "lapack": "",
    "lapack_lu": "MatrixInverse Det SLogDet LU LUFactor PivotToPermutations Solve",
    "lapack_spectral": "QR SVD MatrixPinv Eigh Eigvalsh Eig Schur Lstsq",
    "lapack_tridiagonal": "LUFactorTridiagonal SolveLUFactorTridiagonal",
    "lines": "Argmax CumOp Repeat",
    "parameters": "",
    "reduce": "CAReduce",
    "scalar": "",
    "scalar_kernel": "ScalarOp",
    "scalar_while": "",
    "scan": "Scan",
    "scan_body": "",
    "scan_loop": "",
    "scan_static": "",
    "shape": "DimShuffle Reshape JoinDims SplitDims Shape Shape_i SpecifyShape",
    "static_linalg": "",
    "static_ops": "",
    "static_products": "",
    "static_values": "",
    "softmax": "Softmax LogSoftmax",
    "sorting": "SortOp ArgSortOp SearchsortedOp Unique",
    "sparse": "SparseProduct",
    "sparse_kernels": "",
    "subtensor": "Subtensor IncSubtensor",
    "triangular": "CholeskySolve SolveTriangular Cholesky TrmmRelated",
}
# Files for Ops that take long to import: with all others only where the Ops are known already.
_NEEDS = dict.fromkeys(("scan", "scan_body", "scan_static"), "pytensor.scan.op")

_lock = free_after_fork(threading.RLock())
_wanted: dict[str, list[str]] = {}
_imported: set[str] = set()


def load_dispatch(op: Any = None) -> None:
    """Import the files that implement `op`, or its core, all files if it is ``None``."""
    if not _wanted:
        _look_around()
    if op is None:
        for name in dict.fromkeys(name for names in _wanted.values() for name in names):
            if name not in _NEEDS or _NEEDS[name] in sys.modules:
                _import(name)
        return
    while op is not None:
        for cls in type(op).__mro__:
            for name in _wanted.get(cls.__name__, ()):
                if name not in _imported:
                    _import(name)
        op = getattr(op, "core_op", None)


def _look_around() -> None:
    wanted: dict[str, list[str]] = {}
    for module in pkgutil.iter_modules(__path__):
        classes = IMPLEMENTED.get(module.name, "object")
        for cls in classes.split() or [""]:
            wanted.setdefault(cls, []).append(module.name)
    _wanted.update(wanted)


def _import(name: str) -> None:
    with _lock:  # a second thread waits for the implementations
        importlib.import_module(f"{__name__}.{name}")
        _imported.add(name)
