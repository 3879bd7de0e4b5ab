"""Types and variables of generators, sizes, copies."""

import copy
import inspect
import subprocess
import sys

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.tensor.random import basic
from pytensor.tensor.random.type import RandomGeneratorType, as_rng, random_generator_type
from pytensor.tensor.random.utils import (
    broadcast_params,
    compute_batch_shape,
    custom_rng_deepcopy,
    explicit_expand_dims,
    normalize_size_param,
    params_broadcast_shapes,
    supp_shape_from_ref_param_shape,
)
from pytensor.tensor.random.variable import (
    RandomGeneratorSharedVariable,
    RandomGeneratorVariable,
    rng,
    shared_rng,
)
from pytensor.tensor.type_other import NoneConst

KINDS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


def generator(kind="PCG64", seed=1):
    return np.random.Generator(getattr(np.random, kind)(seed))


# -- the type ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_the_type(kind):
    g = generator(kind)
    assert random_generator_type.filter(g, strict=True) is g
    state = g.bit_generator.state
    made = random_generator_type.filter(state)
    assert random_generator_type.values_eq(made, g)
    assert random_generator_type.values_eq(g, state)
    assert not random_generator_type.values_eq(g, generator(kind, 2))
    assert not random_generator_type.values_eq(
        g, generator("SFC64" if kind != "SFC64" else "PCG64")
    )
    assert not random_generator_type.is_valid_value(state)
    assert random_generator_type.may_share_memory(g, np.random.Generator(g.bit_generator))
    assert not random_generator_type.may_share_memory(g, made)
    assert not random_generator_type.may_share_memory(g, np.zeros(2))


@pytest.mark.parametrize(
    "value",
    [
        3,
        None,
        np.random.PCG64(1),
        np.random.RandomState(1),
        {},
        {"bit_generator": "a"},
        {"bit_generator": "PCG64", "state": {}},
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_is_no_generator(value):
    with pytest.raises(TypeError):
        random_generator_type.filter(value)


def test_the_type_is_one():
    assert random_generator_type == RandomGeneratorType()
    assert hash(random_generator_type) == hash(RandomGeneratorType())
    assert str(random_generator_type) == "RandomGeneratorType"
    x = random_generator_type("x")
    assert isinstance(x, RandomGeneratorVariable)
    assert as_rng(x) is x
    for value, words in [
        (None, "must not be None"),
        (generator(), "Generators directly"),
        (pt.dscalar(), "Expected a RandomGen"),
        (3, "Expected"),
    ]:
        with pytest.raises(TypeError, match=words):
            as_rng(value)


# -- variables ---------------------------------------------------------------------------


def test_shared_generators():
    g = generator()
    r = shared_rng(g, name="r")
    assert isinstance(r, RandomGeneratorSharedVariable)
    assert r.get_value(borrow=True) is not g
    assert shared_rng(g, borrow=True).get_value(borrow=True) is g
    assert str(r) == "r"
    assert str(shared_rng(seed=1)) == "RNG(Generator(PCG64))"
    assert random_generator_type.values_eq(shared_rng(seed=1).get_value(), g)
    assert shared_rng(seed=None).get_value().normal() != shared_rng(seed=None).get_value().normal()
    r.get_value().normal()
    assert random_generator_type.values_eq(r.get_value(), g)
    for call, words in [
        (lambda: shared_rng(), "Must set one of"),
        (lambda: shared_rng(g, seed=1), "both value and seed"),
        (lambda: r.set_value(), "Must set one of"),
        (lambda: r.set_value(g, seed=2), "both new_value and seed"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    for value in (3, np.random.RandomState(1)):
        with pytest.raises(TypeError):
            shared_rng(value)
        with pytest.raises(TypeError):
            r.set_value(value)


def test_shared_makes_them():
    code = """
import sys
import numpy as np, pytensor
assert "pytensor.tensor.random" not in sys.modules
import pytensor.tensor as pt
assert "pytensor.tensor.random" not in sys.modules
r = pytensor.shared(np.random.default_rng(1), name="r", borrow=True)
assert type(r).__name__ == "RandomGeneratorSharedVariable", type(r)
assert "scipy" not in sys.modules
try:
    pytensor.shared(np.random.RandomState(1))
except TypeError as error:
    assert "RandomState" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_methods_are_the_distributions():
    r = rng("r")
    next_rng, x = r.normal([1.0, 2.0], 3.0)
    assert isinstance(next_rng, RandomGeneratorVariable)
    assert x.owner.inputs[0] is r
    assert next_rng is x.owner.outputs[0]
    with pytest.warns(UserWarning, match="has already been used") as caught:
        r.uniform()
    assert caught[0].filename == __file__
    _, y = next_rng.normal(dtype="float32", name="y")
    assert (y.name, y.type.dtype) == ("y", "float32")
    for name in basic.__all__:
        method = getattr(RandomGeneratorVariable, name)
        assert method.__doc__
        names = list(inspect.signature(method).parameters)
        assert names[0] == "self"
        assert not {"rng", "return_next_rng", "kwargs"} & set(names)
    assert (
        "std" in RandomGeneratorVariable.normal.__doc__
        or "deviation" in RandomGeneratorVariable.normal.__doc__
    )


# -- copies ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_copies_continue_like_the_original(kind):
    g = generator(kind)
    g.integers(0, 9, dtype="int32")  # half of a 64-bit number waits
    new = custom_rng_deepcopy(g)
    assert new.bit_generator is not g.bit_generator
    assert type(new.bit_generator) is type(g.bit_generator)
    wanted = copy.deepcopy(g)
    for draw in (lambda g: g.integers(0, 9, 3, dtype="int32"), lambda g: g.normal(size=700)):
        assert np.array_equal(draw(new), draw(wanted))
    assert random_generator_type.values_eq(g, generator(kind)) is False
    assert new.spawn(1)[0].bit_generator.seed_seq.entropy == 1


def test_copies_of_generators_of_other_kinds():
    class Own(np.random.PCG64):
        pass

    new = custom_rng_deepcopy(np.random.Generator(Own(1)))
    assert new.normal() == generator().normal()


# -- sizes and batches -------------------------------------------------------------------


def test_normalize_size_param():
    assert normalize_size_param(None) is NoneConst
    assert normalize_size_param(NoneConst) is NoneConst
    for size, values in [
        (3, [3]),
        ((), []),
        ([1, 2], [1, 2]),
        (np.array(4), [4]),
        (np.array([2, 3], "int8"), [2, 3]),
    ]:
        var = normalize_size_param(size)
        assert (var.type.dtype, var.data.tolist()) == ("int64", values)
    n = pt.iscalar("n")
    for size, length in [
        (n, 1),
        ((n, 2), 2),
        ([2, n, n], 3),
        (pt.as_tensor([n, 3]), 2),
        (pt.dmatrix().shape, 2),
    ]:
        var = normalize_size_param(size)
        assert (var.type.dtype, var.type.shape) == ("int64", (length,))


def test_broadcast_params():
    a, b = np.zeros((2, 1)), np.zeros((3, 2, 2))
    assert [p.shape for p in broadcast_params([a, b], [0, 2])] == [(2, 3), (2, 3, 2, 2)]
    x, y = broadcast_params([pt.as_tensor(a), pt.as_tensor(b)], [0, 2])
    assert (x.type.shape, y.type.shape) == ((2, 3), (2, 3, 2, 2))
    assert params_broadcast_shapes([(2, 1), (3, 2, 2)], [0, 2], use_pytensor=False) == [
        (2, 3),
        (2, 3, 2, 2),
    ]
    with pytest.raises(ValueError):
        broadcast_params([np.zeros(2), np.zeros(3)], [0, 0])


def test_expand_dims_and_batch_shapes():
    v, m = pt.dvector(), pt.dmatrix()
    a, b = explicit_expand_dims([v, m], [0, 2])
    assert (a, b.type.shape) == (v, (1, None, None))
    a, b = explicit_expand_dims([v, m], [0, 2], size_length=3)
    assert (a.type.ndim, b.type.ndim) == (3, 5)
    shape = compute_batch_shape([v, pt.dtensor3(shape=(4, None, None))], [0, 2])
    assert (
        shape.eval({v: np.zeros(4)}).tolist() == [4] if shape.owner else shape.data.tolist() == [4]
    )


def test_support_shapes():
    v, m = pt.dvector(), pt.dmatrix()
    kwargs = {"dist_params": [v, m], "ref_param_idx": 1}
    assert supp_shape_from_ref_param_shape(ndim_supp=1, param_shapes=[(3,), (4, 5)], **kwargs) == (
        5,
    )
    [n] = supp_shape_from_ref_param_shape(ndim_supp=1, **kwargs)
    assert n.eval({m: np.zeros((2, 7))}) == 7
    with pytest.raises(ValueError, match="ndim_supp must be greater than 0"):
        supp_shape_from_ref_param_shape(ndim_supp=0, **kwargs)
    with pytest.raises(IndexError):
        supp_shape_from_ref_param_shape(ndim_supp=3, **kwargs)
