"""What an expression is made of: `Variable`, `Constant`, `Apply`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakValueDictionary

from pytensor.graph.utils import CycleError, MetaObject, Scratchpad, add_tag_trace
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.graph.op import Op
    from pytensor.graph.type import Type

OpType = TypeVar("OpType", bound="Op")
OptionalApplyType = TypeVar("OptionalApplyType", None, "Apply", covariant=True)
_TypeType = TypeVar("_TypeType", bound="Type")
_IdType = TypeVar("_IdType", bound=Hashable)

NoParams = object()


class Node(MetaObject):
    """A vertex of a graph: a `Variable` or an `Apply`."""

    name: str | None

    def get_parents(self) -> list:
        """Return the vertices this one is computed from."""
        raise NotImplementedError(f"[{type(self).__name__}] get_parents is not defined")

    def dprint(self, **kwargs):
        """Print the expression as a tree; see `pytensor.printing.debugprint`."""
        return late("pytensor.printing:debugprint")(self, **kwargs)


class AbstractApply(Node):
    """The application of an Op to inputs, and the outputs it has."""

    op: Op
    inputs: Sequence[Variable]
    outputs: Sequence[Variable]
    tag: Scratchpad
    interned = False

    def default_output(self) -> Variable:
        """Return the output an expression means when it names only the Op."""
        which = getattr(self.op, "default_output", None)
        if which is None:
            if len(self.outputs) == 1:
                return self.outputs[0]
            raise ValueError(
                f"[{self.op}] default_output must be set to pick one of {len(self.outputs)} outputs"
            )
        if not 0 <= which < len(self.outputs):
            raise ValueError(f"[{self.op}] default_output must be an output's index, got {which}")
        return self.outputs[which]

    def get_parents(self) -> list[Variable]:
        return list(self.inputs)

    @property
    def out(self) -> Variable:
        """The default output."""
        return self.default_output()

    @property
    def nin(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @property
    def nout(self) -> int:
        """Number of outputs."""
        return len(self.outputs)

    @property
    def params_type(self):
        """Parameters of the Op's C code; Ops here have none."""
        return getattr(self.op, "params_type", NoParams)

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))})"

    __repr__ = __str__


class Apply(AbstractApply, Generic[OpType]):
    """The application of `op` to `inputs`, which owns `outputs`.

    Parameters
    ----------
    op : Op
    inputs : sequence of Variable
    outputs : sequence of Variable
        Variables without an owner; they get this node as their owner and their position as
        their index.
    """

    op: OpType

    def __init__(self, op: OpType, inputs: Sequence[Variable], outputs: Sequence[Variable]):
        self.op = op
        self.inputs: list[Variable] = list(inputs)
        self.outputs: list[Variable] = list(outputs)
        self.tag = Scratchpad()
        for var in self.inputs:
            if not isinstance(var, Variable):
                raise TypeError(
                    f"[{op}] inputs must be variables, got {var!r} of type {type(var).__name__}"
                )
        for i, var in enumerate(self.outputs):
            if not isinstance(var, Variable):
                raise TypeError(
                    f"[{op}] outputs must be variables, got {var!r} of type {type(var).__name__}"
                )
            if var.owner is None:
                var.owner = self
                var.index = i
            elif var.owner is not self or var.index != i:
                raise ValueError(f"[{op}] outputs must be new variables, got {var} of {var.owner}")

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "tag" or v.__dict__}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "tag" not in state:
            self.tag = Scratchpad()

    def clone(self, clone_inner_graph: bool | None = None) -> Apply[OpType]:
        """Return a node with the same Op and inputs, and new outputs like the old ones."""
        new = type(self)(self.op, self.inputs, [output.clone() for output in self.outputs])
        new.tag = copy(self.tag)
        return new

    def clone_with_new_inputs(
        self, inputs: Sequence[Variable], strict: bool = True, clone_inner_graph: bool | None = None
    ) -> Apply[OpType]:
        """Return a node that applies the same Op to other inputs.

        Parameters
        ----------
        inputs : sequence of Variable
        strict : bool
            Convert inputs of another type to the old type, or raise TypeError. Otherwise
            inputs of another type are used as they are, and the outputs' types follow.
        """
        if len(inputs) != len(self.inputs):
            raise ValueError(
                f"[{self.op}] clone_with_new_inputs must be given {len(self.inputs)} inputs, "
                f"got {len(inputs)}"
            )
        new_inputs = list(inputs)
        remake = False
        for i, (old, new) in enumerate(zip(self.inputs, new_inputs)):
            if old is new or old.type == new.type:
                continue
            if strict:
                new_inputs[i] = new = old.type.filter_variable(new)
            remake = remake or old.type != new.type
        if remake:
            node = self.op.make_node(*new_inputs)
            node.tag = copy(self.tag).__update__(node.tag)
            return node
        node = self.clone()
        node.inputs = new_inputs
        return node


class Variable(Node, Generic[_TypeType, OptionalApplyType]):
    """A value in an expression: an input, a constant, or an output of an `Apply`.

    Parameters
    ----------
    type : Type
        What the variable may hold.
    owner : Apply, optional
        The node that computes it.
    index : int, optional
        Its position among the owner's outputs.
    name : str, optional
        For people; need not be unique.
    """

    owner: Apply | None

    def __init__(
        self,
        type: _TypeType,
        owner: Apply | None,
        index: int | None = None,
        name: str | None = None,
    ) -> None:
        if index is not None and not isinstance(index, int):
            raise TypeError(f"[Variable] index must be an integer or None, got {index!r}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"[Variable] name must be a string or None, got {name!r}")
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self.tag = Scratchpad()

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        owner = self.owner
        if owner is None:
            return f"<{self.type}>"
        if getattr(owner.op, "default_output", None) == self.index:
            return f"{owner.op}.out"
        return f"{owner.op}.{self.index}"

    def __repr__(self) -> str:
        return str(self)

    def __reduce_ex__(self, protocol):
        owner = self.owner
        if owner is not None and owner.interned:
            return _output_of, (owner, self.index)
        return super().__reduce_ex__(protocol)

    def __getstate__(self):
        # Compiled functions cached by `eval` stay behind, empty notes too.
        return {
            k: v
            for k, v in self.__dict__.items()
            if not (k == "_fn_cache" or (k == "tag" and not v.__dict__))
        }

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "tag" not in state:
            self.__dict__["tag"] = Scratchpad()

    def clone(self, **kwargs) -> Variable:
        """Return a variable of the same type and notes, without an owner.

        Parameters
        ----------
        name : str, optional
            Another name than the old one.
        """
        name = kwargs.pop("name", self.name)
        new = type(self)(type=self.type, owner=None, index=None, name=name, **kwargs)
        new.tag = copy(self.tag)
        return new

    def get_parents(self) -> list[Apply]:
        return [self.owner] if self.owner is not None else []

    @property
    def owner_op(self) -> Op | None:
        """The Op that computes this variable, or None."""
        owner = self.owner
        return None if owner is None else owner.op

    @property
    def owner_op_and_inputs(self) -> tuple:
        """The Op that computes this variable and its inputs, or a pair of None and ()."""
        owner: Any = self.owner
        return (None,) if owner is None else (owner.op, *owner.inputs)

    def eval(self, inputs_to_values: dict[Variable | str, Any] | None = None, **kwargs) -> Any:
        """Compute the variable for given values of the inputs it depends on.

        The compiled function is kept, so the second call with the same inputs is quick.

        Parameters
        ----------
        inputs_to_values : dict, optional
            Maps variables, or their names, to values.
        kwargs
            Passed to `pytensor.function`.

        Examples
        --------
        >>> import pytensor.tensor as pt
        >>> x = pt.dscalar("x")
        >>> float((2 * x).eval({x: 4.0}))
        8.0
        """
        given = {} if inputs_to_values is None else inputs_to_values
        if not hasattr(given, "items"):
            raise TypeError(f"[eval] inputs must be a dict from variables to values, got {given!r}")
        values = {self._find_input(key): v for key, v in given.items()}
        kwargs.setdefault("on_unused_input", "ignore")
        cache = self.__dict__.setdefault("_fn_cache", {})
        # The function holds on to its inputs, so they can't be confused with later ones.
        key = (tuple(values), tuple(sorted((k, id(v)) for k, v in kwargs.items())))
        found = cache.get(key)
        if found is None:
            fn = late("pytensor.compile.maker:function")(list(values), self, **kwargs)
            found = cache[key] = (fn, kwargs)
        return found[0](*values.values())

    def _find_input(self, key: Variable | str) -> Variable:
        """Return the ancestor meant by a key of `eval`'s mapping."""
        if isinstance(key, Variable):
            return key
        if not isinstance(key, str):
            raise TypeError(f"[eval] inputs must be variables or names, got {key!r}")
        matches = get_var_by_name([self], key)
        if not matches:
            raise ValueError(f"[eval] inputs must be in the graph: {key} not found in graph")
        if len(matches) > 1:
            raise ValueError(f"[eval] {key} must name one variable: found multiple, {matches}")
        return matches[0]


def _output_of(node: AbstractApply, index: int) -> Variable:
    """Return an output of a node; what variables of unique nodes unpickle to."""
    return node.outputs[index]


class AtomicVariable(Variable[_TypeType, None]):
    """A variable that never has an owner and may be equal to another one."""

    def __init__(self, type: _TypeType, name: str | None = None, **kwargs):
        kwargs.pop("owner", None)
        kwargs.pop("index", None)
        super().__init__(type=type, owner=None, index=None, name=name, **kwargs)

    @abstractmethod
    def signature(self):
        """Return a hashable object that is equal for variables with the same value."""

    def merge_signature(self):
        """Return the key under which equal variables are merged."""
        return self.signature()

    def equals(self, other) -> bool:
        """Tell whether `other` always has the same value."""
        return isinstance(other, type(self)) and self.signature() == other.signature()

    def clone(self, **kwargs):
        name = kwargs.pop("name", self.name)
        new = type(self)(type=self.type, name=name, **kwargs)
        new.tag = copy(self.tag)
        return new


class NominalVariable(AtomicVariable[_TypeType]):
    """A placeholder known only by a number and a type; there is one object for each pair.

    Graphs whose inputs are replaced by such placeholders can be compared as they are.
    """

    __instances__: WeakValueDictionary = WeakValueDictionary()

    def __new__(cls, id: _IdType, typ: _TypeType, name: str | None = None):
        found = cls.__instances__.get((typ, id))
        if found is not None:
            return found
        base = typ.variable_type
        new: NominalVariable = object.__new__(_nominal_class(base))
        # The variable class of the type gives it operators and the like.
        cls.__instances__[(typ, id)] = new
        return new

    def __init__(self, id: _IdType, typ: _TypeType, name: str | None = None):
        if "id" in self.__dict__:  # the object of an earlier call
            return
        self.id = id
        AtomicVariable.__init__(self, type=typ, name=name)

    def clone(self, **kwargs):
        return self

    def __eq__(self, other):
        if self is other:
            return True
        return (
            isinstance(other, NominalVariable) and self.id == other.id and self.type == other.type
        )

    def __hash__(self):
        return hash((NominalVariable, self.id, self.type))

    def __str__(self) -> str:
        return f"*{self.id}-{self.name or f'<{self.type}>'}"

    def __repr__(self) -> str:
        return f"NominalVariable({self.id!r}, {self.type!r})"

    def signature(self) -> tuple:
        return (self.type, self.id)

    def __reduce__(self):
        return NominalVariable, (self.id, self.type, self.name)


_nominal_classes: dict[type, type] = {}


def _nominal_class(base: type) -> type:
    """Return the class of placeholders that behave like variables of class `base`."""
    klass = _nominal_classes.get(base)
    if klass is None:
        if issubclass(NominalVariable, base):
            klass = NominalVariable
        else:
            klass = type(base)(
                f"Nominal{base.__name__}", (NominalVariable, base), {"__module__": __name__}
            )
        _nominal_classes[base] = klass
    return klass


class Constant(AtomicVariable[_TypeType]):
    """A variable whose value, `data`, is known and must not be changed."""

    def __init__(self, type: _TypeType, data: Any, name: str | None = None):
        super().__init__(type=type, name=name)
        self.data = type.filter(data)
        add_tag_trace(self)

    def signature(self) -> tuple:
        return (self.type, self.data)

    def __str__(self) -> str:
        data = str(self.data)
        if len(data) > 20:
            data = data[:10].strip() + " ... " + data[-10:].strip()
        if self.name is not None:
            return f"{self.name}{{{data}}}"
        return f"{type(self).__name__}{{{data}}}"

    def clone(self, **kwargs):
        """Return a constant with the same data."""
        new = type(self)(kwargs.pop("type", self.type), kwargs.pop("data", self.data), **kwargs)
        if "name" not in kwargs:
            new.name = self.name
        new.tag = copy(self.tag)
        return new

    @property
    def value(self):
        """The data."""
        return self.data


# --------------------------------------------------------------------------------------
# Copies
# --------------------------------------------------------------------------------------


def clone(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool | None = None,
    clone_inner_graphs: bool | None = None,
) -> tuple[list[Variable], list[Variable]]:
    """Copy the graph between inputs and outputs; return the new inputs and outputs.

    Parameters
    ----------
    inputs, outputs : sequence of Variable
    copy_inputs : bool
        Make new inputs.
    copy_orphans : bool, optional
        Make new variables for what has no owner and isn't an input (constants among them);
        the same as `copy_inputs` if None.
    """
    if copy_orphans is None:
        copy_orphans = copy_inputs
    equiv = clone_get_equiv(inputs, outputs, copy_inputs=copy_inputs, copy_orphans=copy_orphans)
    return [equiv[i] for i in inputs], [equiv[o] for o in outputs]


def clone_node_and_cache(node: Apply, clone_d: dict, **kwargs) -> Apply | None:
    """Clone a node with the inputs that `clone_d` maps its inputs to; note it in `clone_d`."""
    if node in clone_d:
        return None
    new = node.clone_with_new_inputs([clone_d[i] for i in node.inputs], **kwargs)
    clone_d[node] = new
    if new.op is not node.op:
        clone_d.setdefault(node.op, new.op)
    for old_out, new_out in zip(node.outputs, new.outputs):
        clone_d.setdefault(old_out, new_out)
    return new


def clone_get_equiv(
    inputs: Iterable[Variable],
    outputs: Iterable[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: dict | None = None,
    clone_inner_graphs: bool | None = None,
    **kwargs,
) -> dict:
    """Copy the graph between inputs and outputs; return what became of each vertex.

    Parameters
    ----------
    inputs, outputs : iterable of Variable
    copy_inputs, copy_orphans : bool
        See `clone`.
    memo : dict, optional
        Vertices that have a counterpart already; extended and returned.
    kwargs
        Passed to `Apply.clone_with_new_inputs`.
    """
    if memo is None:
        memo = {}
    for var in inputs:
        if var not in memo:
            if copy_inputs:
                new = var.clone()
                new.owner = None
                memo[var] = new
            else:
                memo[var] = var
    outputs = list(outputs)
    for node in nodes_in_order(outputs, memo):
        for var in node.inputs:
            if var not in memo:
                memo[var] = var.clone() if copy_orphans else var
        clone_node_and_cache(node, memo, **kwargs)
    for var in outputs:
        if var not in memo:
            memo[var] = var.clone() if copy_orphans else var
    return memo


def nodes_in_order(outputs: Iterable[Variable], known: Any = ()) -> list[Apply]:
    """Return the nodes that compute `outputs`, each after the nodes it needs.

    Parameters
    ----------
    outputs : iterable of Variable
    known : container
        Variables and nodes that count as computed.

    Raises
    ------
    CycleError
        If there is none.
    """
    order: list[Apply] = []
    done: dict[Apply, bool] = {}  # False while a node waits for its inputs
    # A node is on the stack with an iterator over its inputs, last first. No recursion: chains
    # of 1e5 nodes are ordinary.
    for root in outputs:
        if root in known or root.owner is None or root.owner in done or root.owner in known:
            continue
        stack = [(root.owner, reversed(root.owner.inputs))]
        done[root.owner] = False
        while stack:
            node, rest = stack[-1]
            for var in rest:
                owner = var.owner
                if owner is None or done.get(owner) or var in known or owner in known:
                    continue
                if owner in done:
                    waiting = [node for node, _ in stack]
                    raise CycleError.of(waiting[waiting.index(owner) :])
                done[owner] = False
                stack.append((owner, reversed(owner.inputs)))
                break
            else:
                order.append(node)
                done[node] = True
                stack.pop()
    return order


def get_var_by_name(graphs: Iterable[Variable], target_var_id: str) -> tuple[Variable, ...]:
    """Return the variables in `graphs` with a given name or ``auto_name``."""
    matches: list[Variable] = []
    seen: set[Variable] = set()
    stack = list(graphs)
    while stack:
        var = stack.pop()
        if var in seen:
            continue
        seen.add(var)
        if var.name == target_var_id or getattr(var, "auto_name", None) == target_var_id:
            matches.append(var)
        if var.owner is not None:
            stack.extend(var.owner.inputs)
    return tuple(matches)


_MOVED = {
    "frozen": {"FrozenApply"},
    "compare": {"equal_computations"},
    "text": {"as_string", "default_node_formatter", "op_as_string"},
    "op": {"io_connection_pattern"},
    "traversal": {
        "walk", "ancestors", "variable_ancestors", "apply_ancestors", "graph_inputs",
        "explicit_graph_inputs", "truncated_graph_inputs", "vars_between", "applys_between",
        "orphans_between", "apply_depends_on", "variable_depends_on", "io_toposort",
        "general_toposort", "toposort",
    },
}  # fmt: skip
_HOMES = {name: home for home, names in _MOVED.items() for name in names}


def __getattr__(name: str):
    """Serve names that belong to this module by custom but live in modules built on it."""
    if name in _HOMES:
        found = globals()[name] = late(f"pytensor.graph.{_HOMES[name]}:{name}")
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
