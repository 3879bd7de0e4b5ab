"""`ScalarLoop`: a C function that repeats the statements of a step, one number at a time."""

import hashlib
from typing import TYPE_CHECKING

from pytensor.link.c.dispatch.basic import value_type
from pytensor.scalar.loop import ScalarLoop

if TYPE_CHECKING:
    from pytensor.link.c.dispatch.scalar import Writer

# Steps that a loop is supposed to take: for the decision to release the GIL.
_STEPS = 30.0


def write_loop(writer: "Writer", op: ScalarLoop, args: list[str], in_dtypes) -> list[str] | None:
    """Write the call of a loop, and the loop itself as a function; return names of the results."""
    dtypes = op.compute_dtypes(in_dtypes, ())
    args = [writer.cast(a, d, to) for a, d, to in zip(args, in_dtypes, dtypes)]
    n = op.n_states
    states = [f"s{i}" for i in range(n)]
    names = [*states, *(f"c{i}" for i in range(len(dtypes) - 1 - n))]
    step = type(writer)("v")
    step.sources, step.functions = writer.sources, writer.functions
    results = step.program(op.program, names)
    if results is None:
        return None
    types = [value_type(d) for d in dtypes[1:]]
    text = _function(op, step.lines, results, types, names)
    name = f"while_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    writer.functions[text.replace("WHILE", name)] = None
    writer.cost += _STEPS * (1.0 + step.cost)
    writer.heavy.add(len(writer.lines))
    ended = writer.declare(f"{name}_t", f"{name}({', '.join(args)})")
    fields = [*zip(states, dtypes[1:]), *([("done", "bool")] if op.is_while else [])]
    return [writer.name(f"{ended}.{field}", dtype) for field, dtype in fields]


def _function(op: ScalarLoop, lines, results, types, names) -> str:
    states = range(op.n_states)
    fields = "".join(f"    {types[i]} s{i};\n" for i in states)
    parameters = ", ".join(f"{t} {name}" for t, name in zip(types, names))
    body = [*lines]
    # All new states are known before the first is stored: steps read the old ones.
    body += [f"const {types[i]} n{i} = {results[i]};" for i in states]
    if op.is_while:
        body.append(f"done = {results[-1]};")
    body += [f"s{i} = n{i};" for i in states]
    inside = "".join(f"        {line}\n" for line in body)
    last = ", ".join([*(f"s{i}" for i in states), "done"])
    return (
        f"\ntypedef struct {{\n{fields}    uint8_t done;\n}} WHILE_t;\n"
        f"static WHILE_t WHILE(int64_t steps, {parameters})\n{{\n"
        "    uint8_t done = 0;\n"
        f"    for (int64_t k = 0; k < steps && !done; k++) {{\n{inside}    }}\n"
        f"    return (WHILE_t){{{last}}};\n}}\n"
    )
