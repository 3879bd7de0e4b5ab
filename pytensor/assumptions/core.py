"""Properties of arrays by name, what is known of them, and how it is found out."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Iterator

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.features import AlreadyThere, Feature
from pytensor.graph.traversal import ancestors

# Operations looked through for a property; more are rare, and this bounds the recursion.
_DEPTH = 40


class ConflictingAssumptionsError(ValueError):
    """A property is asserted or proved both to hold and not to hold."""


class FactState(enum.Flag):
    """Whether a property holds. States are joined by ``|``; both at once is a contradiction."""

    UNKNOWN = 0
    TRUE = 1
    FALSE = 2
    CONFLICT = 3


class AssumptionKey:
    """A property that arrays may have, by its name.

    Parameters
    ----------
    name
        Identifies the property; the keyword by which `assume` declares it.
    short_name
        Shown in printed graphs; the name where it is empty.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.assumptions import AssumptionKey
    >>> TOEPLITZ = AssumptionKey("toeplitz_example")
    >>> TOEPLITZ.holds(TOEPLITZ.assume(pt.matrix("x")))
    True
    """

    __slots__ = ("name", "short_name")

    def __new__(cls, name: str, short_name: str = ""):
        # One object for each name: keys are looked up thousands of times
        known = KEY_REGISTRY.get(name)
        if known is not None:
            if known.short_name != short_name:
                raise ValueError(f"[AssumptionKey] {name!r} is registered with another short name")
            return known
        self = super().__new__(cls)
        self.name, self.short_name = name, short_name
        KEY_REGISTRY[name] = self
        for op_types, rule in _UNIVERSAL:
            _install(self, op_types, rule)
        return self

    def __repr__(self):
        return self.name

    def __reduce__(self):
        return (AssumptionKey, (self.name, self.short_name))

    def assume(self, x, value: bool = True) -> Variable:
        """Return `x` with the assertion that the property holds, or does not."""
        from pytensor.assumptions.specify import assume  # noqa: PLC0415 (declares with keys)

        return assume(x, **{self.name: value})

    def holds(self, x: Variable) -> bool:
        """Tell whether the property follows from how `x` is made."""
        return check_assumption(None, x, self)


KEY_REGISTRY: dict[str, AssumptionKey] = {}


class _Keys:
    """All keys there are, also those registered later."""

    def __iter__(self) -> Iterator[AssumptionKey]:
        return iter(tuple(KEY_REGISTRY.values()))

    def __len__(self):
        return len(KEY_REGISTRY)

    def __contains__(self, key):
        return KEY_REGISTRY.get(getattr(key, "name", None)) == key

    def __repr__(self):
        return f"({', '.join(KEY_REGISTRY)})"


ALL_KEYS = _Keys()

Rule = Callable[..., "list[FactState]"]
_RULES: dict[AssumptionKey, dict[type, list[Rule]]] = {}
_RULES_OF_OP: dict[
    tuple[AssumptionKey, type], tuple[Rule, ...]
] = {}  # those of all classes of an Op
_UNIVERSAL: list[tuple[tuple[type, ...], Rule]] = []
_CONSTANTS: dict[AssumptionKey, Callable[[Constant], FactState]] = {}
IMPLIES: dict[AssumptionKey, list[AssumptionKey]] = {}
_STRONGER: dict[AssumptionKey, list[AssumptionKey]] = {}

DIAGONAL = AssumptionKey("diagonal", "diag")
LOWER_TRIANGULAR = AssumptionKey("lower_triangular", "tril")
UPPER_TRIANGULAR = AssumptionKey("upper_triangular", "triu")
SYMMETRIC = AssumptionKey("symmetric", "sym")
TRIDIAGONAL = AssumptionKey("tridiagonal", "tridiag")
POSITIVE_DEFINITE = AssumptionKey("positive_definite", "pd")
ORTHOGONAL = AssumptionKey("orthogonal", "orth")
SELECTION = AssumptionKey("selection", "sel")
PERMUTATION = AssumptionKey("permutation", "perm")
UNIQUE_INDICES = AssumptionKey("unique_indices", "uniq")
UNIT_MAGNITUDE = AssumptionKey("unit_magnitude", "unit")
MATRIX_KEYS = tuple(KEY_REGISTRY.values())[:9]


# -- registering ---------------------------------------------------------------------------


def _install(key: AssumptionKey, op_types, rule: Rule, first: bool = False) -> None:
    for op_type in op_types:
        rules = _RULES.setdefault(key, {}).setdefault(op_type, [])
        rules.insert(0 if first else len(rules), rule)
    _RULES_OF_OP.clear()


def register_assumption(key: AssumptionKey, *op_types: type, prepend: bool = False):
    """Register how nodes of some Ops tell whether their outputs have a property.

    The function is called as ``rule(key, op, feature, fgraph, node, input_states)`` and returns a
    `FactState` for each output. For a `Blockwise`, `op` is the Op inside; properties are those of
    the last two axes.

    Parameters
    ----------
    key
        The property.
    op_types
        Classes of Ops.
    prepend
        Ask this rule before those that are registered already.
    """

    def decorate(rule: Rule) -> Rule:
        _install(key, op_types, rule, prepend)
        return rule

    return decorate


def register_universal_assumption(*op_types: type):
    """Register a rule, as `register_assumption` does, for all keys there are and will be."""

    def decorate(rule: Rule) -> Rule:
        _UNIVERSAL.append((op_types, rule))
        for key in ALL_KEYS:
            _install(key, op_types, rule)
        return rule

    return decorate


def register_constant_inference(key: AssumptionKey, fn: Callable[[Constant], FactState]) -> None:
    """Register how the data of a constant tell whether it has a property."""
    _CONSTANTS[key] = fn


def register_implies(stronger: AssumptionKey, *weaker: AssumptionKey) -> None:
    """Declare that what has one property has others too."""
    IMPLIES.setdefault(stronger, []).extend(weaker)
    for key in weaker:
        _STRONGER.setdefault(key, []).append(stronger)


register_implies(DIAGONAL, LOWER_TRIANGULAR, UPPER_TRIANGULAR, SYMMETRIC, TRIDIAGONAL)
register_implies(POSITIVE_DEFINITE, SYMMETRIC)
register_implies(PERMUTATION, SELECTION, ORTHOGONAL)

# What has all of these is diagonal.
_MAKE_DIAGONAL = (
    (LOWER_TRIANGULAR, UPPER_TRIANGULAR),
    (LOWER_TRIANGULAR, SYMMETRIC),
    (UPPER_TRIANGULAR, SYMMETRIC),
)


# -- finding out ---------------------------------------------------------------------------


class AssumptionFeature(Feature):
    """Remembers what is known of the variables of a graph.

    What is known of a variable holds for whatever replaces it: rewriting keeps values. What could
    not be found out is asked again once the graph has changed.
    """

    def __init__(self):
        self.fgraph = None
        self.facts: dict[Variable, dict[AssumptionKey, FactState]] = {}
        self._unknown: set[tuple[Variable, AssumptionKey]] = set()
        self._depth = 0
        importlib.import_module("pytensor.assumptions.factors")  # the rules, when first wanted

    def on_attach(self, fgraph):
        if any(isinstance(feature, AssumptionFeature) for feature in fgraph._features):
            raise AlreadyThere("The graph has an AssumptionFeature already")
        self.fgraph = fgraph

    def on_detach(self, fgraph):
        self.fgraph = None

    def clone(self):
        return type(self)()

    def on_change_input(self, fgraph, node, i, var, new_var, reason=None):
        self._unknown.clear()
        for key, state in self.facts.get(var, {}).items():
            self.facts.setdefault(new_var, {}).setdefault(key, state)

    def declare(self, var: Variable, key: AssumptionKey, state: FactState) -> None:
        """Add a fact to what is known; raise if it contradicts that."""
        self.facts.setdefault(var, {})[key] = _consistent(var, key, self.get(var, key) | state)

    def check(self, var: Variable, key: AssumptionKey) -> bool:
        """Tell whether a variable is known to have a property."""
        return self.get(var, key) is FactState.TRUE

    def get(self, var: Variable, key: AssumptionKey) -> FactState:
        """Return what is known about a property of a variable."""
        found = self._own(var, key)
        if found is not FactState.UNKNOWN:
            return found
        for stronger in _STRONGER.get(key, ()):
            if self.get(var, stronger) is FactState.TRUE:
                return self._remember(var, key, FactState.TRUE)
        if key == DIAGONAL:
            for pair in _MAKE_DIAGONAL:
                if all(self._own(var, other) is FactState.TRUE for other in pair):
                    return self._remember(var, key, FactState.TRUE)
        for weaker in IMPLIES.get(key, ()):
            if self._own(var, weaker) is FactState.FALSE:
                return self._remember(var, key, FactState.FALSE)
        return found

    def _own(self, var: Variable, key: AssumptionKey) -> FactState:
        """What rules say about this property itself, apart from what others imply."""
        known = self.facts.get(var)
        if known is not None and key in known:
            return known[key]
        if (var, key) in self._unknown or self._depth > _DEPTH:
            return FactState.UNKNOWN
        self._depth += 1
        try:
            state = _infer(self, var, key)
        finally:
            self._depth -= 1
        return self._remember(var, key, state)

    def _remember(self, var, key, state):
        if state is FactState.UNKNOWN:
            self._unknown.add((var, key))
        else:
            self.facts.setdefault(var, {})[key] = _consistent(var, key, state)
        return state


def _consistent(var, key, state: FactState) -> FactState:
    if state == FactState.CONFLICT:
        raise ConflictingAssumptionsError(
            f"{var} is both asserted or known to be {key} and asserted or known not to be"
        )
    return state


def _infer(feature: AssumptionFeature, var: Variable, key: AssumptionKey) -> FactState:
    node = var.owner
    if node is None:
        of_constant = _CONSTANTS.get(key)
        if isinstance(var, Constant) and of_constant is not None:
            return of_constant(var)
        return FactState.UNKNOWN
    return infer_assumption_for_node(key, node.op, feature, feature.fgraph, node)[
        node.outputs.index(var)
    ]


class _States:
    """What is known of the inputs of a node, asked when looked at."""

    def __init__(self, feature, key, inputs):
        self.feature, self.key, self.inputs = feature, key, inputs

    def __getitem__(self, i):
        return self.feature.get(self.inputs[i], self.key)

    def __len__(self):
        return len(self.inputs)


def infer_assumption_for_node(key, op, feature, fgraph, node: Apply, input_states=None):
    """Return what rules say about each output of a node: the first that says anything."""
    core = getattr(op, "core_op", op)
    rules = _rules_of(key, type(core))
    if rules:
        states = _States(feature, key, node.inputs) if input_states is None else input_states
        for rule in rules:
            found = rule(key, core, feature, fgraph, node, states)
            for state in found:
                if state is not FactState.UNKNOWN:
                    return found
    return [FactState.UNKNOWN] * len(node.outputs)


def _rules_of(key, cls: type) -> tuple[Rule, ...]:
    """Return the rules for a class of Ops and a key: those for the class itself come first."""
    rules = _RULES_OF_OP.get((key, cls))
    if rules is None:
        by_type = _RULES.get(key, {})
        rules = tuple(rule for kind in cls.__mro__ for rule in by_type.get(kind, ()))
        _RULES_OF_OP[key, cls] = rules
    return rules


def all_inputs_have_key(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """The output has the property if all inputs have it."""
    return true_if(all(state is FactState.TRUE for state in input_states))


def propagate_first(key, op, feature, fgraph, node, input_states) -> list[FactState]:
    """The output has the property if the first input has it."""
    return true_if(input_states[0] is FactState.TRUE)


def true_if(cond: bool, else_false: bool = False) -> list[FactState]:
    """Return TRUE, or UNKNOWN (FALSE, if told so), for one output."""
    return [FactState.TRUE if cond else FactState.FALSE if else_false else FactState.UNKNOWN]


def assumption_feature(fgraph) -> AssumptionFeature:
    """Return the feature of a graph, a new one if it has none."""
    if fgraph is None:
        return AssumptionFeature()
    for feature in fgraph._features:
        if isinstance(feature, AssumptionFeature):
            return feature
    feature = AssumptionFeature()
    fgraph.attach_feature(feature)
    return feature


def check_assumption(fgraph, var: Variable, key: AssumptionKey) -> bool:
    """Tell whether a variable is known to have a property.

    Parameters
    ----------
    fgraph
        The graph, which remembers the answer; or None.
    var, key
        Variable and property.
    """
    return assumption_feature(fgraph).check(var, key)


def summarize_assumptions(feature: AssumptionFeature, var: Variable) -> str:
    """Return what is known of a variable, as ``{diag, !pd}``; without what follows from the rest."""
    states = {key: feature.get(var, key) for key in ALL_KEYS}
    tags = []
    for key, state in states.items():
        if state is FactState.TRUE:
            implied = any(
                key in weaker and states[strong] is state for strong, weaker in IMPLIES.items()
            )
            mark = ""
        elif state is FactState.FALSE:
            implied = any(states[weak] is state for weak in IMPLIES.get(key, ()))
            mark = "!"
        else:
            continue
        if not implied:
            tags.append(mark + (key.short_name or key.name))
    return f"{{{', '.join(tags)}}}" if tags else ""


def assumption_tags(outputs) -> dict[Variable, str]:
    """Return what is known of each variable that outputs are computed from."""
    feature = AssumptionFeature()
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    tags = {var: summarize_assumptions(feature, var) for var in ancestors(outputs)}
    return {var: tag for var, tag in tags.items() if tag}
