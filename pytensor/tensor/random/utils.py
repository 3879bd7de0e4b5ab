"""Sizes and batches of random draws, copies of generators, and streams of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.random.bit_generator import ISeedSequence

from pytensor.compile.sharedvalue import copied, shared_constructor
from pytensor.graph.basic import Variable
from pytensor.tensor._convert import as_tensor_variable, get_vector_length
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._make_vector import as_length, int_vector
from pytensor.tensor._shape_ops import length
from pytensor.tensor.extra_ops import broadcast_shape, broadcast_to
from pytensor.tensor.random.type import _BIT_GENERATORS
from pytensor.tensor.shape import specify_shape
from pytensor.tensor.type_other import NoneConst, NoneTypeT
from pytensor.tensor.utils import faster_broadcast_to
from pytensor.utils import late

__all__ = [
    "RandomStream",
    "broadcast_params",
    "compute_batch_shape",
    "custom_rng_deepcopy",
    "explicit_expand_dims",
    "normalize_size_param",
    "params_broadcast_shapes",
    "supp_shape_from_ref_param_shape",
]

# --------------------------------------------------------------------------------------
# Sizes
# --------------------------------------------------------------------------------------


def normalize_size_param(
    shape: int | np.ndarray | Variable | Sequence[int | Variable] | None,
) -> Variable:
    """Return a size as an int64 vector of known length, or as `NoneConst`.

    Parameters
    ----------
    shape : None, integer, sequence of integers, or variable
        A single integer is a vector of length one.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it is a vector whose length is not known when the graph is built.

    Examples
    --------
    >>> normalize_size_param(3).data
    array([3])
    """
    if shape is None or (isinstance(shape, Variable) and isinstance(shape.type, NoneTypeT)):
        return NoneConst
    if isinstance(shape, int | np.integer):
        return as_tensor_variable(np.array([shape], dtype="int64"))
    if isinstance(shape, Variable):
        return _size_of_variable(shape)
    if not isinstance(shape, np.ndarray | Sequence) or isinstance(shape, str | bytes):
        raise TypeError("Parameter size must be None, an integer, or a sequence with integers.")
    if not isinstance(shape, np.ndarray) and any(isinstance(n, Variable) for n in shape):
        return int_vector([_checked_length(n) for n in shape])
    lengths = np.atleast_1d(np.asarray(shape))
    if lengths.ndim != 1 or (lengths.size and lengths.dtype.kind not in "iu"):
        raise TypeError(
            f"Parameter size must be None, an integer, or a sequence with integers, got {shape!r}."
        )
    return as_tensor_variable(lengths.astype("int64"))


def _checked_length(n):
    if isinstance(n, Variable) and n.type.dtype[:3] not in ("int", "uin"):
        raise TypeError(f"Parameter size must have integers, got {n} of type {n.type}.")
    return as_length(n)


def _size_of_variable(size: Any) -> Variable:
    size = as_tensor_variable(size)
    if size.type.dtype[:3] not in ("int", "uin") or size.type.ndim > 1:
        raise TypeError(
            "Parameter size must be None, an integer, or a sequence with integers, got a variable "
            f"of type {size.type}."
        )
    if size.type.ndim == 0:
        return int_vector([as_length(size)])
    n = get_vector_length(size)
    if size.type.dtype != "int64":
        size = size.astype("int64")
    if size.type.shape[0] is None:
        size = specify_shape(size, (n,))
    return size


# --------------------------------------------------------------------------------------
# Batches
# --------------------------------------------------------------------------------------


def params_broadcast_shapes(
    param_shapes: Sequence, ndims_params: Sequence[int], use_pytensor: bool = True
) -> list[tuple]:
    """Return the shapes of parameters after their batch dimensions were broadcast.

    Parameters
    ----------
    param_shapes : sequence of shapes
    ndims_params : sequence of int
        How many of the last dimensions of each are core dimensions.
    use_pytensor : bool
        Whether the shapes are symbolic; otherwise they are integers.
    """
    cores = [len(s) - n for s, n in zip(param_shapes, ndims_params, strict=True)]
    batches = [tuple(s)[:n] for s, n in zip(param_shapes, cores, strict=True)]
    if use_pytensor:
        batch = broadcast_shape(*batches, arrays_are_shapes=True)
    else:
        batch = np.broadcast_shapes(*batches)
    return [batch + tuple(s)[n:] for s, n in zip(param_shapes, cores, strict=True)]


def broadcast_params(params: Sequence, ndims_params: Sequence[int]) -> list:
    """Broadcast the batch dimensions of parameters, arrays or variables.

    Examples
    --------
    >>> import numpy as np
    >>> [p.shape for p in broadcast_params([np.zeros(3), np.eye(2)], [0, 2])]
    [(3,), (3, 2, 2)]
    """
    symbolic = not all(isinstance(p, np.ndarray | np.number) for p in params)
    if symbolic:
        params = [as_tensor_variable(p) for p in params]
        shapes = [tuple(length(p, i) for i in range(p.type.ndim)) for p in params]
    else:
        shapes = [p.shape for p in params]
    wanted = params_broadcast_shapes(shapes, ndims_params, use_pytensor=symbolic)
    broadcast = broadcast_to if symbolic else faster_broadcast_to
    # A view even where nothing changes would cost, and hide static shapes.
    return [
        p if s is w or (not symbolic and s == w) else broadcast(p, w)
        for p, s, w in zip(params, shapes, wanted, strict=True)
    ]


def explicit_expand_dims(
    params: Sequence[Any], ndim_params: Sequence[int], size_length: int | None = None
) -> list[Any]:
    """Give all parameters the same number of batch dimensions, new ones of length 1 on the left.

    Parameters
    ----------
    params, ndim_params
        The parameters and the numbers of their core dimensions.
    size_length : int, optional
        The number of batch dimensions; by default the largest that a parameter has.
    """
    batches = [p.type.ndim - n for p, n in zip(params, ndim_params, strict=True)]
    wanted = max(batches, default=0) if size_length is None else size_length
    return [
        p if wanted <= n else dimshuffle(p, ("x",) * (wanted - n) + tuple(range(p.type.ndim)))
        for p, n in zip(params, batches, strict=True)
    ]


def compute_batch_shape(params: Sequence[Variable], ndims_params: Sequence[int]) -> Variable:
    """Return the shape that the batch dimensions of `params` broadcast to, as a vector."""
    return int_vector(list(_batch_lengths(params, ndims_params)))


def _batch_lengths(params: Sequence[Variable], ndims_params: Sequence[int]) -> tuple:
    shapes = [
        tuple(length(p, i) for i in range(p.type.ndim - n))
        for p, n in zip(params, ndims_params, strict=True)
    ]
    return broadcast_shape(*shapes, arrays_are_shapes=True)


def supp_shape_from_ref_param_shape(
    *,
    ndim_supp: int,
    dist_params: Sequence[Variable],
    param_shapes: Sequence[tuple] | None = None,
    ref_param_idx: int,
) -> tuple:
    """Return the last `ndim_supp` lengths of one parameter: the shape of a draw of many a kind.

    Parameters
    ----------
    ndim_supp : int
        Number of dimensions of a draw, more than 0.
    dist_params, param_shapes
        The parameters, and their shapes if they are known.
    ref_param_idx : int
        Which parameter.
    """
    if ndim_supp <= 0:
        raise ValueError("ndim_supp must be greater than 0")
    param = dist_params[ref_param_idx]
    ndim = param.type.ndim if param_shapes is None else len(param_shapes[ref_param_idx])
    if ndim < ndim_supp:
        raise IndexError(
            f"parameter {ref_param_idx} must have {ndim_supp} dimensions at least, got {ndim}"
        )
    if param_shapes is not None:
        return tuple(param_shapes[ref_param_idx])[-ndim_supp:]
    return tuple(length(param, i) for i in range(ndim - ndim_supp, ndim))


# --------------------------------------------------------------------------------------
# Copies
# --------------------------------------------------------------------------------------


class _NoSeed(ISeedSequence):
    """What a bit generator is made from that gets its state right afterwards."""

    @staticmethod
    @cache
    def generate_state(n_words, dtype=np.uint32):
        return np.zeros(n_words, dtype)


_NO_SEED = _NoSeed()
_COPIED = frozenset(_BIT_GENERATORS.values())


def custom_rng_deepcopy(rng: Generator) -> Generator:
    """Return a generator of the same kind in the same state: 3 us, where `deepcopy` takes 40.

    Both have one sequence of seeds for ``spawn``.
    """
    bit_generator = rng.bit_generator
    cls: Any = type(bit_generator)
    if cls not in _COPIED or type(rng) is not Generator:
        return deepcopy(rng)
    new = cls(_NO_SEED)
    with bit_generator.lock:  # not in the middle of a draw
        state = bit_generator.state
    new.__setstate__((state, bit_generator.seed_seq))
    return Generator(new)


copied.register(Generator, custom_rng_deepcopy)


# --------------------------------------------------------------------------------------
# Streams
# --------------------------------------------------------------------------------------


class RandomStream:
    """Random draws by the names of `numpy.random.Generator`, each with a generator of its own.

    Every call makes a new shared generator, seeded from the stream's, and lets it advance with
    every call of a function that draws from it. Kept for older programs; new ones say
    ``next_rng, x = pt.random.shared_rng(seed=...).normal()``.

    Parameters
    ----------
    seed : int, optional
        What the seeds of all generators are derived from; unpredictable by default.
    namespace : module, optional
        Where more distributions are found.
    rng_ctor : callable
        Makes a generator from a `numpy.random.SeedSequence`.

    Examples
    --------
    >>> import pytensor
    >>> import warnings
    >>> from pytensor.tensor.random.utils import RandomStream
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     stream = RandomStream(seed=3)
    >>> f = pytensor.function([], stream.uniform())
    >>> bool(f() != f())
    True
    """

    def __init__(
        self,
        seed: int | None = None,
        namespace: ModuleType | None = None,
        rng_ctor: Callable[[SeedSequence], Generator] = default_rng,
    ):
        warnings.warn(
            "RandomStream is deprecated. Use pt.random.shared_rng() and the rng.method() API "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
        basic = late("pytensor.tensor.random:basic")
        self.namespaces = [(basic, set(basic.__all__))]
        if namespace is not None:
            self.namespaces.append((namespace, set(getattr(namespace, "__all__", dir(namespace)))))
        self.default_instance_seed = seed
        self.state_updates: list[tuple[Any, Variable]] = []
        self.gen_seedgen = SeedSequence(seed)
        self.rng_ctor = rng_ctor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        namespaces = self.__dict__.get("namespaces", ())
        found = next((getattr(m, name) for m, names in namespaces if name in names), None)
        if found is None:
            raise AttributeError(f"No attribute {name}.")

        def draw(*args, **kwargs):
            return self.gen(found, *args, **kwargs)

        setattr(self, name, draw)
        return draw

    def updates(self) -> list[tuple[Variable, Variable]]:
        """Return the generators made so far, each with its next state."""
        return list(self.state_updates)

    def seed(self, seed: int | None = None) -> None:
        """Seed all generators made so far anew, and those made later.

        Parameters
        ----------
        seed : int, optional
            That of the constructor by default.
        """
        self.gen_seedgen = SeedSequence(self.default_instance_seed if seed is None else seed)
        for rng, _ in self.state_updates:
            [child] = self.gen_seedgen.spawn(1)
            rng.set_value(self.rng_ctor(child), borrow=True)

    def gen(self, op: Callable[..., Any], *args, **kwargs) -> Variable:
        """Return ``op(*args, **kwargs)``, drawn from a new generator.

        Parameters
        ----------
        op : callable
            A `RandomVariable`, or a function with its arguments ``rng`` and ``return_next_rng``.
        """
        if "rng" in kwargs:
            raise ValueError("The `rng` option cannot be used with a variate in a RandomStream")
        [child] = self.gen_seedgen.spawn(1)
        rng = shared_constructor(self.rng_ctor(child), borrow=True)
        next_rng, draw = op(*args, **kwargs, rng=rng, return_next_rng=True)
        rng.default_update = next_rng
        self.state_updates.append((rng, next_rng))
        return draw
