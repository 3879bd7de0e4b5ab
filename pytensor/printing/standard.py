"""How the Ops of the package look in formulas. Loaded when the first formula is printed."""

from __future__ import annotations

from pytensor.printing.formula import (
    FunctionPrinter,
    IgnorePrinter,
    OperatorPrinter,
    PPrinter,
    Printer,
    pprint,
    set_precedence,
)
from pytensor.printing.print_op import Print
from pytensor.utils import late

# Scalar Op: operator, precedence, associativity.
OPERATORS = {
    "or_": ("|", -5, "left"),
    "xor": ("^", -5, "left"),
    "and_": ("&", -4, "left"),
    "lt": ("<", -3, "left"),
    "gt": (">", -3, "left"),
    "le": ("<=", -3, "left"),
    "ge": (">=", -3, "left"),
    "eq": ("==", -3, "left"),
    "neq": ("!=", -3, "left"),
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


def register(printer: PPrinter = pprint) -> None:
    """Assign printers to the Ops of the scalar and tensor packages."""
    for name, (operator, precedence, assoc) in OPERATORS.items():
        scalar_op = late(f"pytensor.scalar.basic:{name}")
        printer.assign(scalar_op, OperatorPrinter(operator, precedence, assoc))
    for name, function in REDUCTIONS.items():
        printer.assign(late(f"pytensor.tensor.math:{name}"), FunctionPrinter([function], ["axis"]))
    printer.assign(late("pytensor.tensor.math:Dot"), OperatorPrinter(r"\dot", -1, "left"))
    printer.assign(late("pytensor.tensor.elemwise:DimShuffle"), DimShufflePrinter())
    printer.assign(late("pytensor.tensor.basic:TensorFromScalar"), IgnorePrinter())
    printer.assign(late("pytensor.tensor.basic:ScalarFromTensor"), IgnorePrinter())
    printer.assign(Print, IgnorePrinter())


pprint.on_first_use.append(register)
