"""What a compiled function does with whatever is handed to it: as the Python backend does.

Each value goes to the same function compiled to C and run in Python: both give equal results, or
exceptions of the same class, and afterwards the function still works.
"""

import gc
import threading
import warnings
import weakref

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

PY = Mode("py", "fast_run")


class Sub(np.ndarray):
    """A subclass that brings its own arithmetic."""

    def __add__(self, other):
        raise AssertionError("must not be asked")


class Returns:
    """An object whose `__array__` gives what it was told, whatever is asked of it."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value


class Length:
    """A sequence whose length changes each time it is asked."""

    def __init__(self):
        self.n = 3

    def __len__(self):
        self.n += 1
        return self.n

    def __getitem__(self, i):
        if i > 20:
            raise IndexError
        return 1.0


class NotANumber(float):
    def __float__(self):
        raise ZeroDivisionError("no number")


class Interface:
    """Says where its memory is; kept alive by whoever reads it."""

    def __init__(self, shape):
        self.block = np.arange(12.0)
        self.__array_interface__ = {**self.block.__array_interface__, "shape": shape}


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def misaligned(a):
    raw = np.zeros(a.nbytes + 1, dtype=np.uint8)[1:]
    raw[:] = np.frombuffer(a.tobytes(), dtype=np.uint8)
    return raw.view(a.dtype).reshape(a.shape)


STRUCTURE = np.dtype([("a", "f8"), ("b", "i4")])
HUGE = np.lib.stride_tricks.as_strided(np.zeros(1), (2**40, 2**19), (0, 0))
RECURSIVE: list = []
RECURSIVE.append(RECURSIVE)

VALUES = {
    "array": np.arange(3.0),
    "matrix": np.ones((3, 3)),
    "0-d": np.array(2.0),
    "float": 2.0,
    "int": 3,
    "bool": True,
    "complex": 1j,
    "big int": 10**30,
    "None": None,
    "string": "1.0",
    "bytes": b"\0" * 24,
    "list": [1, 2, 3],
    "ragged": [[1, 2], [3]],
    "nested": [[1.0, 2.0, 3.0]],
    "list in itself": RECURSIVE,
    "tuple": (1.0, 2.0, 3.0),
    "set": {1.0},
    "dict": {},
    "generator": (i for i in range(3)),
    "range": range(3),
    "object": object(),
    "class": np.ndarray,
    "float32": np.arange(3, dtype="f4"),
    "float16": np.arange(3, dtype="f2"),
    "long double": np.arange(3, dtype="g"),
    "int64": np.arange(3),
    "uint64": np.array([2**63, 1, 2], dtype="u8"),
    "bools": np.array([True, False, True]),
    "complexes": np.ones(3, dtype="c16"),
    "objects": np.array([1.0, 2.0, 3.0], dtype=object),
    "texts": np.array(["1", "2", "3"]),
    "times": np.arange(3).astype("m8[s]"),
    "structure": np.zeros(3, dtype=STRUCTURE),
    "field": np.zeros(3, dtype=STRUCTURE)["a"],
    "subclass": np.arange(3.0).view(Sub),
    "matrix class": np.ones((3, 3)).view(np.matrix),
    "masked": np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0]),
    "record": np.rec.array([(1.0, 2)], dtype=STRUCTURE),
    "byte-swapped": np.arange(3.0).astype(">f8"),
    "misaligned": misaligned(np.arange(3.0)),
    "read-only": read_only(np.arange(3.0)),
    "backwards": np.arange(3.0)[::-1],
    "repeated": np.broadcast_to(np.float64(2.0), (3,)),
    "empty": np.ones(0),
    "empty matrix": np.ones((0, 3)),
    "many axes": np.ones((1,) * 32),
    "huge axes of nothing": np.ones((0, 2**40)),
    "float64 scalar": np.float64(2.0),
    "int8 scalar": np.int8(2),
    "float subclass": NotANumber(2.0),
    "array of arrays": Returns(np.arange(3.0)),
    "array says list": Returns([1.0, 2.0, 3.0]),
    "array says None": Returns(None),
    "array says itself": Returns(Returns(np.ones(3))),
    "array raises": Returns(ValueError("no")),
    "array raises key": Returns(KeyError("no")),
    "array of other rank": Returns(np.ones((2, 2))),
    "array of other dtype": Returns(np.ones(3, "c16")),
    "length grows": Length(),
    "interface": Interface((3,)),
    "interface, too long": Interface((2, 6)),
    "interface, bad shape": Interface("abc"),
    "memoryview": memoryview(np.arange(3.0)),
    "variable": pt.dvector(),
    "shared": pytensor.shared(np.ones(3)),
    "function": len,
    "not a number": float("nan"),
}

x, y, A, s, k = pt.dvector("x"), pt.dvector("y"), pt.dmatrix("A"), pt.dscalar("s"), pt.lvector("k")
fixed = pt.tensor("fixed", dtype="float64", shape=(3,))

FUNCTIONS = {
    "vector": ([x], x * 2 + 1),
    "matrix": ([A], A @ A.T),
    "scalar": ([s], s * 2),
    "integers": ([k], k // 2),
    "static": ([fixed], fixed.sum()),
    "two": ([x, y], x + y),
    "identity": ([x], x),
    "index": ([k], pt.arange(10.0)[k]),
    "mutable": ([pytensor.In(x, mutable=True)], pt.inc_subtensor(x[:1], 1.0)),
}  # fmt: skip
GOOD = {
    "matrix": [np.eye(3)], "scalar": [1.0], "integers": [np.arange(3)], "index": [np.arange(3)],
    "two": [np.ones(3), np.ones(3)],
}  # fmt: skip


def outcome(f, *values, **named):
    """The result, or the class of the exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(*values, **named)
    except Exception as error:
        # A fault of ours would be one of these without a word about the argument.
        assert not isinstance(error, SystemError), error
        return type(error)


def same(a, b):
    if isinstance(a, type) or isinstance(b, type):
        return a is b
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


@pytest.fixture(scope="module")
def pairs():
    """Each function compiled, and the same in Python."""
    return {
        name: (
            pytensor.function(inputs, output),
            pytensor.function(inputs, output, mode=PY),
            GOOD.get(name, [np.arange(3.0)]),
        )
        for name, (inputs, output) in FUNCTIONS.items()
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_value(pairs, name):
    in_c, in_python, good = pairs[name]
    right = in_c(*[np.copy(v) for v in good])
    for what, value in VALUES.items():
        if name == "mutable" and what == "masked":
            continue  # in Python steps see the subclass, as in PyTensor; its mask decides
        if name == "mutable" and isinstance(value, np.ndarray) and value.flags.c_contiguous:
            value = value.copy()
        kept = value.copy() if isinstance(value, np.ndarray) and what != "masked" else None
        other = kept if name == "mutable" and kept is not None else value
        got, want = outcome(in_c, value, *good[1:]), outcome(in_python, other, *good[1:])
        assert same(got, want), (name, what, got, want)
        if kept is not None and name != "mutable":
            # Bytes: an array of objects holds the same objects, a NaN the same bits.
            assert value.tobytes() == kept.tobytes(), (name, what)
    assert same(in_c(*[np.copy(v) for v in good]), right)


def test_huge_views_are_refused_or_counted(pairs):
    """2**59 elements without memory behind them: nothing is computed, nothing overflows."""
    in_c, _, _ = pairs["matrix"]
    assert outcome(in_c, HUGE) in (MemoryError, ValueError)
    rows = pytensor.function([A], A.shape[0] * A.shape[1])
    assert rows(HUGE) == 2**59


@pytest.mark.parametrize("seed", range(200))
def test_any_call(pairs, seed):
    """Random values by position and by name, too many and too few."""
    rng = np.random.default_rng(seed)
    names = list(VALUES)
    in_c, in_python, good = pairs[["two", "vector", "static"][seed % 3]]
    values = [VALUES[names[rng.integers(len(names))]] for _ in range(rng.integers(0, 4))]
    words = rng.choice(["x", "y", "z", "fixed", "", "é", "output_subset"], size=2)
    named = {w: VALUES[names[rng.integers(len(names))]] for w in words[: rng.integers(0, 3)]}
    got, want = outcome(in_c, *values, **named), outcome(in_python, *values, **named)
    assert same(got, want), (seed, values, named, got, want)
    assert isinstance(outcome(in_c, *good), np.ndarray)


class Calls(Op):
    """Calls a Python function on its input."""

    __props__ = ("number",)
    functions: dict = {}

    def __init__(self, function):
        self.number = len(self.functions)
        self.functions[self.number] = function

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def perform(self, node, inputs, storage):
        storage[0][0] = self.functions[self.number](inputs[0])


def test_a_function_that_calls_itself():
    """Every level has memory of its own; depth ends as in Python."""

    def again(value):
        return value + f(value - 1) if value[0] > 0 else value

    f = pytensor.function([x], Calls(again)(pt.exp(x * 0) * x) + 1)
    for n in range(20):
        assert f(np.array([float(n)])) == n * (n + 1) / 2 + n + 1
    with pytest.raises(RecursionError):
        f(np.array([1e6]))
    assert f(np.array([0.0])) == 1.0


def test_a_step_may_call_another_thread():
    """A step waits for a thread that calls the same function."""

    def elsewhere(value):
        if value[0] <= 0:
            return value
        results = []
        thread = threading.Thread(target=lambda: results.append(f(value - 1)))
        thread.start()
        thread.join()
        return results[0] + 1

    f = pytensor.function([x], Calls(elsewhere)(x))
    assert f(np.array([10.0])) == 10.0


def test_an_argument_may_call_the_function():
    class Calling:
        def __array__(self, dtype=None, copy=None):
            return f([1.0, 2.0], 3.0)

    f = pytensor.function([x, s], x * s)
    np.testing.assert_array_equal(f(Calling(), 2.0), [6.0, 12.0])


def test_an_argument_may_drop_the_function():
    """The last reference goes while the arguments are converted."""
    holder = {}

    class Dropping:
        def __array__(self, dtype=None, copy=None):
            holder.clear()
            gc.collect()
            return np.ones(2)

    holder["f"] = pytensor.function([x, s], x * s)
    reference = weakref.ref(holder["f"])
    np.testing.assert_array_equal(holder["f"](Dropping(), 2.0), [2.0, 2.0])
    gc.collect()
    assert reference() is None


def test_shared_values_may_change_during_a_call():
    """A step writes a shared variable that the call has read: the call keeps what it read."""
    shared = pytensor.shared(np.ones(1000))

    def write(value):
        shared.set_value(np.full(7, 5.0))
        gc.collect()
        return value

    f = pytensor.function([x], [Calls(write)(x).sum() + shared.sum(), shared * 2])
    total, doubled = f(np.zeros(2))
    assert total == 1000.0
    np.testing.assert_array_equal(doubled, np.full(1000, 2.0))
    assert f(np.zeros(2))[0] == 35.0


def test_arrays_may_change_during_calls():
    """Another thread writes into the arguments: any mixture of values, no crash, right shape."""
    f = pytensor.function([A, x], [A @ x, pt.exp(A).sum(0), A[:, ::-1] * x])
    a, v = np.ones((200, 200)), np.ones(200)
    done = threading.Event()

    def scribble():
        rng = np.random.default_rng(0)
        while not done.is_set():
            a[rng.integers(200)] = rng.random()
            v[:] = rng.random()

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        for _ in range(300):
            first, second, third = f(a, v)
            assert first.shape == second.shape == (200,)
            assert third.shape == (200, 200)
            assert np.isfinite(first).all()
    finally:
        done.set()
        thread.join()


def test_steps_that_return_nonsense():
    """What a Python step may give back instead of an array."""
    for value in VALUES.values():
        f = pytensor.function([x], Calls(lambda _, value=value: value)(x) + 1)
        g = pytensor.function([x], Calls(lambda _, value=value: value)(x) + 1, mode=PY)
        got, want = outcome(f, np.ones(3)), outcome(g, np.ones(3))
        assert isinstance(got, type) or same(got, want) or isinstance(want, type), (got, want)
