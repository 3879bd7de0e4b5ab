"""Random index expressions, for NumPy and as variables at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pytensor.tensor.type import TensorType

INT_DTYPES = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")


@dataclass
class Case:
    """One array, one index: the values for NumPy, the variables, and what they are given."""

    x: np.ndarray
    index: tuple = ()
    symbolic: tuple = ()
    variables: list = field(default_factory=list)
    values: list = field(default_factory=list)

    def numpy_index(self) -> tuple:
        return self.index

    def static_x(self, rng):
        """Return a variable for `x`, of which some lengths are known."""
        shape = tuple(n if n == 1 or rng.random() < 0.5 else None for n in self.x.shape)
        return TensorType(self.x.dtype, shape)("x")


class Maker:
    """Draws cases from one generator."""

    def __init__(self, seed: int, bad: float = 0.0):
        self.rng = np.random.default_rng(seed)
        self.bad = bad

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def array(self, max_ndim=4, dtype="float64") -> np.ndarray:
        ndim = int(self.rng.integers(0, max_ndim + 1))
        shape = self.rng.choice([0, 1, 2, 3, 4, 5], size=ndim, p=[0.04, 0.16, 0.2, 0.2, 0.2, 0.2])
        return self.strided(self.rng.integers(-9, 9, size=shape).astype(dtype))

    def strided(self, x: np.ndarray) -> np.ndarray:
        """Return an equal array that may lie in memory in another order."""
        way = self.rng.integers(0, 4)
        if way == 0 and x.ndim:
            return np.repeat(x, 2, axis=-1)[..., ::2]
        if way == 1 and x.ndim:
            return np.asfortranarray(x)
        if way == 2 and x.ndim:
            return x[::-1].copy()[::-1]
        return x

    def case(self, x: np.ndarray) -> Case:
        case = Case(x)
        broadcast = tuple(int(n) for n in self.rng.integers(1, 4, size=self.rng.integers(0, 3)))
        if self.chance(0.1):
            broadcast = (*broadcast, 0)
        arrays = self.chance(0.7)
        axis, index, symbolic, n_masks = 0, [], [], 0
        ellipsis = self.chance(0.25)
        while axis < x.ndim:
            if self.chance(0.12):
                index.append(None)
                symbolic.append(None)
            if ellipsis and self.chance(0.3):
                index.append(...)
                symbolic.append(...)
                axis += int(self.rng.integers(0, x.ndim - axis + 1))
                ellipsis = False
                continue
            kind = self.rng.choice(
                ["int", "slice", "array", "mask", "end"], p=[0.2, 0.3, 0.32, 0.1, 0.08]
            )
            if not arrays and kind in ("array", "mask"):
                kind = "slice"
            if kind == "mask" and n_masks:
                kind = "array"
            if kind == "end":
                break
            n_masks += kind == "mask"
            entry, variable, used = getattr(self, "_" + str(kind))(case, x.shape[axis:], broadcast)
            index.append(entry)
            symbolic.append(variable)
            axis += used
        case.index, case.symbolic = tuple(index), tuple(symbolic)
        return case

    def _given(self, case: Case, value: np.ndarray):
        """Return a variable that will have this value, of which some lengths are known."""
        shape = tuple(int(n) if n == 1 or self.chance(0.5) else None for n in value.shape)
        variable = TensorType(value.dtype, shape)(f"v{len(case.variables)}")
        case.variables.append(variable)
        case.values.append(value)
        return variable

    def _number(self, case: Case, value: int):
        if self.chance(0.6):
            return value
        dtype = self.rng.choice(["int64", "int32", "int8"])
        return self._given(case, np.asarray(value, dtype=dtype))

    def _int(self, case, shape, broadcast):
        n = shape[0]
        value = int(self.rng.integers(-n, n)) if n else 0
        if self.chance(self.bad):
            value = int(self.rng.choice([n, -n - 1, n + 7]))
        return value, self._number(case, value), 1

    def _slice(self, case, shape, broadcast):
        if self.chance(0.35):
            return slice(None), slice(None), 1
        n = shape[0]
        parts = [int(p) if self.chance(0.6) else None for p in self.rng.integers(-n - 2, n + 3, 2)]
        step = int(self.rng.choice([1, 2, 3, -1, -2])) if self.chance(0.5) else None
        symbolic = [None if p is None else self._number(case, p) for p in (*parts, step)]
        return slice(*parts, step), slice(*symbolic), 1

    def _array(self, case, shape, broadcast):
        n = shape[0]
        lengths = list(broadcast[int(self.rng.integers(0, len(broadcast) + 1)) :])
        lengths = [1 if self.chance(0.25) else k for k in lengths]
        if n == 0:
            lengths = [*lengths[:-1], 0]
        dtype = str(self.rng.choice(INT_DTYPES))
        low = 0 if dtype.startswith("u") else -n
        value = self.rng.integers(low, max(n, 1), size=lengths).astype(dtype)
        if self.chance(self.bad) and value.size:
            value = value.copy()
            value.flat[int(self.rng.integers(value.size))] = n + int(self.rng.integers(0, 3))
        if self.chance(0.25):
            return value, value, 1
        if self.chance(0.1) and value.size:
            return value.tolist(), value.tolist(), 1
        value = self.strided(value)
        return value, self._given(case, value), 1

    def _mask(self, case, shape, broadcast):
        used = int(self.rng.integers(1, len(shape) + 1))
        value = self.rng.random(shape[:used]) < 0.5
        count = broadcast[-1] if broadcast and self.chance(0.5) else 1
        if value.size >= count:  # so that it may broadcast with the other arrays
            value = np.zeros(shape[:used], dtype=bool)
            value.flat[self.rng.permutation(value.size)[:count]] = True
        if self.chance(self.bad / 2):
            value = np.concatenate([value, value])
        if self.chance(0.3):
            return value, value, used
        value = self.strided(value)
        return value, self._given(case, value), used


def contradicts(static, shape) -> bool:
    """Tell whether a static shape cannot be that of an array."""
    return len(static) != len(shape) or any(
        s is not None and s != n for s, n in zip(static, shape, strict=True)
    )
