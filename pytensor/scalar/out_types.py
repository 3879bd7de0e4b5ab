"""Output-type rules: functions from the types of the operands to the types of the results."""

from __future__ import annotations

from pytensor.configdefaults import config
from pytensor.graph.utils import MetaObject
from pytensor.scalar.type import (
    ScalarType,
    bool,
    complex_types,
    continuous_types,
    discrete_types,
    float32,
    float64,
    float_types,
    get_scalar_type,
    int8,
    int64,
    upcast,
)

Types = tuple[ScalarType, ...]


def upcast_out(*types) -> Types:
    """The type NumPy gives to a sum."""
    if not types:
        raise TypeError("[upcast_out] an operation without operands has no type")
    return (get_scalar_type(upcast(*[t.dtype for t in types])),)


def upcast_out_nobool(*types) -> Types:
    """As `upcast_out`, but booleans alone are refused."""
    result = upcast_out(*types)
    if result[0] is bool:
        raise TypeError("bool output not supported")
    return result


def upcast_out_min8(*types) -> Types:
    """As `upcast_out`, but booleans alone give int8."""
    result = upcast_out(*types)
    return (int8,) if result[0] is bool else result


def upcast_out_no_complex(*types) -> Types:
    """As `upcast_out`, but complex operands are refused."""
    if any(t in complex_types for t in types):
        raise TypeError("complex type are not supported")
    return upcast_out(*types)


def same_out(type) -> Types:
    """The operand's type."""
    return (type,)


def same_out_nobool(type) -> Types:
    """The operand's type, which must not be bool."""
    if type == bool:
        raise TypeError("bool input not supported")
    return (type,)


def same_out_min8(type) -> Types:
    """The operand's type, int8 for bool."""
    return (int8,) if type == bool else (type,)


def same_out_float_only(type) -> Types:
    """The operand's type, which must be a real float."""
    if type not in float_types:
        raise TypeError("only float type are supported")
    return (type,)


def same_out_nocomplex(type) -> Types:
    """The operand's type, which must not be complex."""
    if type in complex_types:
        raise TypeError("complex argument not supported")
    return (type,)


def real_out(type) -> Types:
    """The type of the parts of a complex number; other types stay."""
    if type in complex_types:
        return (float32 if type.dtype == "complex64" else float64,)
    return (type,)


def int_out(*types) -> Types:
    """int64."""
    return (int64,)


def float_out(*types) -> Types:
    """float64."""
    return (float64,)


def _as_float(type) -> ScalarType:
    """The smallest float of at least 32 bits that holds an integer type (64 bits for 32 and more)."""
    if type in continuous_types:
        return type
    return get_scalar_type(upcast(type.dtype, "float32"))


def upgrade_to_float(*types) -> Types:
    """As `upcast_out`, with floats in the place of integers: int8 and int16 float32, int32 and int64 float64."""
    return upcast_out(*map(_as_float, types))


def upgrade_to_float_no_complex(*types) -> Types:
    """As `upgrade_to_float`, but complex operands are refused."""
    if any(t in complex_types for t in types):
        raise TypeError("complex argument not supported")
    return upgrade_to_float(*types)


def upgrade_to_float64(*types) -> Types:
    """float64 for discrete operands, otherwise as `upgrade_to_float`."""
    if all(t in discrete_types for t in types):
        return (float64,)
    return upgrade_to_float(*types)


def float_division_out(*types) -> Types:
    """As `upcast_out`, but discrete operands give `config.floatX`."""
    if all(t in discrete_types for t in types):
        return (get_scalar_type(config.floatX),)
    return upcast_out(*types)


def bool_out(*types) -> Types:
    """bool."""
    return (bool,)


class specific_out(MetaObject):
    """A rule that always gives the types it was made with."""

    __props__ = ("spec",)

    def __init__(self, *spec):
        self.spec = spec

    def __call__(self, *types) -> Types:
        return self.spec


class transfer_type(MetaObject):
    """A rule that gives for each output the type of one input (its number), or a fixed type."""

    __props__ = ("transfer",)

    def __init__(self, *transfer):
        if not all(isinstance(x, int | ScalarType) or x is None for x in transfer):
            raise TypeError(f"[transfer_type] must be made from numbers or types, got {transfer}")
        self.transfer = transfer

    def __call__(self, *types) -> Types:
        upcasted = upcast_out(*types)[0]
        return tuple(
            upcasted if i is None else i if isinstance(i, ScalarType) else types[i]
            for i in self.transfer
        )


__all__ = [
    "bool_out", "float_division_out", "float_out", "int_out", "real_out", "same_out",
    "same_out_float_only", "same_out_min8", "same_out_nobool", "same_out_nocomplex",
    "specific_out", "transfer_type", "upcast_out", "upcast_out_min8", "upcast_out_no_complex",
    "upcast_out_nobool", "upgrade_to_float", "upgrade_to_float64",
    "upgrade_to_float_no_complex",
]  # fmt: skip
