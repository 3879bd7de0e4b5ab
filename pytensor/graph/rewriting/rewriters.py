"""The two kinds of rewriter: those that change a whole graph and those that look at one node."""

from __future__ import annotations

import functools
import gc
import importlib
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.features import AlreadyThere, ReplaceValidate
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.rewriting.unify import OpPattern
from pytensor.graph.utils import CycleError


@contextmanager
def paused_gc() -> Iterator[None]:
    """Keep the cycle collector from scanning the whole graph again and again as it grows."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Rewriter(ABC):  # noqa: B024 - subclasses name their own abstract method
    """Anything that can rewrite a graph or a part of it."""

    name: str | None = None

    # By identity, whatever else a subclass inherits from.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def add_requirements(self, fgraph: FunctionGraph) -> None:  # noqa: B027 - most need none
        """Attach to `fgraph` the features that this rewriter needs."""

    def print_summary(self, stream=sys.stdout, level=0, depth=-1) -> None:
        """Write one line for this rewriter to `stream`."""
        name = getattr(self, "name", None)
        print(f"{' ' * level}{type(self).__name__} {name} id={id(self)}", file=stream)


class GraphRewriter(Rewriter):
    """A rewriter that takes a whole `FunctionGraph` and changes it in place."""

    @abstractmethod
    def apply(self, fgraph: FunctionGraph) -> Any:
        """Rewrite `fgraph` in place; return profiling data or `None`."""
        raise NotImplementedError

    def rewrite(self, fgraph: FunctionGraph, *args, **kwargs) -> Any:
        """Attach the features this rewriter needs, then `apply` it."""
        self.add_requirements(fgraph)
        with paused_gc():
            return self.apply(fgraph, *args, **kwargs)

    def __call__(self, fgraph: FunctionGraph) -> Any:
        return self.rewrite(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        attach_if_absent(fgraph, ReplaceValidate())

    @classmethod
    def print_profile(cls, stream, prof, level=0):
        """Write the profiling data that `apply` returned to `stream`."""
        if prof is not None:
            from_prof = getattr(prof, "render", None)
            text = from_prof() if from_prof is not None else str(prof)
            for line in text.splitlines():
                print(f"{'    ' * level}{line}", file=stream)


class NodeRewriter(Rewriter):
    """A rewriter that proposes a replacement for the outputs of a single node."""

    def tracks(self) -> Sequence[Op | type | OpPattern] | None:
        """Return the ops this rewriter looks at, `None` for every op."""
        return None

    @abstractmethod
    def transform(
        self, fgraph: FunctionGraph, node: Apply, enforce_tracks: bool = True, *args, **kwargs
    ) -> bool | Sequence[Variable | None] | dict[Variable | str, Any] | None:
        """Propose replacements for the outputs of `node`.

        Returns
        -------
        ``False`` or ``None`` when the rewriter does not apply; a sequence with one
        replacement per output (``None`` leaves that output alone); or a dictionary from
        variables to replacements, where the key ``"remove"`` lists variables that have to
        be gone after the replacement.
        """
        raise NotImplementedError

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features the rewriter needs; none by default."""


def handle_failure(exc: Exception, message: str) -> None:
    """Do what `config.on_opt_error` says about an exception in a rewriter.

    ``"raise"`` raises it, ``"warn"`` warns with the end of its traceback, ``"pdb"`` opens the
    debugger as well, ``"ignore"`` does nothing. A graph that goes in a circle is past repair: that
    is raised whatever the setting.
    """
    action = config.on_opt_error
    if action == "raise" or isinstance(exc, CycleError):
        raise exc
    if action == "ignore":
        return
    import traceback  # noqa: PLC0415  (slow to import, seldom needed)

    trace = "".join(traceback.format_exception(exc, limit=-3))
    warnings.warn(f"{message}\n{trace}", stacklevel=3)
    if action == "pdb":
        importlib.import_module("pdb").post_mortem(exc.__traceback__)


def attach_if_absent(fgraph: FunctionGraph, feature) -> None:
    """Attach `feature` unless `fgraph` already has one like it."""
    try:
        fgraph.attach_feature(feature)
    except AlreadyThere:
        return


def matches_tracks(op: Op, tracks: Iterable[Op | type | OpPattern] | None) -> bool:
    """Return whether `op` is one of `tracks`: an op equal to it, a class of it or a pattern."""
    if tracks is None:
        return True
    for track in tracks:
        if isinstance(track, type):
            if isinstance(op, track):
                return True
        elif isinstance(track, OpPattern):
            if track.match_op(op):
                return True
        elif track == op:
            return True
    return False


class FromFunctionGraphRewriter(GraphRewriter):
    """A `GraphRewriter` made from a function of one argument, the `FunctionGraph`."""

    def __init__(self, fn: Callable, requirements: Sequence[Callable[[], Any]] = ()):
        self.fn = fn
        self.requirements = tuple(requirements)
        functools.update_wrapper(self, fn, updated=())
        self.name = fn.__name__

    def apply(self, *args, **kwargs):
        return self.fn(*args, **kwargs)

    def __call__(self, *args, **kwargs):
        return self.fn(*args, **kwargs)

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        for feature_class in self.requirements:
            attach_if_absent(fgraph, feature_class())

    def __repr__(self):
        return f"FromFunctionGraphRewriter({self.fn!r}, {self.requirements!r})"

    def __str__(self):
        return self.__name__


def graph_rewriter(f: Callable) -> FromFunctionGraphRewriter:
    """Turn a function of a `FunctionGraph` into a `GraphRewriter`."""
    return FromFunctionGraphRewriter(f)


def inplace_graph_rewriter(f: Callable) -> FromFunctionGraphRewriter:
    """Turn a function into a `GraphRewriter` that may introduce destroying ops."""
    return FromFunctionGraphRewriter(f, requirements=(DestroyHandler,))


class FromFunctionNodeRewriter(NodeRewriter):
    """A `NodeRewriter` made from a function of a `FunctionGraph` and an `Apply`."""

    # `transform` is no more than a look at the tracks and a call of `fn`.
    calls_fn = True

    def __init__(
        self,
        fn: Callable,
        tracks: Sequence[Op | type | OpPattern] | None = None,
        requirements: Sequence[Callable[[], Any]] | Callable = (),
    ):
        self.fn = fn
        self._tracks = tracks
        self.requirements = requirements
        functools.update_wrapper(self, fn, updated=())

    def transform(self, fgraph, node, enforce_tracks: bool = True):
        if enforce_tracks and not matches_tracks(node.op, self._tracks):
            return False
        return self.fn(fgraph, node)

    def tracks(self):
        return self._tracks

    def add_requirements(self, fgraph):
        if callable(self.requirements):
            self.requirements(fgraph)
            return
        for feature_class in self.requirements:
            attach_if_absent(fgraph, feature_class())

    def __call__(self, fgraph, node):
        return self.fn(fgraph, node)

    def __repr__(self):
        return f"FromFunctionNodeRewriter({self.fn!r}, {self._tracks!r}, {self.requirements!r})"

    def __str__(self):
        return getattr(self, "__name__", repr(self))


def node_rewriter(
    tracks: Sequence[Op | type | OpPattern] | None,
    inplace: bool = False,
    requirements: tuple[type, ...] | None = (),
) -> Callable[[Callable], FromFunctionNodeRewriter]:
    """Turn a function of ``(fgraph, node)`` into a `NodeRewriter`.

    Parameters
    ----------
    tracks
        Ops, op classes or `OpPattern` objects the function wants to see; ``None`` for all.
    inplace
        Whether the rewriter introduces ops that destroy their inputs.
    requirements
        Feature classes to attach before the rewriter runs.

    Examples
    --------
    >>> @node_rewriter([add])  # doctest: +SKIP
    ... def local_useless_add(fgraph, node):
    ...     if len(node.inputs) == 1:
    ...         return [node.inputs[0]]
    """
    if tracks is not None:
        tracks = list(tracks)
        if not tracks:
            raise ValueError("[node_rewriter] tracks must be None or non-empty, got an empty list")
        for track in tracks:
            if not isinstance(track, Op | OpPattern) and not (
                isinstance(track, type) and issubclass(track, Op)
            ):
                raise TypeError(
                    f"[node_rewriter] tracks must hold Ops, Op classes or OpPatterns, got {track!r}"
                )
    features = tuple(requirements or ())
    if inplace and DestroyHandler not in features:
        features = (*features, DestroyHandler)

    def decorate(f: Callable) -> FromFunctionNodeRewriter:
        return FromFunctionNodeRewriter(f, tracks, features)

    return decorate


class SubstitutionNodeRewriter(NodeRewriter):
    """Replace every application of one op by an application of another to the same inputs."""

    # Applying it to its own result cannot be useful, and loops when op2 == op1.
    reentrant = False

    def __init__(self, op1: Op, op2: Op, transfer_tags: bool = True):
        self.op1 = op1
        self.op2 = op2
        self.transfer_tags = transfer_tags

    def tracks(self):
        return [self.op1]

    def transform(self, fgraph, node, enforce_tracks: bool = True):
        if node.op != self.op1:
            return False
        replacement = self.op2.make_node(*node.inputs)
        if self.transfer_tags:
            copy_stack_trace(node.outputs, replacement.outputs)
        return replacement.outputs

    def __str__(self):
        return f"{self.op1} -> {self.op2}"


class RemovalNodeRewriter(NodeRewriter):
    """Remove an op that passes its inputs through unchanged, output for input."""

    reentrant = False

    def __init__(self, op: Op):
        self.op = op

    def tracks(self):
        return [self.op]

    def transform(self, fgraph, node, enforce_tracks: bool = True):
        if node.op != self.op or len(node.inputs) != len(node.outputs):
            return False
        return node.inputs

    def __str__(self):
        return f"{self.op}(x) -> x"


OpSub = SubstitutionNodeRewriter
OpRemove = RemovalNodeRewriter
