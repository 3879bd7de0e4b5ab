"""What is known of an array beside its type: that a matrix is diagonal, triangular, positive definite ...

`assume` declares it; rules of inference carry it through operations; rules of rewriting use it.

core         keys, states, the feature that remembers, how rules are registered
specify      `assume` and the Op that holds a declaration until rewriting
bundles      rules that any property of matrices wants
structure    what constants and operations on arrays say of their results
factors      what linear algebra says
"""

from pytensor.assumptions.bundles import register_matrix_property_rules
from pytensor.assumptions.core import (
    ALL_KEYS,
    DIAGONAL,
    IMPLIES,
    KEY_REGISTRY,
    LOWER_TRIANGULAR,
    MATRIX_KEYS,
    ORTHOGONAL,
    PERMUTATION,
    POSITIVE_DEFINITE,
    SELECTION,
    SYMMETRIC,
    TRIDIAGONAL,
    UNIQUE_INDICES,
    UNIT_MAGNITUDE,
    UPPER_TRIANGULAR,
    AssumptionFeature,
    AssumptionKey,
    ConflictingAssumptionsError,
    FactState,
    assumption_tags,
    check_assumption,
    register_assumption,
    register_constant_inference,
    register_implies,
    register_universal_assumption,
    summarize_assumptions,
)
from pytensor.assumptions.specify import SpecifyAssumptions, assume, specify_assumption_rule

__all__ = [
    "ALL_KEYS",
    "DIAGONAL",
    "IMPLIES",
    "KEY_REGISTRY",
    "LOWER_TRIANGULAR",
    "MATRIX_KEYS",
    "ORTHOGONAL",
    "PERMUTATION",
    "POSITIVE_DEFINITE",
    "SELECTION",
    "SYMMETRIC",
    "TRIDIAGONAL",
    "UNIQUE_INDICES",
    "UNIT_MAGNITUDE",
    "UPPER_TRIANGULAR",
    "AssumptionFeature",
    "AssumptionKey",
    "ConflictingAssumptionsError",
    "FactState",
    "SpecifyAssumptions",
    "assume",
    "assumption_tags",
    "check_assumption",
    "register_assumption",
    "register_constant_inference",
    "register_implies",
    "register_matrix_property_rules",
    "register_universal_assumption",
    "specify_assumption_rule",
    "summarize_assumptions",
]
