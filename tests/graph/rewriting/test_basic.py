"""Node rewriters, drivers, the fixed point and merging, on toy ops."""

import pytest
from toy import ToyOp, op1, op2, op3, op4, op5, text, toy_type, variable

from pytensor.configdefaults import config
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import (
    EquilibriumGraphRewriter,
    MergeOptimizer,
    OpRemove,
    OpSub,
    OpToRewriterTracker,
    PatternNodeRewriter,
    SequentialGraphRewriter,
    SequentialNodeRewriter,
    WalkingGraphRewriter,
    copy_stack_trace,
    dfs_rewriter,
    graph_rewriter,
    in2out,
    node_rewriter,
    out2in,
    pre_greedy_node_rewriter,
)
from pytensor.graph.rewriting.trace import rewrite_trace
from pytensor.graph.rewriting.unify import LiteralString, OpPattern


def graph(*outputs):
    return FunctionGraph(outputs=list(outputs), clone=False)


def rewritten(out, *rewriters, driver=in2out, **kwargs):
    fgraph = graph(out)
    driver(*rewriters, **kwargs).rewrite(fgraph)
    return text(fgraph)


x, y, z = variable("x"), variable("y"), variable("z")


class TestNodeRewriter:
    def test_tracks_must_be_ops(self):
        for bad in ([int], ["a"]):
            with pytest.raises(TypeError, match="tracks"):
                node_rewriter(bad)
        with pytest.raises(ValueError, match="tracks"):
            node_rewriter([])

    def test_transform_checks_tracks_itself(self):
        seen = []

        @node_rewriter([op1])
        def look(fgraph, node):
            seen.append(node.op)

        look.transform(None, op2(x).owner)
        assert seen == []
        look.transform(None, op2(x).owner, enforce_tracks=False)
        assert seen == [op2]
        look.transform(None, op1(x).owner)
        assert seen == [op2, op1]
        assert look.tracks() == [op1] and str(look) == "look" and look.__name__ == "look"

    @pytest.mark.parametrize("driver", [in2out, out2in, dfs_rewriter])
    def test_substitution_and_removal(self, driver):
        assert rewritten(op1(op2(x)), OpSub(op2, op3), driver=driver) == "Op1(Op3(x))"
        assert rewritten(op1(op2(op2(x))), OpRemove(op2), driver=driver) == "Op1(x)"

    def test_dict_result_with_remove(self):
        inner = op2(x)

        @node_rewriter([op1])
        def replace_inner(fgraph, node):
            (arg,) = node.inputs
            if arg.owner and arg.owner.op == op2:
                return {arg: op3(x), "remove": [arg]}

        fgraph = graph(op1(inner))
        in2out(replace_inner).rewrite(fgraph)
        assert text(fgraph) == "Op1(Op3(x))"

    def test_wrong_results_are_refused(self):
        @node_rewriter([op1])
        def text_result(fgraph, node):
            return "nonsense"

        @node_rewriter([op1])
        def too_many(fgraph, node):
            return [x, y]

        with pytest.raises(TypeError, match="must return"):
            in2out(text_result).rewrite(graph(op1(x)))
        with pytest.raises(ValueError, match="one replacement per output"):
            in2out(too_many).rewrite(graph(op1(x)))


class TestFailures:
    @staticmethod
    def failing():
        @node_rewriter([op1])
        def broken_rule(fgraph, node):
            raise ArithmeticError("oops")

        return broken_rule

    def test_raise(self):
        with pytest.raises(ArithmeticError, match="oops"):
            in2out(self.failing()).rewrite(graph(op1(x)))

    def test_warn_names_the_rule_and_goes_on(self):
        fgraph = graph(op1(op2(x)))
        with config.change_flags(on_opt_error="warn"):
            with pytest.warns(UserWarning, match="(?s)broken_rule.*Op1.*oops"):
                in2out(self.failing()).rewrite(fgraph)
            with pytest.warns(UserWarning, match="broken_rule"):
                EquilibriumGraphRewriter(
                    [self.failing(), OpSub(op2, op3)],
                    failure_callback=WalkingGraphRewriter.warn,
                ).rewrite(fgraph)
        assert text(fgraph) == "Op1(Op3(x))"

    def test_ignore(self):
        with config.change_flags(on_opt_error="ignore"):
            in2out(self.failing()).rewrite(graph(op1(x)))


class TestPattern:
    @pytest.mark.parametrize(
        ("pattern", "result", "expression", "expected"),
        [
            ((op1, (op2, "a"), "b"), (op3, "b", "a"), op1(op2(x), y), "Op3(y, x)"),
            ((op1, "a", "a"), "a", op1(op2(x), op2(x)), "Op1(Op2(x), Op2(x))"),
            ((op1, (op2, "a")), (op3, "a"), op4(op1(op2(x))), "Op4(Op3(x))"),
            ((op1, "a", 3), (op3, "a"), op1(x, Constant(toy_type, 3)), "Op3(x)"),
            ((op1, "a", 3), (op3, "a"), op1(x, Constant(toy_type, 4)), "Op1(x, 4)"),
            ((OpPattern(ToyOp, name=LiteralString("Op2")), "a"), (op3, "a"), op2(x), "Op3(x)"),
            ((OpPattern(ToyOp, name=LiteralString("Op1")), "a"), (op3, "a"), op2(x), "Op2(x)"),
        ],
    )
    def test_match_and_replace(self, pattern, result, expression, expected):
        if pattern[0] is op1 and 3 in pattern:
            expression.owner.inputs[1].data = expression.owner.inputs[1].data
        assert rewritten(expression, PatternNodeRewriter(pattern, result)) == expected

    def test_same_wildcard_needs_the_same_variable(self):
        shared = op2(x)
        assert rewritten(op1(shared, shared), PatternNodeRewriter((op1, "a", "a"), "a")) == "Op2(x)"

    def test_inner_node_with_another_reader(self):
        inner = op2(x)
        rule = PatternNodeRewriter((op1, (op2, "a")), (op3, "a"))
        fgraph = graph(op1(inner), inner)
        in2out(rule).rewrite(fgraph)
        assert text(fgraph) == "Op1(Op2(x))"
        again = PatternNodeRewriter((op1, (op2, "a")), (op3, "a"), allow_multiple_clients=True)
        in2out(again).rewrite(fgraph)
        assert text(fgraph) == "Op3(x)"

    def test_constraint(self):
        only_y = {"pattern": "a", "constraint": lambda v: v is y}
        rule = PatternNodeRewriter((op1, only_y), (op2, "a"))
        assert rewritten(op1(x), rule) == "Op1(x)"
        assert rewritten(op1(y), rule) == "Op2(y)"

    def test_function_as_result(self):
        rule = PatternNodeRewriter((op1, "a", "b"), lambda fgraph, node, s: op2(s["b"], s["a"]))
        assert rewritten(op1(x, y), rule) == "Op2(y, x)"

    def test_commutative(self):
        commutative = ToyOp("Plus")
        commutative.commutative = True
        rule = PatternNodeRewriter((commutative, (op2, "a"), "b"), (op3, "a", "b"))
        assert rewritten(commutative(y, op2(x)), rule) == "Op3(x, y)"


class TestTracker:
    def test_dispatch_on_instances_classes_and_patterns(self):
        class Other(ToyOp):
            pass

        tracker = OpToRewriterTracker()
        rules = [OpSub(op1, op2)]
        for tracks in ([Other], [OpPattern(ToyOp, name="Op3")], None):
            rules.append(node_rewriter(tracks)(lambda fgraph, node: False))
            tracker.add_tracker(rules[-1])
        tracker.add_tracker(rules[0])
        assert tracker.get_trackers(op1) == [rules[3], rules[0]]
        assert tracker.get_trackers(op3) == [rules[2], rules[3]]
        assert tracker.get_trackers(Other("Op5")) == [rules[1], rules[3]]
        assert tracker.get_trackers(op5) == [rules[3]]


class TestSequential:
    def test_first_wins_or_all(self):
        one = SequentialNodeRewriter(OpSub(op1, op2), OpSub(op2, op3))
        assert rewritten(op1(x), one, ignore_newtrees=True) == "Op2(x)"
        both = SequentialNodeRewriter(OpSub(op1, op2), OpSub(op2, op3), apply_all_rewrites=True)
        assert rewritten(op1(x), both, ignore_newtrees=True) == "Op3(x)"

    def test_graph_rewriters_in_order(self):
        order = []

        @graph_rewriter
        def first(fgraph):
            order.append("first")

        @graph_rewriter
        def second(fgraph):
            order.append("second")

        SequentialGraphRewriter(first, second).rewrite(graph(op1(x)))
        assert order == ["first", "second"]


class TestEquilibrium:
    def test_fixed_point(self):
        rules = [
            PatternNodeRewriter((op1, "a", "b"), (op4, "a", "b")),
            PatternNodeRewriter((op4, "a", "b"), (op3, "a")),
            PatternNodeRewriter((op3, (op2, "a")), (op1, "a", "a")),
        ]
        fgraph = graph(op1(op2(x), y))
        EquilibriumGraphRewriter(rules, max_use_ratio=10).rewrite(fgraph)
        assert text(fgraph) == "Op3(x)"

    def test_a_change_deep_inside_wakes_the_rule_above(self):
        rules = [
            PatternNodeRewriter((op1, (op2, (op3, "a"))), "a"),
            PatternNodeRewriter((op4, "a"), (op3, "a")),
        ]
        fgraph = graph(op1(op2(op4(x))))
        EquilibriumGraphRewriter(rules, max_use_ratio=10).rewrite(fgraph)
        assert text(fgraph) == "x"

    def test_losing_another_reader_wakes_the_rule(self):
        inner = op2(x)
        rules = [
            PatternNodeRewriter((op1, (op2, "a")), (op3, "a")),
            PatternNodeRewriter((op5, "a", "b"), (op5, "b")),
        ]
        fgraph = graph(op4(op1(inner), op5(inner, y)))
        EquilibriumGraphRewriter(rules, max_use_ratio=10).rewrite(fgraph)
        assert text(fgraph) == "Op4(Op3(x), Op5(y))"

    def test_endless_rules_stop(self):
        rules = [OpSub(op1, op2), OpSub(op2, op1)]
        with pytest.raises(AssertionError, match="max_use_ratio"):
            EquilibriumGraphRewriter(rules, max_use_ratio=2).rewrite(graph(op1(x)))
        with (
            config.change_flags(on_opt_error="warn"),
            pytest.warns(UserWarning, match="stopped"),
        ):
            EquilibriumGraphRewriter(rules, max_use_ratio=2).rewrite(graph(op1(x)))

    def test_final_and_cleanup_rewriters_run(self):
        calls = []

        @graph_rewriter
        def at_the_end(fgraph):
            calls.append(text(fgraph))

        rewriter = EquilibriumGraphRewriter(
            [OpSub(op1, op2)], final_rewriters=[at_the_end], cleanup_rewriters=[MergeOptimizer()]
        )
        fgraph = graph(op3(op1(x), op1(x)))
        rewriter.rewrite(fgraph)
        assert calls and set(calls) == {"Op3(Op2(x), Op2(x))"}
        assert len(fgraph.apply_nodes) == 2


class TestMerge:
    def test_equal_nodes_and_what_reads_them(self):
        fgraph = graph(op4(op2(op1(x), y), op2(op1(x), y), op2(op1(x), z)))
        MergeOptimizer().rewrite(fgraph)
        a, b, c = fgraph.outputs[0].owner.inputs
        assert a is b and a is not c
        assert a.owner.inputs[0] is c.owner.inputs[0]

    def test_constants_by_signature(self):
        fgraph = graph(op1(*(Constant(toy_type, v) for v in (2, 2, 3))))
        MergeOptimizer().rewrite(fgraph)
        a, b, c = fgraph.outputs[0].owner.inputs
        assert a is b and b is not c

    def test_called_again_looks_at_the_changes(self):
        fgraph = graph(op4(op1(x), op2(x)))
        merge = MergeOptimizer()
        merge.rewrite(fgraph)
        in2out(OpSub(op2, op1)).rewrite(fgraph)
        assert fgraph.merge_feature.pending
        merge.rewrite(fgraph)
        a, b = fgraph.outputs[0].owner.inputs
        assert a is b and not fgraph.merge_feature.pending

    def test_name_is_kept(self):
        first, second = op1(x), op1(x)
        second.name = "named"
        fgraph = graph(op2(first, second))
        MergeOptimizer().rewrite(fgraph)
        assert fgraph.outputs[0].owner.inputs[0].name == "named"


class TestTrace:
    def test_nothing_outside_of_the_block(self):
        with rewrite_trace() as trace:
            rewritten(op1(op2(x)), OpSub(op2, op3))
        rewritten(op1(op2(x)), OpSub(op2, op3))
        assert [event.outcome for event in trace.events] == ["fired"]
        ((name, total),) = trace.totals.items()
        assert "Op2 -> Op3" in name and total.tried == total.fired == 1
        assert "Op2 -> Op3" in trace.render()

    def test_in_the_fixed_point(self):
        with rewrite_trace() as trace:
            EquilibriumGraphRewriter([OpSub(op2, op3)]).rewrite(graph(op1(op2(x))))
        assert len(trace.events) == 1


def test_copy_stack_trace():
    a, b = op1(x), op2(x)
    a.tag.trace = [(("model.py", 3, "f"),)]
    b.tag.trace = []
    assert copy_stack_trace([a], b) is b
    assert b.tag.trace == a.tag.trace


def test_pre_greedy_leaves_the_graph_alone():
    inside = op2(x)
    fgraph = graph(inside)
    result = pre_greedy_node_rewriter(fgraph, [OpSub(op2, op3), OpSub(op1, op4)], op1(op2(inside)))
    assert text(result) == "Op4(Op3(Op2(x)))"
    assert text(fgraph) == "Op2(x)"
