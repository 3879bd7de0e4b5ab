"""Where rules about loops are registered."""

from pytensor.graph.rewriting.db import EquilibriumDB
from pytensor.graph.rewriting.stages import optdb

# Before anything else has been simplified: loops lose what nobody needs, then work leaves them.
scan_eqopt1 = EquilibriumDB()
# After canonicalization, when it can be seen how traces are read.
scan_eqopt2 = EquilibriumDB()

optdb.register("scan_eqopt1", scan_eqopt1, "fast_run", "fast_compile", "scan")
optdb.register("scan_eqopt2", scan_eqopt2, "fast_run", "scan")


def register_push_out(rule, *tags: str) -> None:
    """Register a rule that moves work out of loops."""
    scan_eqopt1.register(
        rule.__name__, rule, "fast_run", "scan", "scan_pushout", "all_pushout_opt", *tags
    )
