"""Databases of rewriters and queries by tag."""

import pytest
from toy import op1, op2, op3, text, variable

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import (
    EquilibriumGraphRewriter,
    OpSub,
    SequentialNodeRewriter,
    WalkingGraphRewriter,
    graph_rewriter,
)
from pytensor.graph.rewriting.db import (
    EquilibriumDB,
    LocalGroupDB,
    ProxyDB,
    RewriteDatabase,
    RewriteDatabaseQuery,
    SequenceDB,
    TopoDB,
)
from pytensor.graph.rewriting.stages import POSITIONS, StageDB, optdb
from pytensor.graph.rewriting.utils import get_clients_at_depth, rewrite_graph, rewrite_subgraph


def named(name, log):
    def run(fgraph):
        log.append(name)

    run.__name__ = name
    return graph_rewriter(run)


class TestRewriteDatabase:
    def test_select_by_tags(self):
        db = RewriteDatabase()
        a, b, c = OpSub(op1, op2), OpSub(op2, op3), OpSub(op1, op3)
        db.register("a", a, "x", "y")
        db.register("b", b, "x", None)
        db.register("c", c, "z")
        assert list(db.query("+x")) == [a, b]
        assert list(db.query("+x", "&y")) == [a]
        assert list(db.query("+x", "-a", "-nobody")) == [b]
        assert list(db.query("+x", "+c")) == [a, b, c]
        assert list(db.query(RewriteDatabaseQuery(include=["x"], exclude=[None]))) == [a]
        db.remove_tags("a", "x")
        assert list(db.query("+x")) == [b]
        db.add_tags("c", "x")
        assert list(db.query("+x")) == [b, c]
        assert db["a"] is a and "a" in db and "nobody" not in db
        with pytest.raises(KeyError):
            db["nobody"]
        with pytest.raises(ValueError, match="More than one"):
            db["x"]

    def test_bad_arguments(self):
        db = RewriteDatabase()
        db.register("a", OpSub(op1, op2))
        with pytest.raises(ValueError, match="already present"):
            db.register("a", OpSub(op1, op2))
        db.register("a", OpSub(op1, op3), overwrite_existing=True)
        assert db["a"].op2 == op3
        with pytest.raises(TypeError, match="rewriter"):
            db.register("b", 3)
        with pytest.raises(ValueError, match="must start"):
            db.query("a")

    def test_query_is_not_changed(self):
        q = RewriteDatabaseQuery(include=["a", None])
        assert list(q.including("b").include) == ["a", None, "b"]
        assert list(q.excluding("c").exclude) == ["c"]
        assert list(q.requiring("d").require) == ["d"]
        assert list(q.include) == ["a", None] and not q.exclude and not q.require


class TestKinds:
    def test_sequence_is_ordered_and_cut(self):
        log = []
        db = SequenceDB()
        db.register("late", named("late", log), "t", position=10)
        db.register("early", named("early", log), "t", position=-1)
        db.register("last", named("last", log), "t", position="last")
        fgraph = FunctionGraph(outputs=[op1(variable("x"))])
        db.query("+t").rewrite(fgraph)
        assert log == ["early", "late", "last"]
        log.clear()
        db.query("+t", position_cutoff=5).rewrite(fgraph)
        assert log == ["early"]
        log.clear()
        query = RewriteDatabaseQuery(include=["t"], exclude=["late"])
        db.query(query.register((named("extra", log), 3))).rewrite(fgraph)
        assert log == ["early", "extra", "last"]

    def test_nested(self):
        db, inner = SequenceDB(), EquilibriumDB()
        db.register("inner", inner, "t", position=1)
        inner.register("a", OpSub(op1, op2), "t")
        inner.register("b", OpSub(op2, op3), "u")
        x = variable("x")

        def result(query):
            fgraph = FunctionGraph(outputs=[op1(x)], clone=False)
            query.rewrite(fgraph)
            return text(fgraph)

        assert isinstance(db.query("+t")[0], EquilibriumGraphRewriter)
        assert result(db.query("+t")) == "Op2(x)"
        assert result(db.query("+t", "+u")) == "Op3(x)"
        sub = RewriteDatabaseQuery(include=["t"], subquery={"inner": RewriteDatabaseQuery(["u"])})
        assert result(db.query(sub)) == "Op1(x)"
        assert [rw.name for rw in db.query("+t")] == ["inner"]

    def test_local_group_topo_and_proxy(self):
        group = LocalGroupDB()
        group.register("b", OpSub(op2, op3), "t", position=2)
        group.register("a", OpSub(op1, op2), "t", position=1)
        rewriter = group.query("+t")
        assert isinstance(rewriter, SequentialNodeRewriter)
        assert [rw.name for rw in rewriter.rewrites] == ["a", "b"]
        walker = TopoDB(group).query("+t")
        assert isinstance(walker, WalkingGraphRewriter)
        fgraph = FunctionGraph(outputs=[op1(variable("x"))], clone=False)
        walker.rewrite(fgraph)
        assert text(fgraph) == "Op3(x)"
        assert [rw.name for rw in ProxyDB(group).query("+t").rewrites] == ["a", "b"]


class TestStages:
    def test_order_of_names(self):
        names = ["merge1", "useless", "canonicalize", "stabilize", "specialize", "blas"]
        names += ["uncanonicalize", "elemwise_fusion", "add_destroy_handler", "merge3"]
        assert sorted(names, key=POSITIONS.__getitem__) == names
        for name in names[:-2]:
            assert name in optdb

    def test_rule_modules_are_imported_at_the_first_query(self, tmp_path, monkeypatch):
        (tmp_path / "toy_rules.py").write_text("import toy\ntoy.loaded = True\n")
        monkeypatch.syspath_prepend(tmp_path)
        import toy

        db = StageDB()
        db.add_rule_modules("toy_rules")
        assert not hasattr(toy, "loaded")
        db.query("+fast_run")
        assert toy.loaded

    def test_answers_follow_registrations(self):
        db, inner = StageDB(), EquilibriumDB()
        db.register("canonicalize", inner, "t")
        assert db.__position__["canonicalize"] == 1
        inner.register("a", OpSub(op1, op2), "t")
        first = db.query("+t")
        assert db.query("+t") == first or db.query("+t")[0] is first[0]
        inner.register("b", OpSub(op2, op3), "t")
        assert len(list(db.query("+t")[0].get_node_rewriters())) == 2


class TestUtils:
    def test_rewrite_graph_with_a_custom_rewriter(self):
        x = variable("x")
        out = op1(x)
        custom = WalkingGraphRewriter(OpSub(op1, op2))
        result = rewrite_graph(out, include=(), custom_rewrite=custom, clone=True)
        assert text(result) == "Op2(x)" and text(out) == "Op1(x)"
        (both,) = rewrite_graph([op3(out)], include=(), custom_rewrite=custom)
        assert text(both) == "Op3(Op2(x))"

    def test_rewrite_subgraph_stops_at_the_frontier(self):
        edge = op1(variable("x"))
        out = op3(op2(edge), op2(edge))
        (result,) = rewrite_subgraph([out], [edge], include=("merge1",))
        a, b = result.owner.inputs
        assert a is b and edge.owner.op == op1

    def test_clients_at_depth(self):
        x = variable("x")
        a = op1(x)
        b = op2(a)
        fgraph = FunctionGraph(outputs=[op3(b)], clone=False)
        assert list(get_clients_at_depth(fgraph, a.owner, 0)) == [b.owner]
        assert [n.op for n in get_clients_at_depth(fgraph, a.owner, 1)] == [op3]
