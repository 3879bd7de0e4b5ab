"""The stages load their rules once, and never go without."""

import importlib

import pytest

from pytensor.graph.rewriting.stages import optdb


def test_a_failing_rule_module_fails_every_query(tmp_path, monkeypatch):
    """No graph may be compiled without the rules because an earlier import of them failed."""
    monkeypatch.syspath_prepend(tmp_path)
    rules = tmp_path / "rules_that_fail.py"
    rules.write_text("raise RuntimeError('broken rules')")
    db = type(optdb)()
    db.add_rule_modules("rules_that_fail")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken rules"):
            db.query("+fast_run")
    rules.write_text("")
    importlib.invalidate_caches()
    db.query("+fast_run")
    assert not db._rule_modules
