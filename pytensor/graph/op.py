"""What a node does: `Op`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from pytensor.graph.basic import Apply, NoParams, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.traversal import io_toposort
from pytensor.graph.utils import MetaObject, MethodNotDefined, add_tag_trace, user_frames

if TYPE_CHECKING:
    from pytensor.graph.fg import AbstractFunctionGraph, FunctionGraph
    from pytensor.graph.type import Type

StorageCellType: TypeAlias = list[Any | None]
StorageMapType: TypeAlias = dict[Variable, StorageCellType]
ComputeMapType: TypeAlias = dict[Variable, list[bool]]
InputStorageType: TypeAlias = list[StorageCellType]
OutputStorageType: TypeAlias = list[StorageCellType]
ParamsInputType: TypeAlias = tuple[Any, ...]
PerformMethodType: TypeAlias = Callable[[Apply, list[Any], OutputStorageType], None]
BasicThunkType: TypeAlias = Callable[[], None]
ThunkCallableType: TypeAlias = Callable[
    [PerformMethodType, StorageMapType, ComputeMapType, Apply], None
]
C = TypeVar("C", bound=Callable)


class ThunkType(Protocol[C]):
    """A function without arguments that computes one node from storage cells to cells."""

    inputs: list[StorageCellType]
    outputs: list[StorageCellType]
    lazy: bool
    __call__: C
    perform: PerformMethodType


def is_thunk_type(thunk: ThunkCallableType) -> ThunkType:
    """Tell a type checker that `thunk` carries the attributes of a thunk."""
    return thunk  # type: ignore[return-value]


class Op(MetaObject):
    r"""A function of variables: it makes nodes, computes them, and knows their derivatives.

    A subclass defines `make_node` (or ``itypes`` and ``otypes``) and `perform`, and, where it
    can, `pullback`, `pushforward` and ``infer_shape(fgraph, node, input_shapes)``. An Op holds
    no code for any backend: those register implementations by dispatch.

    The derivative may be given under any of its names. With :math:`y = f(x)` and the Jacobian
    :math:`J`, ``pullback(inputs, outputs, cotangents)`` returns :math:`J^T \bar y`;
    ``L_op(inputs, outputs, output_grads)`` is the same under an older name and
    ``grad(inputs, output_grads)`` the oldest, without the outputs.
    ``pushforward(inputs, outputs, tangents)`` returns :math:`J \dot x`;
    ``R_op(inputs, eval_points)`` is its older form, with None for what is disconnected.
    """

    default_output: int | None = None
    """Index of the output that ``__call__`` returns; None for all of them."""

    view_map: dict[int, list[int]] = {}
    """Maps an output to the inputs whose memory it may share."""

    destroy_map: dict[int, list[int]] = {}
    """Maps an output to the inputs whose memory it overwrites."""

    itypes: Sequence[Type] | None = None
    otypes: Sequence[Type] | None = None

    _output_type_depends_on_input_value = False
    """Rebuild the node, not just copy it, when a constant replaces an input of equal type."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _define_other_spellings(cls)

    # -- making nodes -------------------------------------------------------------------

    def make_node(self, *inputs: Variable) -> Apply:
        """Return a node that applies this Op to `inputs`; checks types, infers static shapes.

        This version uses ``itypes`` and ``otypes``.
        """
        if self.itypes is None or self.otypes is None:
            raise NotImplementedError(
                f"[{type(self).__name__}] make_node must be defined, or itypes and otypes"
            )
        if len(inputs) != len(self.itypes):
            raise ValueError(f"[{self}] must have {len(self.itypes)} inputs, got {len(inputs)}")
        for i, (var, expected) in enumerate(zip(inputs, self.itypes)):
            if not isinstance(var, Variable) or not expected.is_super(var.type):
                got = getattr(var, "type", var)
                raise TypeError(f"[{self}] input {i} must be of type {expected}, got {got}")
        return Apply(self, inputs, [otype() for otype in self.otypes])

    def __call__(
        self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs
    ) -> Variable | list[Variable]:
        """Make a node and return its output, or the list of its outputs.

        Parameters
        ----------
        inputs, kwargs
            Arguments of `make_node`.
        name : str, optional
            Name for the (only) output.
        return_list : bool
            Return a list even for one output.
        """
        node = self.make_node(*inputs, **kwargs)
        outputs = node.outputs
        if name is not None:
            if len(outputs) == 1:
                outputs[0].name = name
            elif self.default_output is not None:
                outputs[self.default_output].name = name
        frames = user_frames()
        if frames:
            for output in outputs:
                output.tag.trace = [frames]
        if self.default_output is not None:
            result = outputs[self.default_output]
            return [result] if return_list else result
        if return_list or len(outputs) != 1:
            return list(outputs)
        return outputs[0]

    add_tag_trace = staticmethod(add_tag_trace)

    # -- derivatives --------------------------------------------------------------------

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Return the cotangents of `inputs`, one each, from those of `outputs`.

        Where an output doesn't depend on an input differentiably, give
        ``disconnected_type()``; where nobody has written it, ``grad_not_implemented(...)``.
        """
        cls = type(self)
        if cls.L_op is not Op.L_op:
            return self.L_op(inputs, outputs, cotangents)
        if cls.grad is not Op.grad:
            return self.grad(inputs, cotangents)
        raise NotImplementedError(f"[{self}] pullback is not implemented")

    def pushforward(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        tangents: Sequence[Variable],
    ) -> list[Variable]:
        """Return the tangents of `outputs`, one each, from those of `inputs`.

        A tangent of ``DisconnectedType`` means that the input is not varied.
        """
        if type(self).R_op is not Op.R_op:
            return _connected(self.R_op(inputs, _none_if_disconnected(tangents)))
        raise NotImplementedError(f"[{self}] pushforward is not implemented")

    def grad(self, inputs: Sequence[Variable], output_grads: Sequence[Variable]) -> list[Variable]:
        """Older form of `pullback`, without the outputs."""
        cls = type(self)
        if cls.pullback is Op.pullback and cls.L_op is Op.L_op:
            raise NotImplementedError(f"[{self}] grad is not implemented")
        return self.pullback(inputs, self.make_node(*inputs).outputs, output_grads)

    def L_op(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        output_grads: Sequence[Variable],
    ) -> list[Variable]:
        """Older name of `pullback`."""
        cls = type(self)
        if cls.pullback is not Op.pullback:
            return self.pullback(inputs, outputs, output_grads)
        if cls.grad is not Op.grad:
            return self.grad(inputs, output_grads)
        raise NotImplementedError(f"[{self}] grad is not implemented")

    def R_op(
        self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]
    ) -> list[Variable | None]:
        """Older form of `pushforward`, with None for what is disconnected."""
        if type(self).pushforward is Op.pushforward:
            raise NotImplementedError(f"[{self}] R_op is not implemented")
        outputs = self.make_node(*inputs).outputs
        tangents = _connected(eval_points)
        return _none_if_disconnected(self.pushforward(inputs, outputs, tangents))

    # -- computing ----------------------------------------------------------------------

    def perform(
        self, node: Apply, inputs: Sequence[Any], output_storage: OutputStorageType
    ) -> None:
        """Compute the outputs of `node` in Python.

        Parameters
        ----------
        node : Apply
        inputs : sequence
            Values; not to be changed except as ``destroy_map`` says.
        output_storage : list of one-element lists
            Where the results go. What is found there may be an old result to reuse, if its
            type, shape and layout are right.
        """
        raise MethodNotDefined(f"[{self}] perform is not defined: no implementation in Python")

    def do_constant_folding(self, fgraph: FunctionGraph, node: Apply) -> bool:
        """Tell whether `node` may be computed at compile time when its inputs are constant."""
        return True

    def prepare_node(
        self,
        node: Apply,
        storage_map: StorageMapType | None,
        compute_map: ComputeMapType | None,
        impl: str | None,
    ) -> None:
        """Do what must be done once before `node` is first computed."""

    def make_py_thunk(
        self,
        node: Apply,
        storage_map: StorageMapType,
        compute_map: ComputeMapType | None,
        no_recycling: Sequence[Variable],
        debug: bool = False,
    ) -> ThunkType:
        """Return a thunk that calls `perform` on storage cells."""
        node_inputs = [storage_map[var] for var in node.inputs]
        node_outputs = [storage_map[var] for var in node.outputs]
        computed = None if compute_map is None else [compute_map[var] for var in node.outputs]
        perform = self.perform

        def thunk():
            perform(node, [cell[0] for cell in node_inputs], node_outputs)
            if computed is not None:
                for flag in computed:
                    flag[0] = True

        marked: Any = thunk
        marked.inputs = node_inputs
        marked.outputs = node_outputs
        marked.perform = perform
        marked.lazy = False
        return marked

    def make_thunk(
        self,
        node: Apply,
        storage_map: StorageMapType,
        compute_map: ComputeMapType,
        no_recycling: Sequence[Variable],
        impl: str | None = None,
    ) -> ThunkType:
        """Return a thunk for `node`, whose cells are in `storage_map`.

        Kept for Ops that replace it and tools that call it: our backends compile whole
        programs and don't need it.
        """
        self.prepare_node(node, storage_map=storage_map, compute_map=compute_map, impl="py")
        return self.make_py_thunk(node, storage_map, compute_map, no_recycling)

    def inplace_on_inputs(self, allowed_inplace_inputs: list[int]) -> Op:
        """Return a version of this Op that may overwrite some of these inputs, or itself."""
        return self

    def get_params(self, node: Apply):
        """Parameters for C code; Ops here have none."""
        raise MethodNotDefined(f"[{self}] get_params is not defined")

    params_type = NoParams

    def __getstate__(self):
        state = self.__dict__.copy()
        state.pop("_fn_cache", None)
        return state


# --------------------------------------------------------------------------------------
# One derivative, several spellings
# --------------------------------------------------------------------------------------


def _connected(values: Sequence[Variable | None]) -> list[Variable]:
    return [disconnected_type() if v is None else v for v in values]


def _none_if_disconnected(values: Sequence[Variable]) -> list[Variable | None]:
    return [None if isinstance(v.type, DisconnectedType) else v for v in values]


def _define_other_spellings(cls: Any) -> None:
    """Derive the spellings of a derivative that `cls` doesn't define from the one it does.

    They are bound to the function found in `cls`, not looked up on the object: so the most
    derived class wins under every name, and ``super()`` calls can't go in circles.
    """
    own = cls.__dict__
    if "pullback" in own:
        pull = own["pullback"]
    elif "L_op" in own:
        pull = cls.pullback = _renamed("pullback", own["L_op"])
    elif "grad" in own:
        pull = cls.pullback = _pullback_from_grad(own["grad"])
    else:
        pull = None
    if pull is not None:
        if "L_op" not in own:
            cls.L_op = _renamed("L_op", pull)
        if "grad" not in own:
            cls.grad = _grad_from_pullback(pull)
    if "pushforward" in own and "R_op" not in own:
        cls.R_op = _R_op_from_pushforward(own["pushforward"])
    elif "R_op" in own and "pushforward" not in own:
        cls.pushforward = _pushforward_from_R_op(own["R_op"])


def _renamed(name: str, method):
    @wraps(method)
    def same(self, inputs, outputs, cotangents):
        return method(self, inputs, outputs, cotangents)

    same.__name__ = name
    return same


def _pullback_from_grad(grad):
    @wraps(grad)
    def pullback(self, inputs, outputs, cotangents):
        return grad(self, inputs, cotangents)

    return pullback


def _grad_from_pullback(pullback):
    @wraps(pullback)
    def grad(self, inputs, output_grads):
        return pullback(self, inputs, self.make_node(*inputs).outputs, output_grads)

    return grad


def _R_op_from_pushforward(pushforward):
    @wraps(pushforward)
    def R_op(self, inputs, eval_points):
        outputs = self.make_node(*inputs).outputs
        return _none_if_disconnected(pushforward(self, inputs, outputs, _connected(eval_points)))

    return R_op


def _pushforward_from_R_op(R_op):
    @wraps(R_op)
    def pushforward(self, inputs, outputs, tangents):
        return _connected(R_op(self, inputs, _none_if_disconnected(tangents)))

    return pushforward


# --------------------------------------------------------------------------------------
# Ops with graphs inside
# --------------------------------------------------------------------------------------


class _NoPythonOp(Op):
    """An Op that only backends can compute."""

    def perform(self, node, inputs, output_storage):
        raise NotImplementedError(f"[{self}] perform is not implemented: no version in Python")


class HasMultipleInnerGraph(ABC):
    """Mix-in for Ops that hold graphs of their own."""

    @property
    @abstractmethod
    def inner_graphs(self) -> Sequence[AbstractFunctionGraph]:
        """The graphs."""


class HasInnerGraph(HasMultipleInnerGraph):
    """Mix-in for Ops that hold one graph of their own, ``fgraph``."""

    if TYPE_CHECKING:  # an attribute or a property of the subclass

        @property
        def fgraph(self) -> AbstractFunctionGraph: ...

    @property
    @abstractmethod
    def fn(self):
        """The compiled inner graph."""

    @property
    def inner_graphs(self) -> Sequence[AbstractFunctionGraph]:
        return [self.fgraph]

    @property
    @abstractmethod
    def inner_inputs(self) -> list[Variable]:
        """Inputs of the inner graph."""

    @property
    @abstractmethod
    def inner_outputs(self) -> list[Variable]:
        """Outputs of the inner graph."""

    @abstractmethod
    def clone(self) -> Op:
        """Return an equal Op with a copy of the inner graph."""


def io_connection_pattern(
    inputs: Sequence[Variable], outputs: Sequence[Variable]
) -> list[list[bool]]:
    """Tell which outputs are differentiably connected to which inputs.

    Returns
    -------
    list of list of bool
        Entry ``[i][o]`` is True if there is a path from input ``i`` to output ``o`` along which
        every node's ``connection_pattern`` says connected.
    """
    reached: dict[Variable, set[int]] = {}
    for i, var in enumerate(inputs):
        reached.setdefault(var, set()).add(i)
    empty: set[int] = set()
    for node in io_toposort(inputs, outputs):
        pattern = getattr(node.op, "connection_pattern", None)
        links = pattern(node) if pattern is not None else None
        sources = [reached.get(var, empty) for var in node.inputs]
        for o, out in enumerate(node.outputs):
            found: set[int] = set()
            for k, source in enumerate(sources):
                if links is None or links[k][o]:
                    found |= source
            if out in reached:
                found |= reached[out]
            reached[out] = found
    return [[i in reached.get(out, empty) for out in outputs] for i in range(len(inputs))]
