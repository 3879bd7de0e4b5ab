"""The laws of arrays, one file per subject; each registers its rules when imported.

`pytensor.tensor` names this package to `optdb`, which imports a subject when a graph has an op
that its rules look at: most graphs need few of them.
"""

import importlib

from pytensor.graph.rewriting.stages import RuleIndex, optdb

# In this order rules of equal standing are tried; a subject builds on the ones above it. After
# the colon: the ops that want the subject, by class (`tests/tensor/rewriting/test_index.py`
# compares with what the rules track). Where rules start at an op as common as `Elemwise` or `Sum`,
# the ops are named without which their patterns cannot be.
RULES = {
    "constants": "*",
    "fills": "Alloc Elemwise DimShuffle CAReduce",
    "joins": "Join Split",
    "useless": (
        "Elemwise(Add) Elemwise(Mul) Elemwise(Neg) Elemwise(AND) Elemwise(OR) Elemwise(XOR) "
        "Elemwise(Invert) Elemwise(Switch) Elemwise(Cast) Elemwise(Identity) CheckAndRaise "
        "GradientMarker ScalarFromTensor TensorFromScalar"
    ),
    "shape_feature": "*",
    "reshape": "Reshape JoinDims SplitDims",
    "shape": "Shape Shape_i SpecifyShape",
    "elemwise": "Elemwise DimShuffle",
    "algebraic": (
        "Elemwise(Add) Elemwise(Sub) Elemwise(Neg) Elemwise(Mul) Elemwise(TrueDiv) "
        "Elemwise(Reciprocal)"
    ),
    "arithmetic": (
        "Elemwise(Add) Elemwise(Sub) Elemwise(Neg) Elemwise(Mul) Elemwise(TrueDiv) "
        "Elemwise(IntDiv) Elemwise(Pow)"
    ),
    "comparisons": (
        "Elemwise(EQ) Elemwise(NEQ) Elemwise(LT) Elemwise(GT) Elemwise(LE) Elemwise(GE) "
        "Elemwise(Maximum) Elemwise(Minimum)"
    ),
    "dots": "Dot",
    "inverses": (
        "Elemwise(Abs) Elemwise(ArcCosh) Elemwise(ArcSinh) Elemwise(ArcTanh) Elemwise(Conj) "
        "Elemwise(Cosh) Elemwise(Exp) Elemwise(Expm1) Elemwise(Log) Elemwise(Log1mexp) "
        "Elemwise(Log1p) Elemwise(PolyGamma) Elemwise(Reciprocal) Elemwise(Sign) Elemwise(Sinh) "
        "Elemwise(Softplus) Elemwise(Sqr) Elemwise(Sqrt) Elemwise(Tanh) Elemwise(TrueDiv)"
    ),
    "reductions": "CAReduce",
    "stabilize": (
        "Elemwise(Sigmoid) Elemwise(Add) Elemwise(Sub) Elemwise(Mul) Elemwise(TrueDiv) "
        "Elemwise(Reciprocal) Elemwise(Log) Elemwise(Log1p)"
    ),
    "subtensor_write": "Subtensor IncSubtensor AdvancedSubtensor AdvancedIncSubtensor",
    "subtensor": "Subtensor IncSubtensor AdvancedSubtensor AdvancedIncSubtensor",
    "subtensor_arrays": "IncSubtensor AdvancedSubtensor AdvancedIncSubtensor",
    "subtensor_lift": "Subtensor AdvancedSubtensor ExtractDiag",
    "extra_ops": "Unique SortOp Repeat",
    "special": "Elemwise(Log) Elemwise(Exp) Softmax LogSoftmax AdvancedIncSubtensor",
    "inplace": "*",
    "blockwise": "Blockwise",
    "linalg.declared": "SpecifyAssumptions",
    "linalg.inverse": ("MatrixInverse MatrixPinv Blockwise(MatrixInverse) Blockwise(MatrixPinv)"),
    "linalg.products": (
        "BlockDiagonal Blockwise(BlockDiagonal) KroneckerProduct Blockwise(KroneckerProduct) "
        "Expm Blockwise(Expm) QR Blockwise(QR) Eigh Blockwise(Eigh) SVD Blockwise(SVD) "
        "SpecifyAssumptions"
    ),
    "linalg.systems": "SolveBase Blockwise(SolveBase)",
    "linalg.solvers": "Solve Blockwise(Solve)",
    "linalg.summary": "Det SLogDet Blockwise(Det) Blockwise(SLogDet)",
    "linalg.cholesky": "Cholesky Blockwise(Cholesky)",
    "linalg.decomposition": (
        "Eigh Eigvalsh Blockwise(Eigh) Blockwise(Eigvalsh) SVD Blockwise(SVD) QR Blockwise(QR)"
    ),
    "linalg.reuse": "Solve MatrixInverse Blockwise(Solve) Blockwise(MatrixInverse)",
    "blas_factoring": "Dot Blockwise DimShuffle BatchedDot",
    "blas_rules": "Dot Blockwise DimShuffle BatchedDot BlasOp",
    "blas_batched": "Blockwise",
    "blas_chains": "Dot Dot22 BatchedDot Blockwise",
    "blas_equal": "Dot Dot22 BatchedDot Blockwise",
    "blas_forms": "Dot Dot22 BatchedDot Blockwise",
    "blas_inplace": "BlasOp",
    "blas_operands": "Dot Blockwise BlasOp",
    "blas_products": "Dot Dot22 BatchedDot Blockwise BlasOp Sum",
    "blas_triangular": (
        "Cholesky SolveTriangular Blockwise(Cholesky) Blockwise(SolveTriangular) Eye AllocDiag "
        "Blockwise(AllocDiag) "
        "Elemwise(Switch)"
    ),
    "fusion": "*",
}

optdb.add_rule_index(RuleIndex(__name__, RULES))


def __getattr__(name: str):
    """Import a subject that is asked for as an attribute."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
