"""How the Ops of the package look in formulas. Loaded when the first formula is printed."""

from __future__ import annotations

from pytensor.printing.formula import (
    FunctionPrinter,
    IgnorePrinter,
    OperatorPrinter,
    PatternPrinter,
    PPrinter,
    Printer,
    pprint,
    set_precedence,
)
from pytensor.printing.print_op import Print
from pytensor.utils import late

# Scalar Op: operator, precedence (Python's order), associativity.
OPERATORS = {
    "lt": ("<", -6, "none"),
    "gt": (">", -6, "none"),
    "le": ("<=", -6, "none"),
    "ge": (">=", -6, "none"),
    "eq": ("==", -6, "none"),
    "neq": ("!=", -6, "none"),
    "or_": ("|", -5, "left"),
    "xor": ("^", -4, "left"),
    "and_": ("&", -3, "left"),
    "add": ("+", -2, "either"),
    "sub": ("-", -2, "left"),
    "mul": ("*", -1, "either"),
    "true_div": ("/", -1, "left"),
    "int_div": ("//", -1, "left"),
    "mod": ("%", -1, "left"),
    "neg": ("-", 0, "either"),
    "invert": ("~", 0, "either"),
    "pow": ("**", 1, "right"),
}

REDUCTIONS = {"Sum": "sum", "Prod": "prod", "Max": "max", "Min": "min", "All": "all", "Any": "any"}


class DimShufflePrinter(Printer):
    """Prints a transposed matrix as ``A.T`` and hides axes of length 1 added on the left."""

    def process(self, output, pstate):
        node = output.owner
        order = tuple(node.op.new_order)
        source = node.inputs[0]
        ndim = source.type.ndim
        if order == ("x",) * (len(order) - ndim) + tuple(range(ndim)):
            return pstate.pprinter.process(source, pstate)
        if ndim == 2 and order == (1, 0):
            with set_precedence(pstate, 1000):
                return f"{pstate.pprinter.process(source, pstate)}.T"
        with set_precedence(pstate):
            text = pstate.pprinter.process(source, pstate)
        return f"DimShuffle{{{', '.join(map(str, order))}}}({text})"


class SubtensorPrinter(Printer):
    """Prints ``x[0, 1:n]``."""

    def process(self, output, pstate):
        node = output.owner
        return indexed(node.inputs[0], node.op, node.inputs[1:], pstate)


class IncSubtensorPrinter(Printer):
    """Prints ``set_subtensor(x[0], y)`` or ``inc_subtensor(x[0], y)``."""

    def process(self, output, pstate):
        node = output.owner
        x, y, *index = node.inputs
        with set_precedence(pstate):
            value = pstate.pprinter.process(y, pstate)
        name = "set_subtensor" if node.op.set_instead_of_inc else "inc_subtensor"
        return f"{name}({indexed(x, node.op, index, pstate)}, {value})"


def indexed(x, op, index, pstate) -> str:
    """Return the text of `x` with the index that `op` makes of its index inputs."""
    with set_precedence(pstate):
        texts = [pstate.pprinter.process(var, pstate) for var in index]
    with set_precedence(pstate, 1000):
        base = pstate.pprinter.process(x, pstate)
    parts = []
    for part in late("pytensor.tensor.subtensor:unflatten_index_variables")(texts, op.idx_list):
        if isinstance(part, slice):
            step = "" if part.step is None else f":{part.step}"
            part = f"{part.start or ''}:{part.stop or ''}{step}"
        parts.append(part)
    return f"{base}[{', '.join(parts)}]"


class CastPrinter(Printer):
    """Prints ``float32(x)``."""

    def process(self, output, pstate):
        with set_precedence(pstate):
            text = pstate.pprinter.process(output.owner.inputs[0], pstate)
        return f"{output.type.dtype}({text})"


def register(printer: PPrinter = pprint) -> None:
    """Assign printers to the Ops of the scalar and tensor packages."""
    for name, (operator, precedence, assoc) in OPERATORS.items():
        scalar_op = late(f"pytensor.scalar.basic:{name}")
        printer.assign(scalar_op, OperatorPrinter(operator, precedence, assoc))
    for name, function in REDUCTIONS.items():
        printer.assign(late(f"pytensor.tensor.math:{name}"), FunctionPrinter([function], ["axis"]))
    printer.assign(late("pytensor.tensor.math:Dot"), OperatorPrinter(r"\dot", -1, "left"))
    printer.assign(late("pytensor.tensor._dot:_matmul"), OperatorPrinter("@", -1, "left"))
    printer.assign(late("pytensor.scalar.basic:Cast"), CastPrinter())
    printer.assign(late("pytensor.scalar.basic:second"), FunctionPrinter(["fill"]))
    printer.assign(late("pytensor.scalar.basic:abs"), PatternPrinter("|%(0)s|"))
    printer.assign(late("pytensor.tensor.basic:Join"), FunctionPrinter(["join"], ["axis"]))
    printer.assign(late("pytensor.tensor.basic:Alloc"), FunctionPrinter(["alloc"]))
    for name in ("Subtensor", "AdvancedSubtensor"):
        printer.assign(late(f"pytensor.tensor.subtensor:{name}"), SubtensorPrinter())
    for name in ("IncSubtensor", "AdvancedIncSubtensor"):
        printer.assign(late(f"pytensor.tensor.subtensor:{name}"), IncSubtensorPrinter())
    printer.assign(late("pytensor.tensor.elemwise:DimShuffle"), DimShufflePrinter())
    printer.assign(late("pytensor.tensor.basic:TensorFromScalar"), IgnorePrinter())
    printer.assign(late("pytensor.tensor.basic:ScalarFromTensor"), IgnorePrinter())
    printer.assign(Print, IgnorePrinter())


pprint.on_first_use.append(register)
