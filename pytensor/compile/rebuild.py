"""From what a user wrote (givens, updates, shared variables) to explicit inputs and outputs.

Only the part of the graph that depends on a replaced variable is built anew; the user's graph is
never changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pytensor.compile.io import In, Out, SymbolicInput
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable


class UnusedInputError(Exception):
    """A variable was given as input and the outputs do not depend on it, or it was given twice."""


Pairs = Iterable[tuple[Variable, Any]] | Mapping[Variable, Any]


def as_pairs(given: Pairs | None, what: str) -> list[tuple[Variable, Any]]:
    """Return a mapping or an iterable of pairs as a list of pairs."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return list(given.items())
    if isinstance(given, set | frozenset) or not isinstance(given, Iterable):
        raise TypeError(f"The `{what}` parameter must be an ordered mapping or a list of pairs")
    pairs = list(given)
    if not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise TypeError(f"The `{what}` parameter must be an ordered mapping or a list of pairs")
    return [(p[0], p[1]) for p in pairs]


class _Rebuilder:
    """Builds the parts of a graph that depend on replaced variables, and finds shared ones.

    Parameters
    ----------
    stop : iterable of Variable
        Inputs of the function; what defines them is not looked at.
    strict : bool
        Whether rebuilt nodes must keep the types they had.
    """

    def __init__(self, stop: Iterable[Variable], strict: bool) -> None:
        self.stop = set(stop)
        self.strict = strict
        self.replaced: dict[Variable, Variable] = {}
        self.shared: dict[SharedVariable, None] = {}
        self._seen: dict[Variable, Variable] = {}

    def replace(self, old: Variable, new: Variable) -> None:
        """Let `new`, itself rebuilt, stand for `old` in what is rebuilt from now on."""
        new = self(new)
        self.replaced[old] = new
        if old in self._seen:
            self._seen.clear()

    def __call__(self, variable: Variable) -> Variable:
        """Return `variable` with replacements made below it. Iterative: graphs may be deep."""
        seen = self._seen
        pending = [variable]
        while pending:
            current = pending[-1]
            if current in seen:
                pending.pop()
                continue
            if current in self.replaced:
                seen[current] = self.replaced[current]
            elif current in self.stop or current.owner is None:
                if isinstance(current, SharedVariable) and current not in self.stop:
                    self.shared[current] = None
                seen[current] = current
            else:
                missing = [v for v in current.owner.inputs if v not in seen]
                if missing:
                    pending.extend(reversed(missing))
                    continue
                self._rebuild_node(current.owner)
            pending.pop()
        return seen[variable]

    def _rebuild_node(self, node: Any) -> None:
        inputs = [self._seen[v] for v in node.inputs]
        if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            outputs = node.outputs
        else:
            outputs = node.clone_with_new_inputs(inputs, strict=self.strict).outputs
            for old, new in zip(node.outputs, outputs, strict=True):
                new.name = old.name
                new.tag = old.tag
        for old, new in zip(node.outputs, outputs, strict=True):
            if old not in self.replaced and old not in self.stop:
                self._seen[old] = new


def _filter_update(shared: SharedVariable, value: Any) -> Variable:
    try:
        return shared.type.filter_variable(value)  # known lengths are asserted
    except TypeError:
        raise TypeError(
            "An update must have the same type as the original shared variable "
            f"(shared_var={shared}, shared_var.type={shared.type}, update_val={value}, "
            f"update_val.type={getattr(value, 'type', type(value))})."
        ) from None


def _read_updates(updates: Pairs | None) -> dict[SharedVariable, Variable]:
    read: dict[SharedVariable, Variable] = {}
    for target, value in as_pairs(updates, "updates"):
        if not isinstance(target, SharedVariable):
            raise TypeError(f"update target must be a SharedVariable, got {target!r}")
        if target in read:
            raise ValueError(
                f"this shared variable already has an update expression: {target} is {read[target]},"
                f" and again {value}"
            )
        read[target] = _filter_update(target, value)
    return read


def _read_givens(
    rebuild: _Rebuilder, givens: Pairs | None, strict: bool, inputs: Sequence[Variable]
) -> None:
    for old, new in as_pairs(givens, "givens"):
        if not isinstance(old, Variable):
            raise TypeError(f"[function] givens must map variables, got {old!r}")
        if old in inputs:
            raise RuntimeError(
                f"You are trying to replace variable '{old}' through the `givens` parameter, but "
                "this variable is an input to your function. Replacing inputs is forbidden "
                "because it has no effect. To evaluate f(x) at x = g(y), make y the input: "
                "`pytensor.function([y], f(x), givens={x: g(y)})`."
            )
        if strict:
            new = old.type.filter_variable(new)
        elif not isinstance(new, Variable):
            new = old.type.make_constant(new)
        rebuild.replace(old, new)


class Rebuilt(NamedTuple):
    """What `rebuild_collect_shared` found besides inputs and outputs."""

    replaced: dict[Variable, Variable]
    updates: dict[SharedVariable, Variable]
    update_expr: list[tuple[SharedVariable, Variable]]
    shared_inputs: list[SharedVariable]


def rebuild_collect_shared(
    outputs: Any,
    inputs: Sequence[Variable | SymbolicInput] | None = None,
    replace: Pairs | None = None,
    updates: Pairs | None = None,
    rebuild_strict: bool = True,
    copy_inputs_over: bool = True,
    no_default_updates: bool | Sequence[Variable] = False,
    clone_inner_graphs: bool | None = None,
) -> tuple[list[Variable], Any, Rebuilt]:
    """Apply replacements and gather the shared variables and updates of a graph.

    Parameters
    ----------
    outputs : None, Variable, Out, or a list or dict of them
    inputs : sequence, optional
        Where the graph ends, besides its roots.
    replace : mapping or pairs
        Variables and what stands for them.
    updates : mapping or pairs
        Shared variables and their new values.
    rebuild_strict : bool
        Replacements must have the type of what they replace.
    copy_inputs_over, clone_inner_graphs
        Accepted for compatibility.
    no_default_updates : bool or sequence of Variable
        Shared variables whose default update is left out; True for all.

    Returns
    -------
    inputs, outputs, rest
        The variables of `inputs`; `outputs` in the form given, rebuilt; and a tuple of the
        replacements, the updates by shared variable, their pairs, and the shared variables.
    """
    variables = [i.variable if isinstance(i, SymbolicInput) else i for i in inputs or ()]
    rebuild = _Rebuilder(variables, rebuild_strict)
    _read_givens(rebuild, replace, rebuild_strict, variables)
    new_outputs = _map_outputs(rebuild, outputs)
    update_map: dict[SharedVariable, Variable] = {}
    for shared, value in _read_updates(updates).items():
        update_map[shared] = rebuild(value)
    for spec in inputs or ():
        if isinstance(spec, SymbolicInput) and spec.update is not None:
            spec.update = rebuild(spec.update)
    skip = _skipped_defaults(no_default_updates, rebuild.shared)
    known = {*update_map}
    # A default update may bring in further shared variables with default updates of their own.
    pending = list(rebuild.shared)
    done = set(pending)
    while pending:
        shared = pending.pop(0)
        default = shared.default_update
        if default is not None and shared not in known and skip is not True and shared not in skip:
            update_map[shared] = rebuild(_filter_update(shared, default))
            known.add(shared)
        pending.extend(s for s in rebuild.shared if s not in done)
        done.update(pending)
    for shared in update_map:
        rebuild.shared.setdefault(shared)
    rest = Rebuilt(rebuild.replaced, update_map, list(update_map.items()), list(rebuild.shared))
    return variables, new_outputs, rest


def _skipped_defaults(
    no_default_updates: bool | Sequence[Variable], shared: Iterable[Variable]
) -> Any:
    if isinstance(no_default_updates, bool | type(None)):
        return True if no_default_updates else ()
    if not isinstance(no_default_updates, list | tuple | set):
        raise TypeError("no_default_update should be either a boolean or a list")
    return no_default_updates


def _map_outputs(rebuild: _Rebuilder, outputs: Any) -> Any:
    def one(output: Any) -> Any:
        if isinstance(output, Variable):
            return rebuild(output)
        if isinstance(output, Out):
            return Out(rebuild(output.variable), borrow=output.borrow)
        raise TypeError(
            "Outputs must be pytensor Variable or Out instances. "
            f"Received {output} of type {type(output)}"
        )

    if outputs is None:
        return []
    if isinstance(outputs, list | tuple):
        return [one(output) for output in outputs]
    if isinstance(outputs, dict):
        return {key: one(output) for key, output in outputs.items()}
    return one(outputs)


def _as_input(param: Any, allow_downcast: bool | None) -> In:
    """Return a fresh specification of an explicit input."""
    if isinstance(param, In):
        spec = In(
            variable=param.variable,
            name=param.name,
            value=param.value,
            update=param.update,
            mutable=param.mutable,
            strict=param.strict,
            allow_downcast=(
                allow_downcast if param.allow_downcast is None else param.allow_downcast
            ),
            autoname=False,
            implicit=param.implicit,
            borrow=param.borrow,
            shared=param.shared,
        )
    elif isinstance(param, Variable):
        spec = In(param, strict=False, allow_downcast=allow_downcast)
    else:
        raise TypeError(
            f"Unknown parameter type: {type(param)}. Inputs must be variables or In(...), got {param!r}"
        )
    if isinstance(spec.variable, SharedVariable) and not spec.implicit:
        raise TypeError(
            f"Cannot use a shared variable ({spec.variable}) as explicit input. Consider "
            "substituting a non-shared variable via the `givens` parameter"
        )
    return spec


def _check_duplicates(variables: Sequence[Variable]) -> None:
    first: dict[Variable, int] = {}
    for i, variable in enumerate(variables):
        if variable in first:
            raise UnusedInputError(
                f"Variable {variable} is used twice in inputs to pytensor.function, at indices "
                f"{first[variable]} and {i}. Please do not duplicate variables in the inputs "
                "list."
            )
        first[variable] = i


def construct_function_ins_and_outs(
    inputs: Sequence[Any],
    outputs: Any = None,
    updates: Pairs | None = None,
    givens: Pairs | None = None,
    no_default_updates: bool | Sequence[Variable] = False,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
) -> tuple[list[In], Any]:
    """Return all inputs (explicit, then shared) and the outputs of a function."""
    specs = [_as_input(param, allow_input_downcast) for param in inputs]
    _check_duplicates([spec.variable for spec in specs])
    _, new_outputs, rest = rebuild_collect_shared(
        outputs,
        inputs=specs,
        replace=givens,
        updates=updates,
        rebuild_strict=rebuild_strict,
        no_default_updates=no_default_updates,
    )
    given = {spec.variable for spec in specs}
    for shared in rest.shared_inputs:
        if shared in given:
            continue
        update = rest.updates.get(shared)
        specs.append(
            In(
                variable=shared,
                value=shared.container,
                update=update,
                mutable=update is not None,
                borrow=update is not None,
                implicit=True,
                shared=True,
            )
        )
    return specs, new_outputs
