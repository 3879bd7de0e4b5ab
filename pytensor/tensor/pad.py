"""`pad`: what surrounds an array; the work is in `_padding`, imported at the first call."""

from typing import Literal

from pytensor.tensor._convert import TensorLike
from pytensor.tensor.variable import TensorVariable
from pytensor.utils import late

__all__ = ["pad"]

PadMode = Literal[
    "constant",
    "edge",
    "linear_ramp",
    "maximum",
    "minimum",
    "mean",
    "median",
    "wrap",
    "symmetric",
    "reflect",
]


def pad(
    x: TensorLike,
    pad_width: TensorLike,
    mode: PadMode = "constant",
    *,
    constant_values: TensorLike | None = None,
    end_values: TensorLike | None = None,
    stat_length: TensorLike | None = None,
    reflect_type: Literal["even", "odd"] | None = None,
) -> TensorVariable:
    """Surround an array with values, as `numpy.pad`.

    Axes are padded one after the other, so that corners come from what was padded before.

    Parameters
    ----------
    x
        Array of any rank ``N``.
    pad_width
        How many values to put before and after each axis: ``((before_1, after_1), ...)``, one
        pair for all axes, or one number for everything. May be symbolic.
    mode
        ``"constant"``
            `constant_values`, 0 if not given.
        ``"edge"``
            The first and the last value of the axis.
        ``"linear_ramp"``
            From `end_values` (0 if not given) at the far end to the value at the edge.
        ``"maximum"``, ``"minimum"``, ``"mean"``, ``"median"``
            Of the `stat_length` values next to the edge; of the whole axis if not given.
        ``"wrap"``
            The array repeated.
        ``"symmetric"``, ``"reflect"``
            The array mirrored, with and without the value at the edge itself.
    constant_values, end_values, stat_length
        One number, one pair, or a pair per axis, for the modes that use them. May be symbolic.
    reflect_type
        ``"even"`` (the default) mirrors values; ``"odd"`` mirrors them through the value at the
        edge, ``2 * edge - value``.

    Returns
    -------
    TensorVariable
        Of the same rank. Floating-point and complex arrays keep their dtype. Integers become
        floating point in the modes that put in new values, as in PyTensor.

    Raises
    ------
    ValueError
        If the mode is unknown or does not take an argument that is given, if a width is negative,
        or if an empty axis would have to be extended with its own values.
    TypeError
        If `pad_width` or `stat_length` is not of integers.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.pad([1, 2, 3, 4], (2, 1), mode="reflect").eval()
    array([3, 2, 1, 2, 3, 4, 3])
    >>> pt.pad([1.0, 2.0], (0, 3), constant_values=9.0).eval()
    array([1., 2., 9., 9., 9.])
    """
    return late("pytensor.tensor._padding:padded")(  # three hundred lines few programs need
        x,
        pad_width,
        mode,
        constant_values=constant_values,
        end_values=end_values,
        stat_length=stat_length,
        reflect_type=reflect_type,
    )
