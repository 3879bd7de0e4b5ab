"""`function`: arguments, outputs, updates, givens, and what is protected from whom."""

import threading
import weakref

import numpy as np
import pytest

from pytensor.compile.io import In, Out
from pytensor.compile.maker import function
from pytensor.compile.rebuild import UnusedInputError
from pytensor.graph.utils import MissingInputError


@pytest.fixture
def xy(toy):
    return toy.vector("x"), toy.vector("y")


@pytest.fixture
def plus(toy, xy):
    return function(list(xy), toy.add(*xy), mode=toy.mode, name="plus")


class TestArguments:
    def test_positional_keyword_mixed(self, plus):
        want = [4.0, 6.0]
        a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        for got in (plus(a, b), plus(a, y=b), plus(x=a, y=b), plus(y=b, x=a), plus([1, 2], [3, 4])):
            np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize(
        "args, kwargs, message",
        [
            ((), {}, "Missing input: x"),
            (([1.0],), {}, "Missing input: y"),
            (([1.0], [1.0], [1.0]), {}, "takes 2 arguments, got 3"),
            (([1.0],), {"z": [1.0]}, "Unknown input: z"),
            (([1.0],), {"x": [1.0]}, "multiple values for input x"),
        ],
    )
    def test_wrong_number_or_name(self, plus, args, kwargs, message):
        with pytest.raises(TypeError, match=message) as error:
            plus(*args, **kwargs)
        assert "plus" in str(error.value) and "Vector(float64" in str(error.value)

    def test_wrong_rank_names_argument_type_and_value(self, plus):
        with pytest.raises(TypeError, match="argument 1 of plus, y") as error:
            plus([1.0], np.zeros((2, 3)))
        assert "Vector(float64" in str(error.value) and "(2, 3)" in str(error.value)
        np.testing.assert_array_equal(plus([1.0], [2.0]), [3.0])

    @pytest.mark.parametrize("bad", [None, "text", object(), {"a": 1}, [[1], [1, 2]]])
    def test_rubbish_is_a_type_or_value_error(self, plus, bad):
        with pytest.raises((TypeError, ValueError)):
            plus(bad, [1.0])

    def test_two_inputs_of_one_name(self, toy):
        a, b = toy.vector("v"), toy.vector("v")
        f = function([a, b], toy.add(a, b), mode=toy.mode)
        np.testing.assert_array_equal(f([1.0], [2.0]), [3.0])
        with pytest.raises(TypeError, match="Ambiguous"):
            f([1.0], v=[2.0])

    def test_defaults(self, toy, xy):
        x, y = xy
        f = function([In(x, value=[1.0]), In(y, value=[10.0])], toy.add(x, y), mode=toy.mode)
        assert f() == [11.0] and f([5.0]) == [15.0] and f(y=[5.0]) == [6.0]
        f["y"] = [20.0]
        assert f() == [21.0] and f["x"] == [1.0]

    def test_default_with_update_is_state(self, toy, xy):
        x, y = xy
        f = function([y, In(x, value=[0.0], update=toy.add(x, y))], x, mode=toy.mode)
        assert f([1.0]) == [0.0] and f([1.0]) == [1.0] and f["x"] == [2.0]

    def test_name_given_by_in(self, toy, xy):
        f = function([In(xy[0], name="renamed")], toy.add(xy[0], xy[0]), mode=toy.mode)
        assert f(renamed=[1.0]) == [2.0]

    def test_strict_and_downcast(self, toy, xy):
        x, _ = xy
        with pytest.raises(TypeError):
            function([In(x, strict=True)], x, mode=toy.mode)([1.0])
        f = function([x], x, mode=toy.mode, allow_input_downcast=True)
        assert f(np.array([1 + 0j]).real.astype("longdouble")).dtype == "float64"

    def test_trust_input_skips_checks(self, toy, xy):
        f = function(list(xy), toy.add(*xy), mode=toy.mode)
        with pytest.raises(TypeError):
            f(np.ones((2, 2)), np.ones((2, 2)))
        f.trust_input = True
        if f.maker.mode.provided_linker == "py":  # C may check what it needs for its own safety
            assert f(np.ones((2, 2)), np.ones((2, 2))).shape == (2, 2)
        np.testing.assert_array_equal(f(np.ones(2), np.ones(2)), [2.0, 2.0])
        f.trust_input = False
        with pytest.raises(TypeError):
            f(np.ones((2, 2)), np.ones((2, 2)))

    def test_many_arguments(self, toy):
        xs = [toy.vector(f"x{i}") for i in range(300)]
        total = xs[0]
        for v in xs[1:]:
            total = toy.add(total, v)
        f = function(xs, total, mode=toy.mode)
        assert f(*[[1.0]] * 300) == [300.0]


class TestOutputs:
    def test_forms(self, toy, xy):
        x, y = xy
        one, two = toy.add(x, y), toy.add(x, x)
        a = [1.0], [2.0]
        assert function([x, y], one, mode=toy.mode)(*a) == [3.0]
        got = function([x, y], [one], mode=toy.mode)(*a)
        assert isinstance(got, list) and len(got) == 1
        got = function([x, y], (one, two), mode=toy.mode)(*a)
        assert [v[0] for v in got] == [3.0, 2.0]
        got = function([x, y], {"b": one, "a": two}, mode=toy.mode)(*a)
        assert list(got) == ["b", "a"] and got["a"] == [2.0]
        assert function([], None, mode=toy.mode)() == []
        assert function([], [], mode=toy.mode)() == []

    def test_several_outputs_of_a_node(self, toy, xy):
        low, high = toy.split(xy[0])
        f = function([xy[0]], [high, low], mode=toy.mode)
        assert [v.tolist() for v in f([1.0, 2.0])] == [[2.0], [1.0]]

    @pytest.mark.parametrize("bad", [3, "x", [3]])
    def test_not_variables(self, toy, xy, bad):
        with pytest.raises(TypeError, match="Outputs must be"):
            function([xy[0]], bad, mode=toy.mode)

    def test_output_shares_no_memory_with_input(self, toy, xy):
        x, _ = xy
        a = np.array([1.0, 2.0, 3.0])
        for out in (x, toy.first()(x), toy.first()(toy.first(3)(x))):
            assert not np.shares_memory(function([x], out, mode=toy.mode)(a), a)

    def test_borrow_on_both_sides_allows_sharing(self, toy, xy):
        x, _ = xy
        a = np.array([1.0, 2.0, 3.0])
        assert function([In(x, borrow=True)], Out(x, borrow=True), mode=toy.mode)(a) is a
        assert function([In(x, borrow=True)], x, mode=toy.mode)(a) is not a

    def test_equal_outputs_share_no_memory(self, toy, xy):
        z = toy.add(*xy)
        f = function(list(xy), [z, z, toy.first()(z)], mode=toy.mode)
        outs = f([1.0, 2.0], [3.0, 4.0])
        for i in range(3):
            for j in range(i):
                assert not np.shares_memory(outs[i], outs[j])

    def test_constant_output_is_a_copy(self, toy):
        c = toy.vector.make_constant(np.array([1.0]))
        f = function([], c, mode=toy.mode)
        f()[0] = 7.0
        assert f() == [1.0]


class TestInputsList:
    def test_duplicate(self, toy, xy):
        with pytest.raises(UnusedInputError, match="used twice"):
            function([xy[0], xy[0]], xy[0], mode=toy.mode)

    def test_unused(self, toy, xy):
        x, y = xy
        with pytest.raises(UnusedInputError, match="index 1"):
            function([x, y], x, mode=toy.mode)
        with pytest.warns(UserWarning, match="index 1"):
            function([x, y], x, mode=toy.mode, on_unused_input="warn")
        assert function([x, y], x, mode=toy.mode, on_unused_input="ignore")([1.0], [2.0]) == [1.0]
        with pytest.raises(ValueError, match="on_unused_input"):
            function([x, y], x, mode=toy.mode, on_unused_input="perhaps")

    def test_missing(self, toy, xy):
        with pytest.raises(MissingInputError, match="y"):
            function([xy[0]], toy.add(*xy), mode=toy.mode)

    def test_shared_as_input(self, toy):
        s = toy.shared([1.0], "s")
        with pytest.raises(TypeError, match="Cannot use a shared variable"):
            function([s], s, mode=toy.mode)

    @pytest.mark.parametrize("bad", [3, "x", ("x", 1)])
    def test_not_an_input(self, toy, bad):
        with pytest.raises(TypeError, match="Unknown parameter type"):
            function([bad], [], mode=toy.mode)

    def test_not_a_list(self, toy, xy):
        with pytest.raises(TypeError, match="contained in a list"):
            function(xy[0], xy[0], mode=toy.mode)

    def test_computed_variable_as_input(self, toy, xy):
        x, y = xy
        z = toy.add(x, y)
        assert function([z, y], toy.add(z, y), mode=toy.mode)([10.0], [1.0]) == [11.0]


class TestUpdates:
    def test_simultaneous(self, toy, xy):
        x, _ = xy
        s, t = toy.shared([1.0], "s"), toy.shared([10.0], "t")
        f = function([x], s, updates={s: t, t: toy.add(s, x)}, mode=toy.mode)
        assert f([5.0]) == [1.0]
        assert s.get_value() == [10.0] and t.get_value() == [6.0]
        assert not np.shares_memory(s.get_value(borrow=True), t.get_value(borrow=True))

    def test_update_to_input_is_a_copy(self, toy, xy):
        x, _ = xy
        s = toy.shared([1.0])
        a = np.array([5.0])
        function([x], [], updates=[(s, x)], mode=toy.mode)(a)
        a[0] = 0.0
        assert s.get_value() == [5.0]

    def test_failing_call_changes_nothing(self, toy, xy):
        x, _ = xy
        s, t = toy.shared([1.0, 1.0], "s"), toy.shared([1.0, 1.0, 1.0], "t")
        for add in (toy.add, toy.add_inplace):
            f = function(
                [x],
                [],
                updates=[(s, add(s, x)), (t, add(t, x))],
                mode=toy.mode,
                accept_inplace=True,
            )
            with pytest.raises(ValueError, match="broadcast"):
                f([1.0, 1.0])
            assert s.get_value().tolist() == [1.0, 1.0]
            assert t.get_value().tolist() == [1.0, 1.0, 1.0]

    def test_inplace_update_leaves_borrowed_memory_alone(self, toy, xy):
        x, _ = xy
        s = toy.shared([1.0])
        f = function(
            [x], [], updates=[(s, toy.add_inplace(s, x))], mode=toy.mode, accept_inplace=True
        )
        borrowed = s.get_value(borrow=True)
        f([1.0])
        assert s.get_value() == [2.0] and borrowed == [1.0]

    def test_read_only_shared_value_is_not_written(self, toy, xy):
        x, _ = xy
        a = np.array([1.0])
        a.flags.writeable = False
        s = toy.shared([0.0])
        s.set_value(a, borrow=True)
        f = function(
            [x], [], updates=[(s, toy.add_inplace(s, x))], mode=toy.mode, accept_inplace=True
        )
        f([1.0])
        assert a == [1.0] and s.get_value() == [2.0]

    def test_errors(self, toy, xy):
        x, _ = xy
        s = toy.shared([1.0], "s")
        with pytest.raises(TypeError, match="update target must be a SharedVariable"):
            function([x], [], updates=[(x, s)], mode=toy.mode)
        with pytest.raises(ValueError, match="already has an update"):
            function([x], [], updates=[(s, x), (s, x)], mode=toy.mode)
        with pytest.raises(TypeError, match="list of pairs"):
            function([x], [], updates=[s, x], mode=toy.mode)
        with pytest.raises(TypeError, match="same type"):
            function([x], [], updates=[(s, np.zeros((2, 2)))], mode=toy.mode)

    def test_default_update(self, toy):
        s, t = toy.shared([0.0], "s"), toy.shared([1.0], "t")
        s.default_update = toy.add(s, t)
        t.default_update = toy.add(t, t)
        f = function([], s, mode=toy.mode)
        f()
        # t is reached through the update of s only, and is updated too.
        assert s.get_value() == [1.0] and t.get_value() == [2.0]
        function([], s, no_default_updates=True, mode=toy.mode)()
        function([], toy.add(s, t), no_default_updates=[s, t], mode=toy.mode)()
        function([], s, updates={s: s}, no_default_updates=[t], mode=toy.mode)()
        assert s.get_value() == [1.0] and t.get_value() == [2.0]

    def test_threads_updating_one_variable(self, toy):
        s = toy.shared([0.0])
        one = toy.vector.make_constant(np.ones(1))
        f = function([], [], updates={s: toy.add(s, one)}, mode=toy.mode)
        threads = [threading.Thread(target=lambda: [f() for _ in range(500)]) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert s.get_value() == [4000.0]

    def test_many_updates(self, toy):
        # More than Python's limit of nested blocks.
        many = [toy.shared([float(i)]) for i in range(30)]
        f = function([], [], updates=[(s, toy.add(s, s)) for s in many], mode=toy.mode)
        f()
        assert [s.get_value()[0] for s in many] == [2.0 * i for i in range(30)]


class TestThreads:
    def test_one_function_in_many_threads(self, toy, xy):
        x, y = xy
        z = toy.add(toy.add(x, y), toy.add(y, y))
        f = function([x, y], [z, toy.add(z, x)], mode=toy.mode)
        wrong = []

        def work(k):
            a, b = np.full(50, float(k)), np.full(50, 1.0)
            for _ in range(200):
                first, second = f(a, b)
                if first[7] != k + 3 or second[7] != 2 * k + 3:
                    wrong.append(k)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong


class TestGivens:
    def test_replaces(self, toy, xy):
        x, y = xy
        s = toy.shared([7.0], "s")
        assert function([], toy.add(x, x), givens={x: s}, mode=toy.mode)() == [14.0]
        assert function([y], toy.add(x, x), givens=[(x, toy.add(y, y))], mode=toy.mode)([1.0]) == [
            4.0
        ]
        assert function([y], toy.add(s, s), givens={s: y}, mode=toy.mode)([1.0]) == [2.0]
        assert function([], toy.add(x, x), givens={x: [2.0]}, mode=toy.mode)() == [4.0]

    def test_updates_see_givens(self, toy, xy):
        x, y = xy
        s = toy.shared([0.0])
        function([y], [], updates={s: toy.add(s, x)}, givens={x: toy.add(y, y)}, mode=toy.mode)(
            [2.0]
        )
        assert s.get_value() == [4.0]

    def test_user_graph_is_untouched(self, toy, xy):
        x, y = xy
        z = toy.add(x, x)
        function([y], z, givens={x: y}, mode=toy.mode)
        assert z.owner.inputs == [x, x]

    def test_of_an_input(self, toy, xy):
        with pytest.raises(RuntimeError, match="is an input to your function"):
            function([xy[0]], xy[0], givens={xy[0]: xy[1]}, mode=toy.mode)

    def test_deep_graph(self, toy, xy):
        x, y = xy
        z = x
        for _ in range(3000):
            z = toy.add(z, x)
        assert function([y], z, givens={x: y}, mode=toy.mode)([1.0]) == [3001.0]


class TestInplace:
    def test_graph_with_inplace_operations_needs_permission(self, toy, xy):
        with pytest.raises(TypeError, match="inplace"):
            function(list(xy), toy.add_inplace(*xy), mode=toy.mode)

    def test_mutable_input_is_overwritten(self, toy, xy):
        x, y = xy
        f = function(
            [In(x, mutable=True), y], toy.add_inplace(x, y), mode=toy.mode, accept_inplace=True
        )
        a = np.array([1.0, 2.0])
        f(a, [1.0, 1.0])
        assert a.tolist() == [2.0, 3.0]

    def test_never_writes_where_it_must_not(self, toy, xy):
        x, y = xy
        f = function(
            [In(x, mutable=True), y], toy.add_inplace(x, y), mode=toy.mode, accept_inplace=True
        )
        read_only = np.array([1.0, 2.0])
        read_only.flags.writeable = False
        assert f(read_only, [1.0, 1.0]).tolist() == [2.0, 3.0]
        assert read_only.tolist() == [1.0, 2.0]
        assert f(np.broadcast_to(1.0, (3,)), np.arange(3.0)).tolist() == [1.0, 2.0, 3.0]
        same = np.array([1.0, 2.0])
        f(same, same)
        assert same.tolist() == [1.0, 2.0]


def test_function_is_collected(toy, xy):
    f = function(list(xy), toy.add(*xy), mode=toy.mode)
    f([1.0], [1.0])
    ref = weakref.ref(f)
    del f
    import gc

    gc.collect()
    assert ref() is None


def test_error_at_run_time_names_node_shapes_and_line(toy, xy, plus):
    with pytest.raises(ValueError, match="broadcast") as error:
        plus([1.0, 2.0], [1.0, 2.0, 3.0])
    text = str(error.value)
    assert "Add" in text and "(2,)" in text and "(3,)" in text and "test_function.py" in text
    assert len(text.splitlines()) <= 15
    np.testing.assert_array_equal(plus([1.0], [2.0]), [3.0])


def test_what_a_function_knows(toy, xy):
    x, _ = xy
    s = toy.shared([1.0], "s")
    f = function([x], toy.add(x, s), mode=toy.mode, name="f")
    assert f.get_shared() == [s] and f.name == "f" and not f.trust_input
    assert [type(n.op).__name__ for n in f.maker.fgraph.toposort()] == ["Add"]
    assert f.input_storage[1] is s.container and f.profile is None
    assert f.vm(np.ones(1), np.ones(1))[0] == [2.0]
    f.free()
    assert "x" in f and "nothing" not in f
    with pytest.raises(KeyError):
        f["nothing"]


def test_signature(toy, xy):
    import inspect

    x, y = xy
    f = function([x, In(y, value=[1.0])], toy.add(x, y), mode=toy.mode)
    parameters = inspect.signature(f).parameters
    assert list(parameters) == ["x", "y"] and parameters["y"].default == [1.0]
    a, b = toy.vector("v"), toy.vector("v")
    assert len(inspect.signature(function([a, b], toy.add(a, b), mode=toy.mode)).parameters) == 2


def test_warning_points_at_the_caller(toy, xy):
    with pytest.warns(UserWarning) as caught:
        function(list(xy), xy[0], mode=toy.mode, on_unused_input="warn")
    assert caught[0].filename == __file__


def test_collector_is_left_as_it_was(toy, xy):
    import gc

    assert gc.isenabled()
    with pytest.raises(TypeError):
        function(list(xy), 3, mode=toy.mode)
    assert gc.isenabled()
    gc.disable()
    try:
        function([xy[0]], xy[0], mode=toy.mode)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_maker_takes_plain_specifications(toy, xy):
    from pytensor.compile.io import SymbolicInput
    from pytensor.compile.maker import FunctionMaker

    x, y = xy
    maker = FunctionMaker([SymbolicInput(x), y], toy.add(x, y), mode=toy.mode)
    assert maker.create()([1.0], [2.0]) == [3.0] and maker.required == [True, True]
    with pytest.raises(TypeError, match="Unknown input type"):
        FunctionMaker([3], [], mode=toy.mode)
