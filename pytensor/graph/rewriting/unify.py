"""Match op patterns and expression patterns against nodes, and build expressions from a match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import Op

_MISSING = object()


class _Token:
    """Equal to others of its class with the same text. (A dataclass costs import time.)"""

    __slots__ = ("token",)

    def __init__(self, token: str):
        self.token = token

    def __eq__(self, other):
        return type(self) is type(other) and self.token == other.token

    def __hash__(self):
        return hash((type(self), self.token))

    def __repr__(self):
        return f"{type(self).__name__}({self.token!r})"


class LiteralString(_Token):
    """A string that has to match as it is, instead of naming a wildcard."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """The string."""
        return self.token


class PatternVar(_Token):
    """A named wildcard: takes the first value it meets, and only that value afterwards.

    ``constraint``, if given, is a predicate of the value.
    """

    __slots__ = ("constraint",)

    def __init__(self, token: str, constraint: Callable[[Any], bool] | None = None):
        super().__init__(token)
        self.constraint = constraint

    def __repr__(self):
        tail = ", constraint=..." if self.constraint is not None else ""
        return f"PatternVar({self.token!r}{tail})"


class ConstrainedVar(PatternVar):
    """A `PatternVar` with a constraint, constraint first."""

    __slots__ = ()

    def __init__(self, constraint, token: str | None = None, prefix: str = ""):
        super().__init__(token if token is not None else f"{prefix}_{id(self)}", constraint)


class Asterisk(_Token):
    """The remaining inputs of a node, as a tuple; only as the last input of a pattern."""

    __slots__ = ()


class OpPattern:
    """An op class (or op) together with the attribute values an op must have to match.

    Attributes that are not mentioned may have any value. Values may themselves be
    patterns; a string names a wildcard when used inside a `PatternNodeRewriter`.

    Examples
    --------
    ``OpPattern(CAReduce, axis=None)`` matches every full reduction.
    """

    __slots__ = ("op_type", "parameters")

    op_type: Any  # a class, or an Op
    parameters: tuple[tuple[str, Any], ...]

    def __init__(
        self,
        op_type: type | Op | OpPattern,
        parameters: dict[str, Any] | Sequence[tuple[str, Any]] | None = None,
        **kwargs,
    ):
        if kwargs:
            if parameters is not None:
                raise ValueError("[OpPattern] parameters and keywords are mutually exclusive")
            parameters = kwargs
        pairs = parameters.items() if isinstance(parameters, Mapping) else (parameters or ())
        if isinstance(op_type, OpPattern):
            # A pattern of a pattern adds its parameters to the inner ones.
            pairs = (*op_type.parameters, *pairs)
            op_type = op_type.op_type
        self.op_type = op_type
        self.parameters = tuple(sorted(pairs, key=lambda pair: pair[0]))

    def match_op(self, op: Op) -> bool:
        """Return whether `op` has the class and the attribute values of this pattern."""
        if isinstance(self.op_type, type):
            if not isinstance(op, self.op_type):
                return False
        elif op != self.op_type:
            return False
        return self.match_parameters(op)

    def match_parameters(self, op: Op) -> bool:
        """Return whether the attribute values match, whatever the class of `op`."""
        for name, wanted in self.parameters:
            value: Any = getattr(op, name, _MISSING)
            if value is _MISSING:
                return False
            if isinstance(wanted, OpPattern):
                if not wanted.match_op(value):
                    return False
            elif isinstance(wanted, LiteralString):
                if value != wanted.value:
                    return False
            elif isinstance(wanted, PatternVar):
                if wanted.constraint is not None and not wanted.constraint(value):
                    return False
            elif isinstance(wanted, type) and isinstance(value, wanted):
                continue
            elif not _same(value, wanted):
                return False
        return True

    def __eq__(self, other):
        if not isinstance(other, OpPattern):
            return NotImplemented
        return self.op_type == other.op_type and self.parameters == other.parameters

    def __hash__(self):
        return hash((self.op_type, tuple(name for name, _ in self.parameters)))

    def __repr__(self):
        name = getattr(self.op_type, "__name__", str(self.op_type))
        inside = "".join(f", {key}={value}" for key, value in self.parameters)
        return f"OpPattern({name}{inside})"


class PatternNode:
    """An application in a pattern: what the op must be, and patterns for the inputs."""

    __slots__ = ("inputs", "op_match")

    def __init__(self, op_match, inputs: tuple):
        self.op_match = op_match
        self.inputs = inputs

    def __repr__(self):
        return f"PatternNode({self.op_match!r}, {self.inputs!r})"

    @property
    def asterisk(self) -> Asterisk | None:
        """The pattern that takes the remaining inputs, if there is one."""
        last = self.inputs[-1] if self.inputs else None
        return last if isinstance(last, Asterisk) else None


def convert_strs_to_vars(x, var_map: dict[str, Any] | None = None):
    """Turn the tuple notation of patterns into pattern objects.

    Strings become wildcards (the same wildcard for the same string), tuples
    `PatternNode`, dictionaries with keys ``pattern`` and ``constraint`` constrained ones.
    """
    var_map = {} if var_map is None else var_map
    if isinstance(x, str):
        return var_map.setdefault(x, PatternVar(x))
    if isinstance(x, dict):
        if not isinstance(x["pattern"], str):
            # The grammar permits a constraint on a whole sub-pattern as well.
            return _Constrained(convert_strs_to_vars(x["pattern"], var_map), x["constraint"])
        return var_map.setdefault(x["pattern"], PatternVar(x["pattern"], x["constraint"]))
    if isinstance(x, tuple):
        op, *inputs = x
        if isinstance(op, OpPattern):
            op = _convert_op_pattern(op, var_map)
        return PatternNode(op, tuple(convert_strs_to_vars(i, var_map) for i in inputs))
    if isinstance(x, OpPattern):
        return _convert_op_pattern(x, var_map)
    return x


class _Constrained:
    """A pattern with a predicate on what it matched."""

    __slots__ = ("constraint", "pattern")

    def __init__(self, pattern, constraint: Callable[[Any], bool]):
        self.pattern = pattern
        self.constraint = constraint


def _convert_op_pattern(pattern: OpPattern, var_map: dict) -> OpPattern:
    converted = {}
    for name, value in pattern.parameters:
        if isinstance(value, str | OpPattern):
            value = convert_strs_to_vars(value, var_map)
        converted[name] = value
    return OpPattern(pattern.op_type, converted)


def match_pattern(pattern: PatternNode, node: Apply, subs: dict | None = None) -> dict | None:
    """Match `pattern` against `node`; return the bindings or ``None``.

    Bindings in `subs` have to be respected; `subs` is not changed.
    """
    bindings = dict(subs or {})
    return bindings if _match_node(pattern, node, bindings) else None


def is_commutative(op: Op) -> bool:
    """Return whether the inputs of `op` (or of its scalar op) may be exchanged."""
    scalar_op = getattr(op, "scalar_op", op)
    return bool(getattr(scalar_op, "commutative", False))


def _match_node(pattern: PatternNode, node: Apply | None, subs: dict) -> bool:
    if node is None or not _match_op(pattern.op_match, node.op, subs):
        return False
    asterisk = pattern.asterisk
    fixed = pattern.inputs[:-1] if asterisk is not None else pattern.inputs
    if len(fixed) > len(node.inputs) or (asterisk is None and len(fixed) != len(node.inputs)):
        return False
    if is_commutative(node.op) and len(fixed) > 0 and len(node.inputs) > 1:
        return _match_any_order(fixed, list(node.inputs), asterisk, subs)
    saved = dict(subs)
    if all(_match_element(p, v, subs) for p, v in zip(fixed, node.inputs, strict=False)) and (
        asterisk is None or _bind(asterisk, tuple(node.inputs[len(fixed) :]), subs)
    ):
        return True
    _restore(subs, saved)
    return False


def _match_any_order(fixed, inputs: list, asterisk, subs: dict) -> bool:
    """Match `fixed` against `inputs` in any order, most constrained pattern first."""
    if not fixed:
        return asterisk is None or _bind(asterisk, tuple(inputs), subs)
    # Wildcards that are still free match everything, so they come last.
    first = min(range(len(fixed)), key=lambda k: _freedom(fixed[k], subs))
    rest = (*fixed[:first], *fixed[first + 1 :])
    saved = dict(subs)
    for k, var in enumerate(inputs):
        if _match_element(fixed[first], var, subs) and _match_any_order(
            rest, inputs[:k] + inputs[k + 1 :], asterisk, subs
        ):
            return True
        _restore(subs, saved)
    return False


def _freedom(pattern, subs: dict) -> int:
    if isinstance(pattern, PatternVar):
        return 0 if pattern in subs else 2 + (pattern.constraint is None)
    return 1


def _match_op(wanted, op: Op, subs: dict) -> bool:
    if isinstance(wanted, OpPattern):
        return _bind_op_parameters(wanted, op, subs)
    if isinstance(wanted, PatternVar):
        return _bind(wanted, op, subs)
    if isinstance(wanted, type):
        return isinstance(op, wanted)
    return wanted == op


def _bind_op_parameters(pattern: OpPattern, op, subs: dict) -> bool:
    if isinstance(pattern.op_type, type):
        if not isinstance(op, pattern.op_type):
            return False
    elif op != pattern.op_type:
        return False
    for name, wanted in pattern.parameters:
        value = getattr(op, name, _MISSING)
        if value is _MISSING:
            return False
        if isinstance(wanted, OpPattern):
            if not _bind_op_parameters(wanted, value, subs):
                return False
        elif isinstance(wanted, PatternVar):
            if not _bind(wanted, value, subs):
                return False
        elif isinstance(wanted, LiteralString):
            if value != wanted.value:
                return False
        elif not _same(value, wanted):
            return False
    return True


def _match_element(pattern, var: Variable, subs: dict) -> bool:
    if isinstance(pattern, PatternVar):
        return _bind(pattern, var, subs)
    if isinstance(pattern, PatternNode):
        return _match_node(pattern, var.owner, subs)
    if isinstance(pattern, _Constrained):
        return _match_element(pattern.pattern, var, subs) and bool(pattern.constraint(var))
    if isinstance(pattern, Constant):
        return isinstance(var, Constant) and var.signature() == pattern.signature()
    if isinstance(pattern, Variable):
        return var is pattern
    return _is_number(var, pattern)


def _is_number(var: Variable, number) -> bool:
    """Return whether `var` is a constant with one value, equal to `number`."""
    if not isinstance(var, Constant) or not isinstance(number, int | float | complex | np.number):
        return False
    data = var.data
    if not isinstance(data, np.ndarray | np.generic | int | float | complex):
        return False
    data = np.asarray(data)
    return data.size == 1 and bool(data.reshape(()) == number)


def _bind(pattern: PatternVar | Asterisk, value, subs: dict) -> bool:
    bound = subs.get(pattern, _MISSING)
    if bound is not _MISSING:
        return _same(bound, value)
    constraint = getattr(pattern, "constraint", None)
    if constraint is not None and not constraint(value):
        return False
    subs[pattern] = value
    return True


def _same(a, b) -> bool:
    if a is b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Constant) and isinstance(b, Constant):
        return a.signature() == b.signature()
    if isinstance(a, Variable) or isinstance(b, Variable):
        return False
    result = a == b
    return bool(result) if np.ndim(result) == 0 else bool(np.all(result))


def _restore(subs: dict, saved: dict) -> None:
    subs.clear()
    subs.update(saved)


def reify_pattern(pattern, subs: Mapping):
    """Build the expression `pattern` describes from the bindings of a match."""
    if isinstance(pattern, PatternVar):
        return subs[pattern]
    if isinstance(pattern, PatternNode):
        op = reify_pattern(pattern.op_match, subs)
        inputs = [reify_pattern(i, subs) for i in pattern.inputs if not isinstance(i, Asterisk)]
        if pattern.asterisk is not None:
            inputs.extend(subs[pattern.asterisk])
        return op(*inputs)
    if isinstance(pattern, OpPattern):
        parameters = {name: reify_pattern(value, subs) for name, value in pattern.parameters}
        return pattern.op_type(**parameters)
    if isinstance(pattern, _Constrained):
        return reify_pattern(pattern.pattern, subs)
    return pattern.value if isinstance(pattern, LiteralString) else pattern
