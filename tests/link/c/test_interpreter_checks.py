"""The interpreter refuses programs that are not its own, and is not needed."""

import struct
import subprocess
import sys

import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c import interpreter, tiers, vm
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.driver import get_driver
from pytensor.link.c.linear import fused, linearise
from pytensor.scalar.composite import Composite
from pytensor.tensor.elemwise import Elemwise
from tests.link.c.graphs import make

pytestmark = pytest.mark.skipif(vm.index() is None, reason="the interpreter is not installed")


@pytest.fixture
def program(monkeypatch):
    """A sum of an expression with constants, a scalar input and blocks in between."""
    monkeypatch.setattr(tiers, "find_units", lambda *args: None)
    x, s = pt.dvector("x"), pt.tensor("s", shape=(1,), dtype="float64")
    z = pt.exp(x * 2 + s) * pt.tanh(s) - pt.switch(x > 0, x, 1)
    with config.change_flags(compile__tier="interpret"):
        return make([x, s], [z, z.sum() * 2])


def run_changed(program, data):
    """Run the program with other data; return its outputs."""
    tables = {**program.tables, "data": data}
    libraries = [unit.capsule for unit in program.loaded_units]
    run = get_driver().Program(
        libraries=(*libraries, vm.load().capsule), handler=None, tables=(None, None, None), **tables
    )
    return run(np.linspace(-1, 1, 300), np.ones(1))


def test_unchanged_data_run(program):
    assert len(run_changed(program, program.tables["data"])) == 2


def test_no_byte_of_a_program_can_crash_it(program):
    """Offsets, counts and numbers are checked: any change gives an error or another result."""
    rng = np.random.default_rng(0)
    refused = 0
    for k, data in enumerate(program.tables["data"]):
        for at in range(8, len(data)):
            for value in (0, 255, int(rng.integers(256))):
                changed = bytearray(data)
                changed[at] = value
                if bytes(changed) == data:
                    continue
                # A changed mask of repeated axes or destroyed input is a valid other program whose
                # promises about its arguments do not hold: such bytes are the driver's to protect.
                if is_promise(data, at):
                    continue
                given = list(program.tables["data"])
                given[k] = bytes(changed)
                try:
                    run_changed(program, tuple(given))
                except (RuntimeError, ValueError):
                    refused += 1
    assert refused > 300


def is_promise(data, at) -> bool:
    """Whether a byte says what the operands of the node are: ndim, axes, repeated axes, destroyed inputs."""
    head = interpreter.read_head(data)
    n = head["n_in"]
    places = [(32, 48 - 4), (44, 60), (head["repeats"], head["repeats"] + 8 * n)]
    return any(a <= at < b for a, b in places)


def test_wrong_sizes_are_refused(program):
    data = program.tables["data"]
    for wrong in (data[0][:-8], data[0] + b"\0" * 8, struct.pack("=q", 8), b""):
        with pytest.raises(ValueError, match=r"\[Program\]"):
            run_changed(program, (wrong, *data[1:]))


def test_programs_of_another_build_are_refused(program):
    first, *others = program.tables["data"]
    changed = first[:8] + struct.pack("=Q", 1) + first[16:]
    with pytest.raises(RuntimeError, match="does not fit this object"):
        run_changed(program, (changed, *others))


def test_without_the_object_nothing_is_interpreted(monkeypatch):
    monkeypatch.setattr(vm, "index", lambda: None)
    x = pt.dvector("x")
    for node in ((x + 1).owner, x.sum().owner, (pt.dscalar() * 2).owner):
        assert c_funcify(node.op, node=node).interpreted is None


def test_a_program_of_very_many_values_is_compiled():
    x = ps.float64("x")
    values = [ps.add(x, float(k)) for k in range(1100)]
    total = ps.add(*[ps.exp(v) for v in values], *values)
    node = Elemwise(Composite([x], [total]))(pt.dvector()).owner
    kernel = c_funcify(node.op, node=node)
    assert kernel is not None
    assert kernel.interpreted is None


def test_steps_are_put_together():
    """A polynomial takes fewer steps than operations; what is read twice is computed once."""
    x = ps.float64("x")
    p = x
    for k in range(5):
        p = p * x + (k + 0.5)
    linear, _ = linearise(Composite([x], [p]), ["float64"], ["float64"])
    ones = [v in linear.constants for v in range(len(linear.dtypes))]
    assert len(linear.instructions) == 10
    assert len(fused(linear, ones, vm.index().blocks)) <= 4
    assert len(fused(linear, ones, ())) == 10
    y = ps.mul(x, x)
    linear, _ = linearise(
        Composite([x], [ps.add(y, 1.0), ps.sub(y, 1.0)]), ["float64"], ["float64"] * 2
    )
    ones = [v in linear.constants for v in range(len(linear.dtypes))]
    assert len(fused(linear, ones, vm.index().blocks)) == 3


def test_what_nobody_reads_is_not_computed():
    x = ps.float64("x")
    program = Composite([x, x.type()], [ps.second(ps.exp(x), x)])
    linear, _ = linearise(program, ["float64"] * 2, ["float64"])
    assert fused(linear, [False] * len(linear.dtypes), vm.index().blocks) == []


def test_needs_no_compiler(tmp_path):
    """A process without any compiler runs elementwise programs and reductions, not in Python."""
    code = """
import numpy as np, pytensor, pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.link.c.linker import CLinker, CProgram
mode = Mode(CLinker(), "fast_run")
x = pt.dmatrix("x")
f = pytensor.function([x], [pt.exp(x) * 2 + 1, pt.tanh(x).sum(axis=0), x.max()], mode=mode)
f(np.ones((3, 4)))
assert type(f.vm) is CProgram, type(f.vm)
assert not f.vm.is_native
print("fine")
"""
    env = {"PATH": "", "HOME": str(tmp_path), "PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    env["PYTHONPATH"] = ":".join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "fine", done.stderr
