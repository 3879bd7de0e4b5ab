"""Modes, their names, and the choice of a backend."""

import logging
import pickle

import pytest

import pytensor.tensor as pt
from pytensor.compile import mode as modes
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode, get_default_mode, get_mode, predefined_modes
from pytensor.configdefaults import config
from pytensor.graph.rewriting.basic import GraphRewriter
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.link.basic import Linker, MissingBackendError
from pytensor.link.c import driver
from pytensor.link.jax.linker import JAXLinker
from pytensor.link.mlx import MLXLinker
from pytensor.link.numba import NumbaLinker
from pytensor.link.py.linker import PyLinker
from pytensor.link.pytorch import PytorchLinker


@pytest.mark.parametrize(
    "name", ["c|py", "c", "cvm", "vm", "py", "auto", "c|py_nogc", "cvm_nogc", "vm_nogc"]
)
def test_linker_names_run(name):
    x = pt.dscalar("x")
    assert isinstance(Mode(name).linker, Linker)
    assert function([x], x + 1, mode=Mode(linker=name))(2.0) == 3.0


@pytest.mark.parametrize(
    "name", ["FAST_COMPILE", "FAST_RUN", "C", "CVM", "C_VM", "VM", "PY", "Mode"]
)
def test_mode_names_run(name):
    x = pt.dscalar("x")
    assert function([x], x + 1, mode=name)(2.0) == 3.0


def test_names_are_looked_up_without_case():
    assert get_mode("fast_compile") is get_mode("FAST_COMPILE") is modes.FAST_COMPILE


def test_unknown_names():
    with pytest.raises(ValueError, match="No predefined mode exist for string: bogus"):
        get_mode("bogus")
    with pytest.raises(ValueError, match="linker must be one of"):
        Mode("bogus")
    with pytest.raises(ValueError, match="optimizer must be one of"):
        Mode("py", "bogus")


@pytest.mark.parametrize(
    "name, cls",
    [("NUMBA", NumbaLinker), ("JAX", JAXLinker), ("PYTORCH", PytorchLinker), ("MLX", MLXLinker)],
)
def test_other_backends(name, cls):
    mode = get_mode(name)
    assert isinstance(mode.linker, cls)
    x = pt.dscalar("x")
    with pytest.raises(MissingBackendError, match=cls.backend):
        function([x], x + 1, mode=mode)


def test_default_mode_follows_the_settings():
    assert get_default_mode() is get_default_mode()
    with config.change_flags(mode="PY"):
        assert get_default_mode() is modes.PY
    with config.change_flags(linker="py"):
        assert isinstance(get_default_mode().linker, PyLinker)
    with config.change_flags(mode=modes.FAST_COMPILE):
        assert get_default_mode() is modes.FAST_COMPILE


def test_neither_compiler_nor_driver_is_said_once(caplog, monkeypatch):
    x = pt.dscalar("x")
    monkeypatch.setattr("pytensor.utils._said", set())
    monkeypatch.setattr(driver, "_driver", None)
    monkeypatch.setattr(driver, "_shipped_driver", lambda: None)
    with config.change_flags(cxx=""), caplog.at_level(logging.WARNING, "pytensor.link"):
        for _ in range(3):
            f = function([x], x + 1, mode="CVM")
            assert isinstance(f.maker.linker, PyLinker) and f(1.0) == 2.0
    assert len(caplog.records) == 1 and "pytensor[cc]" in caplog.text


def test_including_and_excluding():
    query = Mode("py", "fast_run").including("a", None).excluding("b").requiring("c")._optimizer
    assert list(query.include) == ["fast_run", "a", None]
    assert list(query.exclude) == ["b"] and list(query.require) == ["c"]
    Mode("py", "fast_compile").excluding("no such tag").optimizer  # noqa: B018


def test_given_rewriter_is_all_that_is_applied():
    class Seen(GraphRewriter):
        def __init__(self):
            self.graphs = []

        def apply(self, fgraph):
            self.graphs.append(fgraph)

    rewriter = Seen()
    x = pt.dscalar("x")
    f = function([x], x + 1, mode=Mode("py", rewriter))
    assert rewriter.graphs == [f.maker.fgraph]
    with pytest.raises(TypeError, match="query of rewrites"):
        Mode("py", rewriter).including("a")
    placed = Seen()
    f = function([x], x + 1, mode=Mode("py", "fast_compile").register((placed, 0.5)))
    assert placed.graphs == [f.maker.fgraph]


def test_clone_and_pickle():
    mode = Mode("py", "fast_compile").excluding("fusion")
    clone = mode.clone(link_kwargs={"allow_gc": False})
    assert clone.linker.allow_gc is False and mode.linker.allow_gc is True
    assert list(clone._optimizer.exclude) == ["fusion"]
    loaded = pickle.loads(pickle.dumps(mode))
    assert loaded.provided_linker == "py" and list(loaded._optimizer.exclude) == ["fusion"]
    assert loaded.optdb is modes.optdb


def test_registering():
    mode = Mode("py", RewriteDatabaseQuery(include=[]))
    modes.register_mode("a test mode", mode)
    try:
        assert get_mode("a test mode") is mode
        with pytest.raises(ValueError, match="already taken"):
            modes.register_mode("a test mode", mode)
    finally:
        del predefined_modes["a test mode"]
    with pytest.raises(ValueError, match="already taken"):
        modes.register_linker("py", PyLinker())
    with pytest.raises(ValueError, match="already taken"):
        modes.register_optimizer("o4", RewriteDatabaseQuery(include=[]))
    assert isinstance(modes.predefined_linkers["py"], PyLinker)


def test_provided_optimizer_is_a_query_that_clients_extend():
    for mode in (Mode("py", "fast_run"), get_mode("FAST_COMPILE"), Mode("py", None)):
        query = mode.provided_optimizer.including("some_tag")
        assert "some_tag" in query.include
        assert "some_tag" not in mode.provided_optimizer.include
    assert "optimizer=fast_run" in str(Mode("py", "fast_run"))
