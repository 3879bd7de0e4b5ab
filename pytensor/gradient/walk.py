"""The walk behind `pytensor.gradient`: from cotangents of outputs back to those of inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pytensor.configdefaults import config
from pytensor.gradient.chosen import (
    Chosen,
    Path,
    at_one_path,
    is_lazy,
    shortened,
    sum_of_chosen,
    through_choice,
)
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import (
    DisconnectedInputError,
    DisconnectedType,
    NullType,
    NullTypeGradError,
    disconnected_type,
)
from pytensor.graph.traversal import toposort
from pytensor.graph.utils import MethodNotDefined, source, user_line

WhenDisconnected = Literal["ignore", "warn", "raise"]
Disconnected = Literal["none", "zero", "disconnected"]
OneOrMore = Variable | Sequence[Variable]


# Small questions ---------------------------------------------------------------------------------


def _kind(var: Variable) -> str:
    """Return f, c, i (all that is counted) or "" for a variable without dtype."""
    dtype = getattr(var.type, "dtype", None)
    if not isinstance(dtype, str):
        return ""
    return "f" if dtype.startswith("float") else "c" if dtype.startswith("complex") else "i"


def _is_disconnected(var: Variable) -> bool:
    return isinstance(var.type, DisconnectedType)


def _float_zeros_like(x: Any) -> Variable:
    """Return zeros like x, in floatX where x is discrete."""
    return x.zeros_like(dtype=config.floatX) if _kind(x) == "i" else x.zeros_like()


def _float_ones_like(x: Any) -> Variable:
    """Return ones like x, in floatX where x is discrete."""
    return x.ones_like(dtype=config.floatX) if _kind(x) == "i" else x.ones_like()


def _as_list(x: OneOrMore | None) -> list[Variable]:
    if x is None:
        return []
    return list(x) if isinstance(x, Iterable) and not isinstance(x, Variable) else [x]


def as_list_or_tuple(use_list: bool, use_tuple: bool, outputs):
    """Return `outputs` as a list, a tuple, or as the one variable it holds.

    Examples
    --------
    >>> as_list_or_tuple(True, False, ["a"]), as_list_or_tuple(False, False, ["a"])
    (['a'], 'a')
    """
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if use_list and use_tuple:
        raise ValueError("[as_list_or_tuple] use_list and use_tuple must not both be true")
    if use_list or use_tuple:
        return outputs if use_list else tuple(outputs)
    if len(outputs) != 1:
        raise ValueError(f"[as_list_or_tuple] must be one variable, got {len(outputs)}")
    return outputs[0]


def _like(template, outputs):
    return as_list_or_tuple(isinstance(template, list), isinstance(template, tuple), outputs)


def _check_variables(what: str, values: Sequence) -> None:
    for value in values:
        if not isinstance(value, Variable):
            raise TypeError(f"[grad] {what} must be variables, got {value!r}")


def _node_to_pattern(node: Apply) -> list[list[bool]]:
    """Return for each input and each output whether the one influences the other differentiably."""
    method = getattr(node.op, "connection_pattern", None)
    if method is None:
        return [[True] * len(node.outputs) for _ in node.inputs]
    pattern = method(node)
    if len(pattern) != len(node.inputs) or any(len(p) != len(node.outputs) for p in pattern):
        raise ValueError(
            f"[{node.op}] connection_pattern must have {len(node.inputs)} rows of "
            f"{len(node.outputs)}, got {pattern}"
        )
    return pattern


# The reverse walk --------------------------------------------------------------------------------


def _active_nodes(roots, wrt, blocked) -> list[tuple[Apply, list[list[bool]]]]:
    """Return, in topological order, the nodes between `wrt` and `roots` with their connection patterns."""
    reached, blocked = set(wrt), frozenset(blocked or ())
    active = []
    for node in toposort(roots, blockers=blocked):
        if not any(x in reached for x in node.inputs):
            continue
        pattern = _node_to_pattern(node)
        outputs = [
            out
            for o, out in enumerate(node.outputs)
            if out not in blocked
            and any(row[o] and x in reached for x, row in zip(node.inputs, pattern))
        ]
        if outputs:
            reached.update(outputs)
            active.append((node, pattern))
    return active


def _sum(terms: list[Any]) -> Variable:
    """Add terms in a tree: depth and rounding grow with the logarithm of their number."""
    for term in terms:
        if isinstance(term.type, NullType):
            return term
    while len(terms) > 1:
        pairs = [a + b for a, b in zip(terms[::2], terms[1::2])]
        terms = pairs + terms[len(pairs) * 2 :]
    return terms[0]


def _fit_kind(var: Variable, g: Any) -> Variable:
    """Return a cotangent in the dtype of its variable, as a pullback expects it."""
    kind, got = _kind(var), _kind(g)
    if kind not in ("f", "c") or got not in ("f", "c") or var.type.dtype == g.type.dtype:
        return g
    if kind == "f" and got == "c":
        g = g.real
    return g if g.type.dtype == var.type.dtype else g.astype(var.type.dtype)


class _Cotangents:
    """Cotangents of variables: sums of terms, added up when first asked for."""

    def __init__(self, fixed: Mapping[Variable, Variable], blocked, cost_name: str | None):
        self.blocked = frozenset(blocked or ())
        self.sums: dict[Variable, Chosen] = {var: Chosen((), g) for var, g in fixed.items()}
        self.terms: dict[Variable, list[Chosen]] = {}
        self.fixed = set(fixed)
        self.cost_name = cost_name

    def add(self, var: Variable, term: Variable, path: Path = ()) -> None:
        if var not in self.fixed:
            self.terms.setdefault(var, []).append(Chosen(path, term))

    def get(self, var: Variable) -> Chosen | None:
        """Return the cotangent of `var`, or None if nothing depends on it."""
        if var in self.sums:
            return self.sums[var]
        terms = self.terms.pop(var, None)
        if terms is None:
            return None
        found = self.sums[var] = sum_of_chosen(var, terms, _sum)
        self._name(var, found.value)
        return found

    def whole(self, var: Variable) -> Variable | None:
        """Return the cotangent of `var`, zeros where choices were made otherwise."""
        found = self.get(var)
        if found is None or not found.path:
            return None if found is None else found.value
        total = shortened(var, found, 0)
        self._name(var, total)
        return total

    def _name(self, var: Variable, total: Variable) -> None:
        if self.cost_name and var.name and total.name is None and total.owner is not None:
            total.name = f"(d{self.cost_name}/d{var.name})"


def _backward(active, cotangents: _Cotangents) -> None:
    for node, pattern in reversed(active):
        found = [None if out in cotangents.blocked else cotangents.get(out) for out in node.outputs]
        live = [c is not None and not _is_disconnected(c.value) for c in found]
        if not any(live):
            continue
        rows = [any(p and alive for p, alive in zip(row, live)) for row in pattern]
        if is_lazy(node):
            for i, path, term in through_choice(node, found):
                if rows[i] and not _is_disconnected(term):
                    cotangents.add(node.inputs[i], term, path)
            continue
        path, gs = at_one_path(node, found)
        for x, connected, term in zip(node.inputs, rows, _pull_node(node, gs, live, rows)):
            if connected and not _is_disconnected(term):
                cotangents.add(x, term, path)


def _pull_node(node: Apply, gs, live, rows) -> Sequence[Variable]:
    """Return the terms of the inputs of one node."""
    null = next((g for g in gs if g is not None and isinstance(g.type, NullType)), None)
    if null is not None:
        return [null] * len(node.inputs)
    if all(_kind(out) == "i" for out, alive in zip(node.outputs, live) if alive):
        # Steps are flat: what reaches the cost through counted values only has gradient 0.
        return [
            _float_zeros_like(x) if row and _kind(x) else disconnected_type()
            for x, row in zip(node.inputs, rows)
        ]
    gs = [
        _fit_kind(out, g) if alive else disconnected_type()
        for out, g, alive in zip(node.outputs, gs, live)
    ]
    # A derivative points at the line it is the derivative of.
    outer, source.node = source.node, node
    try:
        terms = node.op.pullback(node.inputs, node.outputs, gs)
    except (NotImplementedError, MethodNotDefined) as err:
        where = user_line(node)
        err.add_note(
            f"[grad] while differentiating {node.op}" + (f"\n  in  {where}" if where else "")
        )
        raise
    finally:
        source.node = outer
    terms = _checked_terms(node, terms, rows)
    _copy_line(node, terms)
    return terms


def _copy_line(node: Apply, terms) -> None:
    """Give terms that were made without one (by `vectorize_graph`, say) the line of `node`."""
    trace = getattr(node.outputs[0].tag, "trace", None)
    for term in terms:
        if trace and term.owner is not None and not hasattr(term.tag, "trace"):
            term.tag.trace = trace


def _checked_terms(node: Apply, terms: Any, rows) -> list[Variable]:
    name = f"[{node.op}] pullback"
    if not isinstance(terms, list | tuple) or len(terms) != len(node.inputs):
        got = len(terms) if isinstance(terms, list | tuple) else type(terms).__name__
        raise ValueError(f"{name} must return {len(node.inputs)} terms, got {got}")
    checked: list[Any] = []
    for i, (x, term, row) in enumerate(zip(node.inputs, terms, rows)):
        if not isinstance(term, Variable):
            raise TypeError(
                f"{name} must return variables (disconnected_type() where there is no derivative), "
                f"got {term!r} for input {i}"
            )
        if isinstance(term.type, NullType | DisconnectedType) or not row:
            checked.append(term)
            continue
        x_ndim, ndim = getattr(x.type, "ndim", None), getattr(term.type, "ndim", None)
        if x_ndim is not None and ndim != x_ndim:
            raise ValueError(
                f"{name} must return a term with the dimensions of input {i} ({x.type}), got {term.type}"
            )
        if _kind(term) == "i":
            raise TypeError(
                f"{name} must return floating point terms, got {term.type} for input {i} ({x.type}): "
                "it illegally returned an integer-valued variable"
            )
        real: Any = term
        checked.append(real.real if _kind(term) == "c" and _kind(x) == "f" else term)
    return checked


def _handle_disconnected(var: Variable, disconnected_inputs: WhenDisconnected) -> None:
    if disconnected_inputs == "ignore":
        return
    where = user_line(var)
    message = (
        "grad method was asked to compute the gradient with respect to a variable that is not part of "
        f"the computational graph of the cost, or is used only by a non-differentiable operator: {var}"
        + (f"\n  made in  {where}" if where else "")
    )
    if disconnected_inputs == "warn":
        warnings.warn(message, stacklevel=4)
    else:
        raise DisconnectedInputError(message)


def _check_options(disconnected_inputs, return_disconnected, null_gradients="raise") -> None:
    for name, value, allowed in (
        ("disconnected_inputs", disconnected_inputs, ("ignore", "warn", "raise")),
        ("return_disconnected", return_disconnected, ("none", "zero", "disconnected")),
        ("null_gradients", null_gradients, ("raise", "return")),
    ):
        if value not in allowed:
            raise ValueError(
                f"Invalid value for keyword '{name}', valid values are {allowed}; got {value!r}"
            )


def _finish(var, g, disconnected_inputs, return_disconnected, null_gradients):
    """Return what the user gets for one element of wrt."""
    if g is None or _is_disconnected(g):
        _handle_disconnected(var, disconnected_inputs)
        if return_disconnected == "none":
            return None
        return _float_zeros_like(var) if return_disconnected == "zero" else disconnected_type()
    if isinstance(g.type, NullType) and null_gradients == "raise":
        where = user_line(var)
        raise NullTypeGradError(
            f"`grad` encountered a NaN. This variable is Null because: {g.type.why_null}"
            + (f"\n  wrt {var}, made in  {where}" if where else "")
        )
    return g


def _reverse(
    seeds, fixed, wrt, constants, cost_name, options, report=None
) -> list[Variable | None]:
    """Return the cotangents of `wrt` for cotangents of outputs, added (`seeds`) or imposed (`fixed`).

    Errors name the variables of `report` instead of `wrt`.
    """
    cotangents = _Cotangents(fixed, constants, cost_name)
    for var, g in seeds:
        cotangents.add(var, g)
    roots = [*(var for var, _ in seeds), *fixed]
    _backward(_active_nodes(roots, wrt, constants), cotangents)
    found = [cotangents.whole(var) for var in wrt]
    return [_finish(var, g, *options) for var, g in zip(report or wrt, found)]
