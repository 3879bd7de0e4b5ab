"""Generators in compiled functions: updates, copies, failures, threads, pickles, loops."""

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.graph.replace import clone_replace
from pytensor.ifelse import ifelse
from pytensor.tensor.random.op import RandomVariable, RNGConsumerOp
from pytensor.tensor.random.type import random_generator_type
from pytensor.tensor.random.utils import RandomStream
from pytensor.utils import late

MODES = ["PY", "C"]


def numbers(seed, n=3, k=2):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=n) for _ in range(k)]


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def draws_of(f):
    return [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, RandomVariable)]


def test_without_an_update_every_call_draws_the_same(mode):
    rng = pt.random.shared_rng(seed=1)
    _, x = rng.normal(size=3)
    f = pytensor.function([], x, mode=mode)
    [first, _] = numbers(1)
    assert np.array_equal(f(), first)
    assert np.array_equal(f(), first)
    assert not any(n.op.inplace for n in draws_of(f))


def test_an_update_advances_the_generator(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    first, second = numbers(1)
    assert np.array_equal(f(), first)
    assert np.array_equal(f(), second)
    assert all(n.op.inplace for n in draws_of(f))
    rng.set_value(seed=1)
    assert np.array_equal(f(), first)
    rng.set_value(np.random.default_rng(1))
    assert np.array_equal(f(), first)


def test_both_backends_continue_one_stream():
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    f, g = (pytensor.function([], x, updates={rng: next_rng}, mode=m) for m in MODES)
    for expected, h in zip(numbers(1, k=4), [f, g, f, g]):
        assert np.array_equal(h(), expected)


def test_a_chain_of_draws_is_one_stream(mode):
    rng = pt.random.shared_rng(seed=1)
    rng1, x = rng.normal(size=3)
    rng2, y = rng1.poisson(4.0, size=2)
    rng3, z = rng2.uniform()
    f = pytensor.function([], [x, y, z], updates={rng: rng3}, mode=mode)
    by_hand = np.random.default_rng(1)
    for _ in range(2):
        got = f()
        for g, w in zip(got, [by_hand.normal(size=3), by_hand.poisson(4.0, 2), by_hand.uniform()]):
            assert np.array_equal(g, w)


def test_default_updates(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    rng.default_update = next_rng
    f = pytensor.function([], x, mode=mode)
    assert np.array_equal([f(), f()], numbers(1))
    g = pytensor.function([], x, no_default_updates=True, mode=mode)
    assert np.array_equal(g(), g())


def test_generators_as_arguments_are_not_changed(mode):
    rng = pt.random.rng("rng")
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([rng], [next_rng, x], mode=mode)
    state = np.random.default_rng(1)
    after, first = f(state)
    assert after is not state
    assert np.array_equal(first, f(state)[1])
    _, second = f(after)
    assert np.array_equal([first, second], numbers(1))
    with pytest.raises(TypeError, match="numpy.random.Generator"):
        f(3)


def test_mutable_arguments_are_advanced(mode):
    rng = pt.random.rng("rng")
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([pytensor.In(rng, mutable=True)], [next_rng, x], mode=mode)
    state = np.random.default_rng(1)
    after, _ = f(state)
    assert random_generator_type.values_eq(state, after)
    assert not random_generator_type.values_eq(state, np.random.default_rng(1))


def test_the_new_state_has_the_seeds_of_the_old_one():
    rng = pt.random.rng()
    next_rng, _ = rng.normal()
    after = pytensor.function([rng], next_rng)(np.random.default_rng(1))
    assert after.bit_generator.seed_seq.entropy == 1


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_bit_generator_of_numpy(kind, mode):
    def make():
        return np.random.Generator(getattr(np.random, kind)(3))

    rng = pt.random.shared_rng(make())
    next_rng, x = rng.normal(size=3)
    _, y = next_rng.integers(0, 9, dtype="int32", size=3)
    f = pytensor.function([], [x, y], mode=mode)
    by_hand = make()
    for _ in range(2):
        a, b = f()
        by_hand = make()
        assert np.array_equal(a, by_hand.normal(size=3))
        assert np.array_equal(b, by_hand.integers(0, 9, 3))


def test_a_failing_call_leaves_the_generator_alone(mode):
    rng = pt.random.shared_rng(seed=1)
    scale, n = pt.dscalar("scale"), pt.lscalar("n")
    next_rng, x = rng.normal(0.0, 1.0, size=4)
    last_rng, y = next_rng.normal(0.0, scale, size=3)
    f = pytensor.function([scale, n], [x, y, x[n]], updates={rng: last_rng}, mode=mode)
    before = rng.get_value()
    with pytest.raises(ValueError, match="scale < 0"):
        f(-1.0, 0)
    with pytest.raises(IndexError):
        f(1.0, 4)
    assert random_generator_type.values_eq(rng.get_value(), before)
    f(1.0, 0)
    assert not random_generator_type.values_eq(rng.get_value(), before)


def test_a_draw_that_fails_half_way_leaves_the_generator_alone(mode):
    class Half(RandomVariable):
        name, signature, dtype = "half", "()->()", "floatX"
        fails = False

        @classmethod
        def rng_fn(cls, rng, x, size):
            value = rng.normal(size=size)
            if cls.fails:
                raise KeyboardInterrupt
            return value

    rng = pt.random.shared_rng(seed=1)
    next_rng, x = Half()(1.0, size=3, rng=rng, return_next_rng=True)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    Half.fails = True
    with pytest.raises(KeyboardInterrupt):
        f()
    Half.fails = False
    assert np.array_equal([f(), f()], numbers(1))


def test_a_borrowed_value_is_not_changed_by_calls(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    borrowed = rng.get_value(borrow=True)
    f()
    assert random_generator_type.values_eq(borrowed, np.random.default_rng(1))


def test_threads_share_one_stream(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=20)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    found = []

    def work():
        for _ in range(50):
            found.append(tuple(f()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(found) == {tuple(x) for x in numbers(1, 20, 200)}
    assert len(found) == 200


def test_pickles_and_copies_have_a_generator_of_their_own(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    first, second = numbers(1)
    f()
    for g in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
        assert np.array_equal(g(), second)
    assert np.array_equal(f(), second)
    assert np.array_equal(
        pickle.loads(pickle.dumps(rng)).get_value().normal(), numbers(1, k=3)[2][0]
    )
    again = f.copy()
    rng.set_value(seed=1)
    assert np.array_equal([again(), f()], [first, second])


def test_swapping_the_generator_of_a_copy():
    rng, other = pt.random.shared_rng(seed=1), pt.random.shared_rng(seed=2)
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([], x, updates={rng: next_rng})
    g = f.copy(swap={rng: other})
    assert np.array_equal([g(), g()], numbers(2))
    assert np.array_equal(f(), numbers(1)[0])


def test_givens_and_replacements(mode):
    rng = pt.random.rng("rng")
    next_rng, x = rng.normal(size=3)
    other = pt.random.shared_rng(seed=1)
    f = pytensor.function([], x, givens={rng: other}, mode=mode)
    assert np.array_equal(f(), numbers(1)[0])
    [state, y] = clone_replace([next_rng, x], {rng: other})
    g = pytensor.function([], y, updates={other: state}, mode=mode)
    assert np.array_equal([g(), g()], numbers(1))


def test_equal_draws_are_one_draw(mode):
    rng, other = pt.random.shared_rng(seed=1), pt.random.shared_rng(seed=1)
    a = pt.random.normal(size=3, rng=rng, return_next_rng=True)[1]
    b = pt.random.normal(size=3, rng=rng, return_next_rng=True)[1]
    c = pt.random.normal(size=3, rng=other, return_next_rng=True)[1]
    d = pt.random.normal(1.0, size=3, rng=rng, return_next_rng=True)[1]
    f = pytensor.function([], [a, b, c, d], mode=mode)
    assert len(draws_of(f)) == 3
    values = f()
    assert np.array_equal(values[0], values[1])
    assert np.array_equal(values[3], values[0] + 1)


def test_two_draws_from_one_state_do_not_disturb_each_other(mode):
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = pt.random.normal(size=3, rng=rng, return_next_rng=True)
    _, y = pt.random.uniform(size=3, rng=rng, return_next_rng=True)
    f = pytensor.function([], [x, y], updates={rng: next_rng}, mode=mode)
    x1, y1 = f()
    assert np.array_equal(x1, numbers(1)[0])
    assert np.array_equal(y1, np.random.default_rng(1).uniform(size=3))
    assert np.array_equal(f()[0], numbers(1)[1])


def test_inside_an_op_from_graph(mode):
    inner, mu = pt.random.rng(), pt.dscalar("mu")
    op = OpFromGraph([inner, mu], list(inner.normal(mu, size=3)))
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = op(rng, 0.0)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=mode)
    assert np.array_equal([f(), f()], numbers(1))


def test_inside_a_scan(mode):
    rng = pt.random.shared_rng(seed=1)

    def step(x):
        next_rng, z = rng.normal()
        return x + z, {rng: next_rng}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the older form
        xs, updates = pytensor.scan(step, outputs_info=[pt.zeros(())], n_steps=5)
    f = pytensor.function([], xs, updates=updates, mode=mode)
    by_hand = np.random.default_rng(1)
    for _ in range(2):
        assert np.allclose(f(), np.cumsum([by_hand.normal() for _ in range(5)]), rtol=1e-14)


def test_a_generator_as_a_state_of_a_scan(mode):
    rng = pt.random.rng("rng")

    def step(x, rng):
        rng, z = pt.random.normal(rng=rng, return_next_rng=True)
        return x + z, rng

    xs, last = pytensor.scan(
        step, outputs_info=[pt.zeros(()), rng], n_steps=5, return_updates=False
    )
    f = pytensor.function([rng], [xs, last], mode=mode)
    state = np.random.default_rng(1)
    by_hand = np.random.default_rng(1)
    wanted = np.cumsum([by_hand.normal() for _ in range(5)])
    got, after = f(state)
    assert np.allclose(got, wanted, rtol=1e-14)
    assert random_generator_type.values_eq(after, by_hand)
    assert np.allclose(f(state)[0], wanted, rtol=1e-14)


def test_a_generator_made_in_the_graph(mode):
    seed = pt.lscalar("seed")
    _, x = pt.random.default_rng(seed).normal(size=3)
    f = pytensor.function([seed], x, mode=mode)
    assert np.array_equal(f(5), numbers(5)[0])
    assert np.array_equal(f(6), numbers(6)[0])
    _, x = pt.random.default_rng(7).normal(size=3)
    g = pytensor.function([], x, mode=mode)
    assert np.array_equal(g(), numbers(7)[0])
    assert np.array_equal(g(), numbers(7)[0])


@pytest.mark.filterwarnings("ignore:RandomStream:FutureWarning")
def test_random_stream(mode):
    stream = RandomStream(seed=3)
    x, y = stream.normal(size=3), stream.uniform(0, 1, size=2)
    f = pytensor.function([], [x, y], mode=mode)
    first, second = (np.random.default_rng(s) for s in np.random.SeedSequence(3).spawn(2))
    for _ in range(2):
        a, b = f()
        assert np.array_equal(a, first.normal(size=3))
        assert np.array_equal(b, second.uniform(size=2))
    stream.seed(3)
    assert np.array_equal(
        f()[0], np.random.default_rng(np.random.SeedSequence(3).spawn(1)[0]).normal(size=3)
    )
    assert [s for s, _ in stream.updates()] == [x.owner.inputs[0], y.owner.inputs[0]]
    with pytest.raises(AttributeError, match="No attribute foo"):
        stream.foo  # noqa: B018
    with pytest.raises(ValueError, match="`rng` option"):
        stream.normal(rng=pt.random.rng())
    with pytest.warns(FutureWarning, match="RandomStream is deprecated"):
        RandomStream()


@pytest.mark.parametrize("name", ["FAST_COMPILE", "DebugMode", "NanGuardMode"])
def test_other_modes(name):
    modes = {
        "DebugMode": lambda: late("pytensor.compile.debug.debugmode:DebugMode")(),
        "NanGuardMode": lambda: late("pytensor.compile.debug.nanguardmode:NanGuardMode")(),
    }
    rng = pt.random.shared_rng(seed=1)
    next_rng, x = rng.normal(size=3)
    f = pytensor.function([], x, updates={rng: next_rng}, mode=modes.get(name, lambda: name)())
    assert np.array_equal([f(), f()], numbers(1))


def test_lazy_branches_draw_what_is_taken(mode):
    c, rng = pt.dscalar("c"), pt.random.shared_rng(seed=1)
    state1, x = pt.random.normal(rng=rng, return_next_rng=True)
    state2, y = pt.random.uniform(rng=rng, return_next_rng=True)
    updates = {rng: ifelse(c > 0, state1, state2)}
    f = pytensor.function([c], ifelse(c > 0, x, y), updates=updates, mode=mode)
    by_hand = np.random.default_rng(1)
    assert f(1.0) == by_hand.normal()
    assert f(-1.0) == by_hand.uniform()
    assert f(1.0) == by_hand.normal()


def test_symbolic_consumers(mode):
    class TwoNormals(RNGConsumerOp, OpFromGraph):
        def update(self, node):
            return {node.inputs[0]: node.outputs[0]}

    inner = pt.random.rng()
    op = TwoNormals([inner], list(inner.normal(size=3)))
    rng = pt.random.shared_rng(seed=1)
    state, x = op(rng)
    state, y = op(state)
    f = pytensor.function([], [x, y], updates={rng: state}, mode=mode)
    assert np.array_equal(f(), numbers(1))
    assert np.array_equal(f()[1], numbers(1, k=4)[3])


def test_defaults_with_updates(mode):
    rng = pt.random.rng()
    next_rng, x = rng.normal(size=3)
    start = np.random.default_rng(1)
    f = pytensor.function([pytensor.In(rng, value=start, update=next_rng)], x, mode=mode)
    assert np.array_equal([f(), f()], numbers(1))
    assert random_generator_type.values_eq(start, np.random.default_rng(1))
