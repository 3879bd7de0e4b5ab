"""`RandomVariable`, the Op of which every distribution is a subclass."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.random import default_rng as _numpy_rng

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import disconnected_type, grad_undefined
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.graph.utils import PACKAGE_DIRECTORY
from pytensor.tensor._convert import as_tensor_variable, get_vector_length
from pytensor.tensor._make_vector import int_vector, static_entries, static_int
from pytensor.tensor._reshape import _entries
from pytensor.tensor._shape_ops import length
from pytensor.tensor.extra_ops import broadcast_shape
from pytensor.tensor.random.type import RandomType, random_generator_type
from pytensor.tensor.random.utils import (
    custom_rng_deepcopy,
    explicit_expand_dims,
    normalize_size_param,
)
from pytensor.tensor.type import TensorType
from pytensor.tensor.type_other import NoneConst, NoneTypeT
from pytensor.tensor.utils import (
    _parse_gufunc_signature,
    broadcast_static_dim_lengths,
    safe_signature,
)
from pytensor.utils import late

__all__ = ["RNGConsumerOp", "RandomVariable", "default_rng"]


def _warn(message: str) -> None:
    """Issue a DeprecationWarning that names the user's line."""
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIRECTORY):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, DeprecationWarning, stacklevel=level)


class RNGConsumerOp(Op):
    """An Op that takes the state of a random generator, and returns the next one."""

    def update(self, node: Apply) -> dict[Variable, Variable]:
        """Return the generators that `node` draws from, and what they are afterwards."""
        raise NotImplementedError(f"[{self}] update is not implemented")

    def do_constant_folding(self, fgraph, node):
        # What is drawn is no constant, and a generator may be overwritten, a constant not.
        return False


class RandomVariable(RNGConsumerOp):
    """Draws from a distribution: ``(rng, size, *parameters) -> (next rng, draws)``.

    A subclass is a distribution. It has a ``name``, a ``signature``, a ``dtype``, and computes draws
    in `rng_fn`. Leading dimensions of the parameters are batches, which broadcast as in NumPy.

    Parameters
    ----------
    name : str
        By default also the method of `numpy.random.Generator` that draws.
    ndim_supp : int
        Number of dimensions of one draw. Like `ndims_params` part of the signature.
    ndims_params : sequence of int
        Number of dimensions of each parameter, for one draw.
    dtype : str
        Of the draws; ``"floatX"`` is ``config.floatX`` when a node is made.
    inplace : bool
        Advance the given generator instead of a copy of it.
    signature : str
        As for generalized ufuncs: ``(),(p)->(p)`` takes a number and a vector and draws a vector.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.random.op import RandomVariable
    >>> class Doubled(RandomVariable):
    ...     name = "doubled"
    ...     signature = "()->()"
    ...     dtype = "floatX"
    ...
    ...     @classmethod
    ...     def rng_fn(cls, rng, scale, size):
    ...         return 2 * rng.normal(0, scale, size)
    >>> next_rng, x = Doubled()(3.0, size=2, rng=pt.random.rng(), return_next_rng=True)
    >>> x.type.shape
    (2,)
    """

    _output_type_depends_on_input_value = True

    __props__: tuple[str, ...] = ("name", "signature", "dtype", "inplace")
    default_output = 1

    name: str
    signature: str
    dtype: str | None
    inplace: bool = False

    def __init__(
        self,
        name: str | None = None,
        ndim_supp: int | None = None,
        ndims_params: Sequence[int] | None = None,
        dtype: str | None = None,
        inplace: bool | None = None,
        signature: str | None = None,
    ):
        super().__init__()
        cls = type(self)
        self.name = name or getattr(cls, "name", None) or cls.__name__
        self.signature = self._given_signature(signature, ndim_supp, ndims_params)
        inputs_sig, outputs_sig = _parse_gufunc_signature(self.signature)
        if len(outputs_sig) != 1:
            raise ValueError(
                f"[{self.name}] signature must have one output, got {self.signature!r}"
            )
        self.inputs_sig, self.output_sig = inputs_sig, outputs_sig[0]
        self.ndims_params = [len(core) for core in inputs_sig]
        self.ndim_supp = len(self.output_sig)
        self.dtype = dtype or getattr(cls, "dtype", None)
        self.inplace = cls.inplace if inplace is None else inplace
        if self.inplace:
            self.destroy_map = {0: [0]}

    def _given_signature(self, signature, ndim_supp, ndims_params) -> str:
        cls = type(self)
        signature = signature or getattr(cls, "signature", None)
        if signature is not None:
            return signature
        ndim_supp = getattr(cls, "ndim_supp", None) if ndim_supp is None else ndim_supp
        ndims_params = getattr(cls, "ndims_params", None) if ndims_params is None else ndims_params
        if ndim_supp is None or ndims_params is None:
            raise ValueError("signature must be provided")
        if not isinstance(ndims_params, Sequence) or isinstance(ndims_params, str):
            raise TypeError("Parameter ndims_params must be sequence type.")
        return safe_signature([int(n) for n in ndims_params], [int(ndim_supp)])

    def __str__(self):
        if self.__props__ == RandomVariable.__props__:
            return f'{self.name}_rv{{"{self.signature}"}}'
        props = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__props__)
        return f"{type(self).__name__}{{{props}}}"

    # -- making nodes -------------------------------------------------------------------

    def __call__(
        self,
        *args: Any,
        size=None,
        name: str | None = None,
        rng: Variable | None = None,
        dtype: str | None = None,
        return_next_rng: bool = False,
        **kwargs: Any,
    ):
        """Return draws, or the next state of the generator and draws.

        Parameters
        ----------
        *args
            Parameters of the distribution.
        size : None, int, sequence of int or variables, or vector
            Shape of the batch of draws. None: that of the parameters.
        name : str, optional
            Of the draws.
        rng : variable
            State of a generator. Without one a new, unpredictable shared generator is made.
        dtype : str, optional
            Of the draws, if another than the distribution's own.
        return_next_rng : bool
            Return ``(next_rng, draws)``.
        """
        kwargs.pop("return_list", None)
        if kwargs:
            raise TypeError(f"[{self.name}] unknown argument {next(iter(kwargs))!r}")
        op = self if dtype is None else self._with_dtype(dtype)
        node = op.make_node(rng, size, *args)
        next_rng, draws = node.outputs
        self.add_tag_trace(next_rng)
        self.add_tag_trace(draws)
        if name is not None:
            draws.name = name
        if return_next_rng:
            return next_rng, draws
        _warn(
            "RandomVariable Ops will stop hiding the rng output in a future version. Set "
            "return_next_rng=True to suppress this warning."
        )
        return draws

    def _with_dtype(self, dtype):
        if dtype == self.dtype:
            return self
        own = config.floatX if self.dtype == "floatX" else self.dtype
        new = config.floatX if dtype == "floatX" else np.dtype(dtype).name
        if own is not None and (np.dtype(own).kind == "f") != (np.dtype(new).kind == "f"):
            raise ValueError(
                f"Cannot change the dtype of a {self.name} RV from {self.dtype} to {dtype}"
            )
        return type(self)(**{**self._props_dict(), "dtype": new})

    def make_node(self, rng, size, *dist_params):
        """Return a node that draws.

        Parameters
        ----------
        rng : variable, or None for a new shared generator
        size : what `normalize_size_param` takes
        dist_params : array-like
        """
        rng = self._as_rng(rng)
        size = normalize_size_param(size)
        if len(dist_params) != len(self.ndims_params):
            raise ValueError(
                f"[{self.name}] must have {len(self.ndims_params)} parameters for signature "
                f"{self.signature}, got {len(dist_params)}"
            )
        params = [as_tensor_variable(p) for p in dist_params]
        size_length = None if isinstance(size.type, NoneTypeT) else get_vector_length(size)
        self._check_params(params, size_length)
        params = explicit_expand_dims(params, self.ndims_params, size_length)
        batch = self._static_batch_shape(size, params)
        static = (*batch, *self._static_supp_shape(params))
        dtype = config.floatX if self.dtype in ("floatX", None) else self.dtype
        outputs = [rng.type(), TensorType(dtype=dtype, shape=static)()]
        op = self
        if dtype != self.dtype:
            op = type(self)(**{**self._props_dict(), "dtype": dtype})
        return Apply(op, [rng, size, *params], outputs)

    def _as_rng(self, rng) -> Variable:
        if rng is None:
            _warn(
                "Calling a RandomVariable without an explicit rng is deprecated. Use pt.random.rng "
                "or pt.random.shared_rng."
            )
            return late("pytensor.tensor.random.variable:shared_rng")(_numpy_rng(), borrow=True)
        if not isinstance(rng, Variable) or not isinstance(rng.type, RandomType):
            got = rng.type if isinstance(rng, Variable) else f"{type(rng).__name__} {rng!r}"
            raise TypeError(
                f"[{self.name}] rng must be a variable for a random generator, made by "
                f"pt.random.shared_rng or pt.random.rng (a RandomGeneratorType), got {got}"
            )
        rng.tag.used = True
        return rng

    def _param_name(self, i: int) -> str:
        """Return the name of a parameter in the signature of the call."""
        code = type(self).__call__.__code__
        names = code.co_varnames[1 : code.co_argcount]
        return names[i] if i < len(names) else f"parameter {i}"

    def _check_params(self, params: Sequence[Variable], size_length: int | None) -> None:
        for i, (param, core) in enumerate(zip(params, self.ndims_params, strict=True)):
            batch_ndim = param.type.ndim - core
            if batch_ndim < 0:
                raise ValueError(
                    f"[{self.name}] {self._param_name(i)} must have {core} dimensions at least, "
                    f"got {param.type}"
                )
            if param.type.dtype[:7] == "complex" and not self._allows_complex:
                raise TypeError(
                    f"[{self.name}] {self._param_name(i)} must be real, got {param.type}"
                )
            if size_length is not None and size_length < batch_ndim:
                raise ValueError(
                    f"Size length is incompatible with batched dimensions of parameter {i} "
                    f"({self._param_name(i)} of {self.name}): len(size) = {size_length}, got "
                    f"{param.type} with {batch_ndim} batch dimensions. "
                    f"Size must be None or have length >= {batch_ndim}"
                )

    _allows_complex = False

    def _static_batch_shape(self, size, params) -> tuple[int | None, ...]:
        batches = [
            p.type.shape[: p.type.ndim - n] for p, n in zip(params, self.ndims_params, strict=True)
        ]
        try:
            batch = [broadcast_static_dim_lengths(lengths) for lengths in zip(*batches)]
        except ValueError as error:
            raise ValueError(
                f"[{self.name}] Could not broadcast dimensions of the parameters. "
                f"Incompatible shapes were {[p.type.shape for p in params]}."
            ) from error
        if isinstance(size.type, NoneTypeT):
            return tuple(batch)
        wanted = static_entries(size) or [None] * get_vector_length(size)
        for have, want in zip(batch, wanted):
            if have is not None and want is not None and have not in (1, want):
                raise ValueError(
                    f"[{self.name}] size must fit the parameters, got size {tuple(wanted)} and "
                    f"parameters of shapes {[p.type.shape for p in params]}"
                )
        return tuple(None if n is None or n < 0 else n for n in wanted)

    def _static_supp_shape(self, params) -> list[int | None]:
        if type(self)._supp_shape_from_params is RandomVariable._supp_shape_from_params:
            known = self._named_lengths([p.type.shape for p in params])
            return [known.get(dim) for dim in self.output_sig]
        shapes = [tuple(length(p, i) for i in range(p.type.ndim)) for p in params]
        return [static_int(n) for n in self._supp_shape_from_params(params, param_shapes=shapes)]

    # -- shapes -------------------------------------------------------------------------

    def _named_lengths(self, shapes) -> dict[str, Any]:
        """Return the length of each core dimension, a known one before a symbolic one."""
        found: dict[str, Any] = {}
        for core, shape in zip(self.inputs_sig, shapes, strict=True):
            for dim, n in zip(core, shape[len(shape) - len(core) :], strict=True):
                if dim not in found or static_int(found[dim]) is None:
                    found[dim] = n
        return found

    def _supp_shape_from_params(self, dist_params, param_shapes=None):
        """Return the shape of one draw.

        By the signature; a distribution whose draws have a shape that is not that of a parameter
        replaces this method.
        """
        if not self.output_sig:
            return []
        if param_shapes is None:
            param_shapes = [[length(p, i) for i in range(p.type.ndim)] for p in dist_params]
        known = self._named_lengths(param_shapes)
        if not known.keys() >= set(self.output_sig):
            raise NotImplementedError(
                f"[{self.name}] `_supp_shape_from_params` must be implemented: signature "
                f"{self.signature} does not say the shape of a draw"
            )
        return [known[dim] for dim in self.output_sig]

    def _infer_shape(self, size, dist_params, param_shapes=None) -> tuple:
        """Return the shape of the draws, one variable for each dimension.

        Parameters
        ----------
        size : variable
            `NoneConst` or a vector.
        dist_params : sequence of variable
        param_shapes : sequence of shapes, optional
        """
        size = normalize_size_param(size)
        if param_shapes is None:
            shapes = [tuple(length(p, i) for i in range(p.type.ndim)) for p in dist_params]
        else:
            shapes = [tuple(s) for s in param_shapes]
        supp = self._supp_shape_from_params(dist_params, param_shapes=shapes)
        if not isinstance(size.type, NoneTypeT):
            return (*_entries(size, get_vector_length(size)), *supp)
        batches = [s[: len(s) - n] for s, n in zip(shapes, self.ndims_params, strict=True)]
        return (*broadcast_shape(*batches, arrays_are_shapes=True), *supp)

    def infer_shape(self, fgraph, node, input_shapes):
        _, size, *params = node.inputs
        return [None, self._infer_shape(size, params, input_shapes[2:])]

    def batch_ndim(self, node: Apply) -> int:
        """Return the number of batch dimensions of the draws."""
        return node.outputs[1].type.ndim - self.ndim_supp

    # -- parts of a node ----------------------------------------------------------------

    def rng_param(self, node) -> Variable:
        """Return the generator that `node` draws from."""
        return node.inputs[0]

    def size_param(self, node) -> Variable:
        """Return the size that was given to `node`."""
        return node.inputs[1]

    def dist_params(self, node) -> Sequence[Variable]:
        """Return the parameters of the distribution."""
        return node.inputs[2:]

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    # -- drawing ------------------------------------------------------------------------

    def rng_fn(self, rng: Generator, *args, **kwargs) -> int | float | np.ndarray:
        """Draw: ``rng_fn(rng, *parameters, size)``, with a size that is None or a tuple.

        By default the method of `rng` that is called as the distribution.
        """
        *params, size = args
        if size:
            # A number is drawn from without an iterator over arrays.
            params = [p.item() if p.size == 1 else p for p in params]
        return getattr(rng, self.name)(*params, size, **kwargs)

    def perform(self, node, inputs, outputs):
        rng, size, *params = inputs
        if not self.inplace:
            rng = custom_rng_deepcopy(rng)
        size = None if size is None else tuple(size.tolist())
        draws = self.rng_fn(rng, *params, size)
        out = node.outputs[1].type
        if type(draws) is not np.ndarray or draws.dtype is not out.numpy_dtype:
            draws = np.asarray(draws, dtype=out.numpy_dtype)
        if draws.ndim != out.ndim:
            raise ValueError(
                f"[{self.name}] draws must have {out.ndim} dimensions, got shape {draws.shape}"
            )
        outputs[0][0] = rng
        outputs[1][0] = draws

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that advances the generator it is given."""
        if self.inplace or 0 not in allowed_inplace_inputs:
            return self
        return type(self)(**{**self._props_dict(), "inplace": True})

    # -- derivatives --------------------------------------------------------------------

    def pullback(self, inputs, outputs, output_grads):
        return [
            grad_undefined(self, i, var, "No gradient defined for random variables")
            for i, var in enumerate(inputs)
        ]

    def pushforward(self, inputs, outputs, eval_points):
        return [disconnected_type() for _ in outputs]


# --------------------------------------------------------------------------------------
# Generators made inside a graph
# --------------------------------------------------------------------------------------


class AbstractRNGConstructor(Op):
    """An Op that makes a generator from a seed: ``random_type`` and ``random_constructor`` say which."""

    __props__ = ()

    random_type: RandomType
    random_constructor: str

    def make_node(self, seed=None):
        seed = NoneConst if seed is None else as_tensor_variable(seed)
        return Apply(self, [seed], [self.random_type()])

    def perform(self, node, inputs, output_storage):
        constructor = getattr(np.random, self.random_constructor)
        seed = inputs[0]
        output_storage[0][0] = constructor(
            seed if np.ndim(seed) else seed.item() if seed is not None else None
        )

    def do_constant_folding(self, fgraph, node):
        return False

    def infer_shape(self, fgraph, node, input_shapes):
        return [None]

    def connection_pattern(self, node):
        return [[False]]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type() for _ in inputs]


class DefaultGeneratorMakerOp(AbstractRNGConstructor):
    """`numpy.random.default_rng` of a seed, as part of a graph.

    Examples
    --------
    >>> _, draws = pt.random.normal(size=3, rng=pt.random.default_rng(5), return_next_rng=True)
    >>> draws.eval().shape
    (3,)
    """

    random_type = random_generator_type
    random_constructor = "default_rng"


default_rng = DefaultGeneratorMakerOp()


# --------------------------------------------------------------------------------------
# Batches
# --------------------------------------------------------------------------------------


@_vectorize_node.register(RandomVariable)
def vectorize_random_variable(
    op: RandomVariable, node: Apply, rng, size, *dist_params: Variable
) -> Apply:
    """Draw for every element of the new batch dimensions of the parameters.

    A size that was given is kept for each of them.
    """
    old_size = op.size_param(node)
    if isinstance(old_size.type, NoneTypeT):
        return op.make_node(rng, size, *dist_params)
    if size.type.ndim != 1:
        raise NotImplementedError(
            f"[{op.name}] size must stay a vector when a draw is vectorized, got {size.type}"
        )
    n = get_vector_length(size)
    # A draw of one size before broadcast its parameters: the new dimensions are left of these.
    batches = [
        [length(p, i) for i in range(p.type.ndim - core)]
        for p, core in zip(dist_params, op.ndims_params, strict=True)
    ]
    extra = max(map(len, batches), default=0) - n
    if extra > 0:
        new = [b[: max(0, len(b) - n)] for b in batches]
        size = int_vector([*broadcast_shape(*new, arrays_are_shapes=True), *_entries(size, n)])
    return op.make_node(rng, size, *dist_params)
