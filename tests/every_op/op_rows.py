"""The table of all operations: what a row says, and how to add one.

Every file ``rows_<subject>.py`` of this directory has a list ``ROWS``; the tests find it by its name.
A row is one operation or function::

    Row("gammainc", (real(0.5, 4), real(0.1, 6)), scipy.special.gammainc, dtypes="f", wrt=(1,))

That is: ``pt.gammainc`` of two operands with numbers in these ranges, compared with SciPy's, for
float64 and float32, differentiable by its second operand. From it the tests check

- values against the reference, by `Op.perform` and in C, for every dtype and every shape of the row,
  contiguous and not; dtype and static shape of the result; that inputs stay as they were (`test_values`);
- gradients against finite differences, and `pushforward` against `pullback` (`test_gradients`);
- that lengths are known without computing, that Ops are pickled, equal and hashed by value
  (`test_ops`);
- which Ops are Python steps in C mode: exactly those of `python_steps.tsv` (`test_python_steps`);
- that no public name and no class of Op was forgotten: it is in the table, or a test elsewhere names it
  (`test_complete`; what needs neither stands in `not_named.tsv` with a reason).

To add rows: write them into the file of their subject, or a new ``rows_<subject>.py`` (a list
``ROWS``); run ``pytest tests/every_op -k "<name of the row>"`` and at last ``pytest tests/every_op``.
``PYTHONPATH=. python tests/every_op/python_steps.py`` writes `python_steps.tsv` anew; replace the word
``why?`` in it with a reason.

Fields of a row
---------------
name
    Name in `pytensor.tensor`, or ``module:name`` elsewhere; words after a blank tell rows of one
    name apart: ``"sum axis 0"``.
args
    One `Operand` for each variable: `real`, `integer`, `boolean`, or `given` with a maker of one's own.
reference
    Function of the arrays; its result (or tuple of results) is what we want.
call
    Function of the variables; by default the function called `name`.
dtypes
    Letters: ``f`` float64 and float32, ``d`` float64 alone, ``c`` complex, ``i`` signed, ``u`` unsigned integers, ``b`` bool,
    ``h`` float16. Operands with a dtype of their own keep it.
shapes
    A list of `Shapes`. `elementwise` (the default) makes matrices, empty ones, scalars and those that
    broadcast; ``arrays((3, 4), (4,))`` one operand of each shape, ``also=`` further lengths.
gradient
    True, or the reason why there is none. `wrt` numbers the operands (default: all floats).
shape_known
    True, or why lengths cannot be known before the value.
dtype
    True if the result has the reference's dtype, or why not.
exact
    False, or why C and Python may differ more than by rounding.
also
    Other names this row is the test of, as in `name`, separated by blanks.
"""

import dataclasses
import importlib
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

DTYPES = {
    "f": ("float64", "float32"),
    "d": ("float64",),
    "c": ("complex128", "complex64"),
    "i": ("int64", "int8", "int32", "int16"),
    "u": ("uint8", "uint64", "uint16", "uint32"),
    "b": ("bool",),
    "h": ("float16",),
}
USUAL = {"float64", "float32", "complex128", "int64", "int8", "uint8", "bool", "float16"}


@dataclasses.dataclass(frozen=True)
class Operand:
    """One operand: numbers in a range, or what `make` returns for a generator, dtype and shape."""

    low: float = -2.0
    high: float = 2.0
    dtype: str | None = None
    make: Callable | None = None

    def array(self, rng, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        dtype = self.dtype or dtype
        if self.make is not None:
            return np.asarray(self.make(rng, dtype, shape))
        kind = np.dtype(dtype).kind
        if kind == "b":
            return rng.random(shape) < 0.5
        if kind in "iu":
            low = max(int(np.ceil(self.low)), 0 if kind == "u" else -128)
            return np.asarray(rng.integers(low, max(int(self.high), low) + 1, shape)).astype(dtype)
        value = rng.uniform(self.low, self.high, shape)
        if kind == "c":
            value = value + 1j * rng.uniform(self.low, self.high, shape)
        return np.asarray(value).astype(dtype)


def real(low=-2.0, high=2.0) -> Operand:
    """Numbers of the row's dtype between `low` and `high`; both parts of complex numbers."""
    return Operand(low, high)


def integer(low=-3, high=3, dtype="int64") -> Operand:
    """Integers from `low` to `high`, whatever the row's dtype is."""
    return Operand(low, high, dtype)


def boolean() -> Operand:
    return Operand(dtype="bool")


def given(make: Callable, dtype: str | None = None) -> Operand:
    """What ``make(rng, dtype, shape)`` returns."""
    return Operand(dtype=dtype, make=make)


@dataclasses.dataclass(frozen=True)
class Shapes:
    """Static shapes of the variables, and the shapes of the values that one function gets."""

    static: tuple[tuple[int | None, ...], ...]
    values: tuple[tuple[tuple[int, ...], ...], ...]


def arrays(*shapes, also=(), static=None) -> Shapes:
    """Operands of these shapes; `also` is a list of further ones with the same numbers of axes."""
    static = static or tuple((None,) * len(s) for s in shapes)
    return Shapes(tuple(static), (tuple(shapes), *map(tuple, also)))


def elementwise(n: int) -> list[Shapes]:
    """What an elementwise function of `n` operands must take."""
    same = [((0, 4),) * n, ((1, 1),) * n]
    shapes = [arrays(*((3, 4),) * n, also=same), arrays(*((),) * n)]
    if n > 1:
        rest = n - 2
        shapes.append(
            arrays(
                (3, 4), (1, 4), *((4,),) * rest, static=((None, 4), (1, 4), *((None,),) * rest)
            )
        )  # fmt: skip
    return shapes


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One operation: the module's docstring says what the fields are."""

    name: str
    args: tuple[Operand, ...]
    reference: Callable
    call: Callable | None = None
    dtypes: str = "f"
    shapes: list[Shapes] | None = None
    gradient: bool | str = True
    wrt: tuple[int, ...] | None = None
    shape_known: bool | str = True
    dtype: bool | str = True
    exact: bool | str = True
    also: str = ""
    rtol: float | None = None
    gradient_rtol: float = 1e-5
    forward: bool = True

    @property
    def public(self) -> set[str]:
        """The names this row is a test of, as ``module:name``."""
        names = [self.name.split()[0], *self.also.split()]
        return {n if ":" in n else f"pytensor.tensor:{n}" for n in names}

    @property
    def function(self) -> Callable:
        if self.call is not None:
            return self.call
        module, name = self.name.split()[0].rpartition(":")[::2]
        return getattr(importlib.import_module(module or "pytensor.tensor"), name)

    def all_shapes(self) -> list[Shapes]:
        return self.shapes if self.shapes is not None else elementwise(len(self.args))


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A row for one dtype and one kind of shapes."""

    row: Row
    dtype: str
    shapes: Shapes
    subject: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.row.name}-{self.dtype}-{self.number}"

    @property
    def usual(self) -> bool:
        """Whether it is part of the default run."""
        return self.dtype in USUAL

    def variables(self) -> list[Any]:
        from pytensor.tensor.type import TensorType

        pairs = zip(self.row.args, self.shapes.static, strict=True)
        return [
            TensorType(arg.dtype or self.dtype, shape=s)(f"x{k}")
            for k, (arg, s) in enumerate(pairs)
        ]

    def values(self) -> list[list[np.ndarray]]:
        """One list of operands for each shape, and the first in other layouts."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))
        made = [
            [a.array(rng, self.dtype, s) for a, s in zip(self.row.args, shapes, strict=True)]
            for shapes in self.shapes.values
        ]
        if any(a.ndim for a in made[0]):
            made += [[layout(a) for a in made[0]] for layout in (backwards, with_gaps)]
        return made


def backwards(a: np.ndarray) -> np.ndarray:
    """The same numbers in Fortran order, the last axis stored backwards."""
    if not a.ndim:
        return a
    return np.asfortranarray(a[..., ::-1])[..., ::-1]


def with_gaps(a: np.ndarray) -> np.ndarray:
    """The same numbers, every other element of a larger array."""
    if not a.ndim:
        return a
    wide = np.zeros(tuple(2 * n for n in a.shape), dtype=a.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def deprecated(name: str) -> Callable:
    """The function of this name in `pytensor.tensor`, without its warning."""

    def call(*variables):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(importlib.import_module("pytensor.tensor"), name)(*variables)

    return call


def dtypes_of(row: Row) -> list[str]:
    return [d for letter in row.dtypes for d in DTYPES[letter]]


def cases_of(subject: str, rows: list[Row]) -> list[Case]:
    names = [row.name for row in rows]
    assert len(names) == len(set(names)), f"{subject}: {[n for n in names if names.count(n) > 1]}"
    return [
        Case(row, dtype, shapes, subject, number)
        for row in rows
        for dtype in dtypes_of(row)
        for number, shapes in enumerate(row.all_shapes())
    ]
