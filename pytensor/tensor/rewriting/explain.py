"""Say for every product in a graph which routine it became, or the first reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import graph_inputs
from pytensor.tensor.blas import BatchedDot, Dot22, Dot22Scalar, Ger, Syrk
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot, Sum
from pytensor.tensor.rewriting.explain_lengths import Lengths, added, work_of
from pytensor.tensor.rewriting.explain_reasons import (
    REASONS,
    why_it_stays,
    why_it_vanished,
    why_not_in_a_sum,
)
from pytensor.tensor.rewriting.explain_record import Explanation, ProductRecord
from pytensor.tensor.rewriting.explain_trace import ProductTracker, frames_id, line_of, mark, marks
from pytensor.tensor.rewriting.explain_words import factors, is_call, is_outer, is_product, short
from pytensor.utils import late

__all__ = ["REASONS", "Explanation", "ProductRecord", "explain"]


def explain(what: Any, mode: Any = None) -> Explanation:
    """Describe what becomes of every product in a function, a graph or an expression.

    Parameters
    ----------
    what : Function, FunctionGraph, Variable, or list, tuple or dict of Variable
        A compiled function: what its products became. Its expression is rewritten once more
        for this, so that nothing has to be remembered while functions are compiled.
        A `FunctionGraph`: the products in it, as it is.
        Expressions: what their products would become, without compiling anything.
    mode : Mode or str, optional
        The rewrites to apply to expressions; ``config.mode`` by default.

    Returns
    -------
    Explanation
        A string that says for each product the user's source line, the lengths as far as they
        are known, the routine, its work in floating-point operations and the rule that chose it,
        or the first reason why none did. ``.html()`` and ``.save("page.html")`` give a page,
        ``.records`` the facts.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A, B, C = pt.matrices("A", "B", "C")
    >>> explanation = explain(0.5 * (A @ B) + C)
    >>> (record,) = explanation.records
    >>> record.expression, record.routine, record.rule
    ('A @ B', 'Gemm{no_inplace}', 'local_add_dot_to_gemm')
    >>> record.work
    '2 m k n'
    """
    maker = getattr(what, "maker", None)
    if maker is not None:
        return _of_function(what, maker)
    if isinstance(what, FunctionGraph):
        return _as_it_is(what)
    if isinstance(what, dict):
        what = list(what.values())
    outputs = [what] if isinstance(what, Variable) else what
    if not isinstance(outputs, Sequence) or not all(isinstance(v, Variable) for v in outputs):
        raise TypeError(
            "[explain] what must be a compiled function, a FunctionGraph, a variable or a list of "
            f"variables, got {type(what).__name__}"
        )
    mode = late("pytensor.compile.mode:get_mode")(mode)
    inputs = [v for v in dict.fromkeys(graph_inputs(outputs)) if not isinstance(v, Constant)]
    fgraph = FunctionGraph(inputs, list(outputs), clone=True)
    return _rewritten(fgraph, mode, _present_shapes(inputs, fgraph.inputs), "")


def _of_function(function, maker) -> Explanation:
    name = f"{function.name or 'function'}({', '.join(_argument_names(maker))})"
    actual = maker.fgraph
    fgraph, _ = maker.create_fgraph(maker.inputs, maker.outputs, maker.accept_inplace)
    shapes = _present_shapes([spec.variable for spec in maker.inputs], fgraph.inputs)
    for spec, container, var in zip(maker.inputs, function.input_storage, fgraph.inputs):
        if spec.implicit and (found := _shape_of(container.value)) is not None:
            shapes[var] = found
    explanation = _rewritten(fgraph, maker.mode, shapes, name)
    if _calls_in(fgraph) == _calls_in(actual):
        return explanation
    # Compiled under other settings, or not from the expression: what runs is what counts.
    for mine, its in zip(fgraph.inputs, actual.inputs, strict=False):
        if mine in shapes:
            shapes[its] = shapes[mine]
    return _as_it_is(actual, shapes, name)


def _argument_names(maker) -> list[str]:
    return [spec.name or f"a{i}" for i, spec in enumerate(maker.inputs) if not spec.implicit]


def _present_shapes(inputs, clones) -> dict:
    """Return the shapes that shared variables have now."""
    values = [getattr(getattr(var, "container", None), "value", None) for var in inputs]
    shapes = zip(clones, map(_shape_of, values), strict=True)
    return {clone: shape for clone, shape in shapes if shape is not None}


def _shape_of(value: Any) -> tuple[int, ...] | None:
    return getattr(value, "shape", None)


def _calls_in(fgraph) -> list[str]:
    return sorted(str(node.op) for node in fgraph.apply_nodes if is_product(node))


# -- a graph that is rewritten for it ------------------------------------------------------


class _Written:
    """What is to be said about a product as the user wrote it, before anything happens to it."""

    def __init__(self, node, lengths: Lengths):
        self.node = node
        self.expression = _unnamed(node)
        self.line = line_of(node.outputs[0])
        self.lengths = [lengths.of(_without_added_axes(v)) for v in factors(node)]
        self.dtypes = tuple(v.type.dtype for v in factors(node))
        self.work = work_of(node, lengths)
        self.outer = is_outer(node)
        self.frames = frames_id(node)


def _unnamed(node, width: int = 36) -> str:
    """Return a product whose result has a name as what it multiplies all the same."""
    var = node.outputs[0]
    name, var.name = var.name, None
    try:
        return short(var, width)
    finally:
        var.name = name


def _without_added_axes(var: Variable) -> Variable:
    while (node := var.owner) is not None and isinstance(node.op, DimShuffle):
        kept = [i for i in node.op.new_order if i != "x"]
        if kept != list(range(node.op.input_ndim)) or not kept:
            break
        var = node.inputs[0]
    return var


def _settle(node, lengths: Lengths) -> None:
    """Let lengths that have to be equal be equal: what is added up over, what is written over."""
    left, right = (lengths.of(v) for v in factors(node))
    if is_call(node) and node.op.destroy_map:
        for have, want in zip(
            lengths.of(node.inputs[0])[-2:], _shape_of_product(node, left, right)
        ):
            lengths.unite(have, want)
    if not isinstance(node.op, Ger | Syrk):
        lengths.unite(left[-1], right[-2 if len(right) > 1 else 0])
        for a, b in zip(left[:-2], right[:-2], strict=False):
            if 1 not in (a, b):
                lengths.unite(a, b)


def _shape_of_product(node, left: tuple, right: tuple) -> tuple:
    """Return the last two lengths of a product with these factors, or the one of a vector."""
    if isinstance(node.op, Syrk):
        return left[0], left[0]
    if isinstance(node.op, Ger):
        return left + right
    return (left[-2], right[-1]) if len(right) > 1 else (left[0],)


def _rewritten(fgraph, mode, shapes: dict, name: str) -> Explanation:
    """Apply the rewrites of `mode` to `fgraph`, and say what becomes of its products."""
    nodes = fgraph.toposort()
    products = [node for node in nodes if is_product(node)]
    same: dict = {}
    before = Lengths(fgraph, shapes, same)
    for node in products:
        _settle(node, before)
    written = {node: _Written(node, before) for node in products}
    shown = _texts(nodes)
    mark(nodes)
    tracker = ProductTracker(products)
    tracker.number_nodes(nodes)
    fgraph.attach_feature(tracker)
    with mode.active():
        mode.optimizer(fgraph)
    tracker.finish()
    fgraph.remove_feature(tracker)
    after = Lengths(fgraph, shapes, same)
    return _gathered(fgraph, written, tracker, after, shown, name, mode)


def _texts(nodes) -> dict[int, tuple[str, str]]:
    """Return expressions and lines of sums and outer products, which may become calls."""
    return {
        i: (short(node.outputs[0], 36), line_of(node.outputs[0]))
        for i, node in enumerate(nodes)
        if isinstance(node.op, Sum | Elemwise)
    }


def _gathered(fgraph, written, tracker, lengths, shown, name: str, mode) -> Explanation:
    heirs: dict = {node: [] for node in written}
    others = []
    final = [node for node in fgraph.toposort() if is_product(node)]
    for node in final:
        _settle(node, lengths)
    for node in final:
        origins = [product for product in tracker.of(node) if product in heirs]
        for product in origins:
            heirs[product].append(node)
        if not origins:
            others.append(node)
    records: list[ProductRecord] = []
    first: dict[Any, ProductRecord] = {}
    made_at: dict[int, int] = {}
    for product, facts in written.items():
        record = _record(fgraph, facts, heirs[product], tracker, lengths)
        record.number = len(records) + 1
        _share(record, heirs[product], first, lengths)
        # What a gradient adds has the very frames of what it is the gradient of.
        earlier = made_at.setdefault(facts.frames, record.number)
        record.gradient_of = earlier if earlier != record.number else 0
        records.append(record)
    for node in others:
        expression, line = _source_of(node, shown)
        record = _present(fgraph, node, lengths, tracker.rules.get(node, ""))
        record.expression, record.line = expression or record.expression, line or record.line
        record.number = len(records) + 1
        records.append(record)
    records += _inner(fgraph, lengths, len(records), mode)
    return Explanation.of(name, records, lengths)


def _source_of(node, shown) -> tuple[str, str]:
    found = [i for i in marks(node) if i in shown]
    return shown[found[0]] if found else ("", "")


def _share(record: ProductRecord, nodes, first: dict, lengths: Lengths) -> None:
    """Count the work of a call once, with the first of the products it computes."""
    mine = [node for node in nodes if node not in first]
    sharing = dict.fromkeys(first[node] for node in nodes if node in first)
    record.shared_with = [other.number for other in sharing]
    for other in sharing:
        other.asked = added([other.asked, record.asked])
        break
    for node in mine:
        first[node] = record
    if sharing and not mine:  # said there
        record.why = ""
    record.amount = added(work_of(node, lengths) for node in mine)
    if len(mine) == len(nodes) == 1 and any(u.var.owner for term in record.amount for u in term):
        # Lengths of what a rewrite put in between: they say nothing to the user.
        record.amount = record.asked


def _record(fgraph, facts: _Written, nodes, tracker, lengths) -> ProductRecord:
    record = ProductRecord(
        expression=facts.expression,
        line=facts.line,
        lengths=facts.lengths,
        dtypes=facts.dtypes,
        asked=facts.work,
        is_outer=facts.outer,
    )
    if not nodes:
        record.status = "vanished"
        event = tracker.end_of(facts.node)
        record.rule = event.name if event is not None else ""
        record.why = why_it_vanished(event)
        return record
    _say_what_it_is(fgraph, record, nodes, tracker.rules)
    event = tracker.ends.get(facts.node)
    if event is not None and (taken_by := event.equal.get(facts.node)) is not None:
        record.merged = event.name == "MergeOptimizer" and is_product(taken_by.owner)
    regrouped = tracker.regrouping(facts.node) if len(nodes) > 1 else None
    if regrouped is not None:
        record.why = why_it_vanished(regrouped)
    return record


def _say_what_it_is(fgraph, record: ProductRecord, nodes, rules) -> None:
    record.routine = " + ".join(str(node.op) for node in nodes)
    made_by = [_rule_of(node, rules) for node in nodes]
    record.rule = ", ".join(dict.fromkeys(name for name in made_by if name))
    if len(nodes) > 1 or not isinstance(nodes[0].op, Dot22 | BatchedDot | Dot | Blockwise):
        record.computes = "; ".join(_unnamed(node, 52) for node in nodes)
    left = [node for node in nodes if not is_call(node)]
    if left:
        record.status = "stays"
        record.rule = ""
        record.why = why_it_stays(fgraph, left[0])
        return
    record.status = "call"
    for node in nodes:
        if isinstance(node.op, Dot22 | Dot22Scalar | BatchedDot):
            refusal = why_not_in_a_sum(fgraph, node)
            if refusal is not None:
                record.why = f"not part of a sum: {refusal}"
                return


def _rule_of(node, rules) -> str:
    return getattr(node.outputs[0].tag, "rule", None) or rules.get(node, "")


# -- a graph as it is ----------------------------------------------------------------------


def _as_it_is(fgraph, shapes: dict | None = None, name: str = "") -> Explanation:
    lengths = Lengths(fgraph, shapes)
    nodes = [node for node in fgraph.toposort() if is_product(node)]
    for node in nodes:
        _settle(node, lengths)
    records = [_present(fgraph, node, lengths, "") for node in nodes]
    for number, record in enumerate(records, 1):
        record.number = number
    records += _inner(fgraph, lengths, len(records), None)
    return Explanation.of(name, records, lengths)


def _inner(fgraph, lengths: Lengths, count: int, mode) -> list[ProductRecord]:
    """Describe the products in loops and other inner graphs."""
    records: list[ProductRecord] = []
    for node in fgraph.toposort():
        inner = getattr(getattr(node.op, "core_op", node.op), "fgraph", None)
        if inner is None or isinstance(node.op, Elemwise) or not _calls_in(inner):
            continue
        if mode is not None and not all(map(is_call, filter(is_product, inner.apply_nodes))):
            # Compiled when it is first run; loops are rewritten with what is around them.
            inner = inner.unfreeze() if hasattr(inner, "unfreeze") else inner.clone()
            with mode.active():
                mode.optimizer(inner)
        inside = Lengths(inner, None, lengths.same)
        nodes = [n for n in inner.toposort() if is_product(n)]
        for n in nodes:
            _settle(n, inside)
        for n in nodes:
            record = _present(inner, n, inside, "")
            record.number = count + len(records) + 1
            record.inside = type(getattr(node.op, "core_op", node.op)).__name__
            record.line = record.line or line_of(node.outputs[0])
            records.append(record)
    return records


def _present(fgraph, node, lengths: Lengths, rule: str) -> ProductRecord:
    """Describe a product that is in the graph now."""
    record = ProductRecord(
        expression=_unnamed(node),
        line=line_of(node.outputs[0]),
        lengths=[lengths.of(_without_added_axes(v)) for v in factors(node)],
        dtypes=tuple(v.type.dtype for v in factors(node)),
        asked=work_of(node, lengths),
        is_outer=is_outer(node),
    )
    if isinstance(node.op, Syrk):
        record.lengths[1] = record.lengths[0][::-1]
    record.amount = record.asked
    _say_what_it_is(fgraph, record, [node], {node: rule})
    return record
