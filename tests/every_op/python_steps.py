"""Which operations of the table C mode runs as Python steps: run me to write the list anew."""

from pathlib import Path

from op_engine import cases, nodes_of

FILE = Path(__file__).with_name("python_steps.tsv")
HEADER = "operation\tdtypes\treason\n"


def name_of(op) -> str:
    """The class of an Op, with the scalar function or the core it repeats."""
    inner = getattr(op, "scalar_op", None) or getattr(op, "core_op", None)
    own = type(op).__name__
    return own if inner is None else f"{own}[{name_of(inner)}]"


def dtypes_of(node) -> str:
    dtypes = [getattr(v.type, "dtype", "") for v in (*node.inputs, *node.outputs)]
    return next((d for d in dtypes if d), "other")


def found() -> dict[str, str]:
    """Operations with Python steps, and for which dtypes of their first operand."""
    seen: dict[str, set[str]] = {}
    for case in cases():
        if case.usual:
            for node, python in nodes_of(case):
                if python:
                    seen.setdefault(name_of(node.op), set()).add(dtypes_of(node))
    return {name: " ".join(sorted(dtypes)) for name, dtypes in sorted(seen.items())}


def listed() -> dict[str, tuple[str, str]]:
    rows = [line.split("\t") for line in FILE.read_text().splitlines()[1:]]
    return {name: (dtypes, reason) for name, dtypes, reason in rows}


def main() -> None:
    known = listed() if FILE.exists() else {}
    lines = [
        f"{name}\t{dtypes}\t{known.get(name, ('', 'why?'))[1]}\n"
        for name, dtypes in found().items()
    ]
    FILE.write_text(HEADER + "".join(lines))


if __name__ == "__main__":
    main()
