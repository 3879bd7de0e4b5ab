"""Draws that NumPy has no method for, by the formulas SciPy draws them with.

SciPy's samplers are exact but spend 50 us on checks and copies for each call, and importing
`scipy.stats` takes half a second; these draw the same numbers from the same generator.
"""

from __future__ import annotations

import numpy as np

from pytensor.tensor.random.op import RandomVariable

_FLOAT64 = np.dtype("float64")
_SHORT_FLOATS = (np.dtype("float32"), np.dtype("float16"))


class ScipyRandomVariable(RandomVariable):
    r"""A distribution of numbers that is drawn through SciPy, or as SciPy does it.

    A subclass has `rng_fn_scipy`, which may return fewer dimensions than asked for: SciPy drops
    those of length 1.
    """

    @classmethod
    def rng_fn_scipy(cls, rng, *args, **kwargs):
        """Draw: ``rng_fn_scipy(rng, *parameters, size)``."""
        raise NotImplementedError(f"[{cls.__name__}] rng_fn_scipy must be defined")

    @classmethod
    def rng_fn(cls, *args, **kwargs):
        size = args[-1]
        draws = cls.rng_fn_scipy(*args, **kwargs)
        wanted = np.broadcast_shapes(*map(np.shape, args[1:-1])) if size is None else size
        draws = np.asarray(draws)
        return draws if draws.shape == tuple(wanted) else np.broadcast_to(draws, wanted)


class ShapeCheckedRV(RandomVariable):
    """A distribution of numbers that is drawn in several steps: arguments are checked first."""

    def rng_fn(self, rng, *args):
        *params, size = args
        # A float32 parameter is a number like any other: not a reason to round 1 / scale.
        params = [p.astype(_FLOAT64) if p.dtype in _SHORT_FLOATS else p for p in params]
        if all(p.size == 1 for p in params) and (size is not None or not params[0].ndim):
            # Of numbers any batch can be drawn, and without an iterator over arrays.
            params = [p.reshape(()) for p in params]
            size = () if size is None else size
        else:
            size = self._batch(params, size)
        self.check(*params)
        return self.draw(rng, *params, size)

    def _batch(self, params, size) -> tuple[int, ...]:
        """Return the shape of the draws; raise ValueError if `size` does not fit the parameters."""
        batch = np.broadcast_shapes(*(p.shape for p in params))
        if size is None:
            return batch
        if np.broadcast_shapes(batch, size) != size:
            raise ValueError(
                f"[{self.name}] size must fit the parameters, got size {size} and parameters of "
                f"shapes {[p.shape for p in params]}"
            )
        return size

    def check(self, *params) -> None:
        """Raise ValueError if a parameter is outside of its range."""

    def draw(self, rng, *args):
        """Draw, with a size that is a tuple."""
        raise NotImplementedError(f"[{self.name}] draw must be defined")

    def require(self, ok, i: int, param: np.ndarray, rule: str) -> None:
        """Raise unless `ok` is true for all elements (NaN makes it false)."""
        if ok.all():
            return
        bad = np.broadcast_to(param, np.shape(ok))[~np.asarray(ok)].ravel()[0]
        raise ValueError(f"[{self.name}] {self._param_name(i)} must be {rule}, got {bad}")

    def require_positive(self, i: int, param: np.ndarray) -> None:
        self.require(param > 0, i, param, "positive")

    def require_not_negative(self, i: int, param: np.ndarray) -> None:
        self.require(param >= 0, i, param, "at least 0")

    def require_probability(self, i: int, param: np.ndarray) -> None:
        self.require((param >= 0) & (param <= 1), i, param, "a probability in [0, 1]")
