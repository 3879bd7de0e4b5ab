"""Subjects of rules are imported when a graph has the ops they look at; nobody sees a difference."""

import importlib
import subprocess
import sys
from collections import defaultdict

import pytest

import pytensor.tensor.rewriting as rules
from pytensor.graph.rewriting.db import RewriteDatabase
from pytensor.graph.rewriting.rewriters import NodeRewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.unify import OpPattern

# What rules of a subject start at beside the ops that want the subject; without one of those in
# the graph none of them can match.
NARROWED = {
    "joins": {"Sum"},  # of a join
    "reshape": {"DimShuffle"},  # of a reshape
    "shape": {"Elemwise(Maximum)"},  # of a length and 0
    "extra_ops": {"Sum", "Prod", "Max", "Min"},  # of a sort
    "special": {"Elemwise(TrueDiv)", "Sum"},  # by a sum of exponentials; of a write
    "subtensor": {"Join", "Blockwise"},  # of parts
    "subtensor_arrays": {"Subtensor", "Sum"},  # of parts taken by arrays
    "subtensor_write": {"Elemwise(Add)", "Elemwise(Sub)"},  # of a write
    "linalg.declared": set(),  # a stage of its own
    "linalg.inverse": {"DimShuffle", "Dot", "Blockwise"},  # of inverses
    "linalg.products": {"Dot", "Blockwise"},  # with factors
    "linalg.systems": {"Dot", "Sum", "Blockwise"},  # with solutions
    "linalg.solvers": {"Blockwise"},
    "linalg.summary": {"Elemwise(Log)", "ExtractDiag", "Blockwise"},  # of determinants
    "linalg.cholesky": {"Blockwise"},
    "linalg.decomposition": {"Blockwise"},
    "linalg.reuse": {"Blockwise"},
    "blas_batched": {"Sum"},  # of a product of stacks
    "blas_forms": {"Sum", "ExtractDiag"},  # of a product
    "blas_products": {"DimShuffle"},  # of a product
    "blas_triangular": {"BlasOp"},  # with a triangle
    **dict.fromkeys(
        ("blas_factoring", "blas_rules"),
        {f"Elemwise({name})" for name in ("Add", "Sub", "Neg", "Mul", "TrueDiv")},  # of products
    ),
}


def subject_of(rewriter) -> str:
    function = getattr(rewriter, "body", None) or getattr(rewriter, "fn", None)
    module = getattr(function, "__module__", None) or type(rewriter).__module__
    return module.removeprefix(f"{rules.__name__}.") if module.startswith(rules.__name__) else ""


def key_of(track) -> set[str]:
    """Return the keys that want a rule with this track, by any class of its MRO."""
    if isinstance(track, OpPattern):
        track = track.op_type if isinstance(track.op_type, type) else type(track.op_type)
    if isinstance(track, type):
        return {track.__name__, *(cls.__name__ for cls in track.__mro__)} - {"object", "Op"}
    names = {cls.__name__ for cls in type(track).__mro__} - {"object", "Op"}
    scalar_op = getattr(track, "scalar_op", None)
    if scalar_op is not None:
        names.add(f"{type(track).__name__}({type(scalar_op).__name__})")
    return names


def tracked() -> dict[str, list]:
    optdb.load_rules()
    found = defaultdict(list)
    databases = [optdb]
    for db in databases:
        for name in db._names:
            for member in db.__db__[name]:
                if isinstance(member, RewriteDatabase):
                    databases.append(getattr(member, "db", member))
                elif isinstance(member, NodeRewriter):
                    found[subject_of(member)].extend(member.tracks() or ["*"])
    return found


def test_subjects_are_wanted_by_what_their_rules_track():
    found = tracked()
    assert set(found) - {""} <= set(rules.RULES)
    assert len(found) > 25
    for subject, tracks in found.items():
        wanted = set(rules.RULES.get(subject, "*").split())
        if "*" in wanted:
            continue
        assert "*" not in tracks, f"{subject} has a rule for every op"
        for track in tracks:
            keys = key_of(track)
            narrowed = keys & NARROWED.get(subject, set())
            assert keys & wanted or narrowed, f"{subject} is not imported for {track}"


def test_every_key_names_an_op():
    # A key that nothing tracks (any more) would only make compiling slower.
    from pytensor.tensor.blas import _op  # noqa: F401, PLC0415

    found = tracked()
    for subject, keys in rules.RULES.items():
        if subject in NARROWED or subject.startswith("blas") or keys == "*":
            continue
        names = {key for track in found[subject] for key in key_of(track)}
        assert set(keys.split()) <= names, subject


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sum_needs_no_rules_of_products():
    run(
        """
import sys, pytensor, pytensor.tensor as pt
x = pt.vector("x")
pytensor.function([x], x + 1)
here = {name.rpartition(".")[2] for name in sys.modules if name.startswith("pytensor.tensor.rewriting.")}
assert {"elemwise", "arithmetic", "fusion"} <= here, here
assert not here & {"blas_rules", "inverse", "solvers", "subtensor", "reductions", "joins", "special"}, here
A = pt.matrix("A")
f = pytensor.function([A, x], A @ x)
assert type(f.maker.fgraph.outputs[0].owner.op).__name__ == "Gemv", f.maker.fgraph
"""
    )


@pytest.mark.parametrize(
    "look",
    [
        "'local_add_dot_to_gemm' in optdb['blas']",
        "optdb['canonicalize']['local_add_canonizer']",
        "len(optdb['canonicalize'].query('+fast_run').node_tracker.get_rewriters()) > 100",
        "'local_useless_switch' in optdb['useless'].db",
        "any('InplaceBlasOpt' == r.name for r in optdb.query('+fast_run'))",
        "'InplaceBlasOpt' in optdb",
        "pytensor.tensor.rewriting.subtensor_lift",
    ],
)
def test_who_looks_sees_all(look):
    run(
        f"""
import pytensor, pytensor.tensor as pt
from pytensor.graph.rewriting.stages import optdb
x = pt.vector("x")
pytensor.function([x], x + 1)
assert {look}
"""
    )


def test_order_does_not_depend_on_imports():
    names = """
import importlib, pytensor, pytensor.tensor, pytensor.tensor.rewriting as rules
from pytensor.graph.rewriting.stages import optdb
for subject in {subjects}:
    importlib.import_module("pytensor.tensor.rewriting." + subject)
for stage in optdb.query("+fast_run", "+fast_compile", "+infer_shape"):
    tracker = getattr(stage, "node_tracker", None)
    walked = getattr(getattr(stage, "node_rewriter", None), "rewrites", ())
    found = [*(tracker.get_rewriters() if tracker else ()), *walked]
    print(stage.name, [str(rewriter) for rewriter in found])
"""
    one, other = (
        run(names.format(subjects=subjects))
        for subjects in ("rules.RULES", "reversed(rules.RULES)")
    )
    assert one == other
    assert "local_add_canonizer" in one


# Each comes first in a process: with the rules its ops want, and again with all rules there are.
GRAPHS = {
    "elementwise": "pt.log(pt.exp(x) + pt.exp(2 * x)) / (1 + pt.exp(-x))",
    "softmax": "pt.log(pt.exp(A) / pt.exp(A).sum(axis=1, keepdims=True))[:, 0]",
    "product of a sum": "(x * A.sum(axis=0)).sum() + pt.dot(x, x)",
    "outer": "A - 0.3 * x[:, None] * x[None, :]",
    "log det": "pt.log(pt.abs(pt.linalg.det(A @ A.T)))",
    "solve": "pt.linalg.inv(A).T @ x",
    "indices": "pt.concatenate([x, x * 2])[3:] + pt.grad(x[1:].sum() ** 2, x)[0]",
    "sorted": "pt.sort(x).sum() + pt.repeat(x, 2).max()",
    "shapes": "A.reshape((A.shape[0] * A.shape[1],))[None] * pt.maximum(x.shape[0], 0)",
    "loop": "pytensor.scan(lambda s: A @ s + x, outputs_info=[x], n_steps=3, return_updates=False)",
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_graphs_are_the_same(graph):
    run(
        f"""
import pytensor, pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.compile.mode import get_mode
A, x = pt.dmatrix("A"), pt.dvector("x")
out = {GRAPHS[graph]}
fast = get_mode("FAST_RUN")
text = []
for which in ("few", "all"):
    fgraph = FunctionGraph([A, x], [out], clone=True)
    with fast.active():
        (fast.rewriter_for(fgraph) if which == "few" else fast.optimizer)(fgraph)
    text.append(pytensor.dprint(fgraph, file="str"))
    if which == "few":
        waiting = list(optdb._indices[0]._waiting)
assert waiting, "all were imported already"
assert text[0] == text[1], "\\n".join(text)
"""
    )


def test_attributes_of_the_package():
    assert rules.math is importlib.import_module("pytensor.tensor.rewriting.math")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rules.nonsense  # noqa: B018
