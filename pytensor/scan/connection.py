"""Which inputs of a loop influence which of its outputs."""

from typing import TYPE_CHECKING

from pytensor.scan.fields import mappings

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


def connection_pattern(op: "Scan", inner: list[list[bool]]) -> list[list[bool]]:
    """Return which inputs of the node are connected to which of its outputs.

    Parameters
    ----------
    op : Scan
    inner : list of list of bool
        The same for one step.
    """
    info = op.info
    maps = mappings(info)
    reads, writes = maps["inner_inp_from_outer_inp"], maps["inner_out_from_outer_out"]
    source = maps["outer_inp_from_outer_out"]
    n_in, n_out = info.n_outer_inputs, info.n_outer_outputs
    states = [o for o in range(n_out) if reads[source[o]]]
    direct = [
        [any(inner[i][k] for i in reads[j] for k in writes[o]) for o in range(n_out)]
        for j in range(n_in)
    ]
    pattern = [list(row) for row in direct]
    for o in states:
        pattern[source[o]][o] = True
    changed = True
    while changed:
        changed = False
        for row in pattern:
            for o in states:
                for later in range(n_out) if row[o] else ():
                    if direct[source[o]][later] and not row[later]:
                        row[later] = changed = True
    return pattern
