"""Expressions as formulas: `pp` and the printers behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import Op
from pytensor.graph.utils import Scratchpad

__all__ = [
    "ConstantPrinter",
    "DefaultPrinter",
    "FunctionPrinter",
    "IgnorePrinter",
    "LeafPrinter",
    "OperatorPrinter",
    "PPrinter",
    "PatternPrinter",
    "Printer",
    "PrinterState",
    "constant_printer",
    "default_printer",
    "leaf_printer",
    "pp",
    "pprint",
    "set_precedence",
]

VALID_ASSOC = {"left", "right", "either", "none"}

LOWEST = -1000
"""Precedence of a place where nothing needs brackets."""


class PrinterState(Scratchpad):
    """What a printer must know of its surroundings: the precedence, and texts made already."""

    def __init__(self, props: PrinterState | dict | None = None, **more_props):
        if isinstance(props, Scratchpad):
            self.__update__(props)
        elif props:
            self.__dict__.update(props)
        self.__dict__.update(more_props)
        self.__dict__.setdefault("memo", {})


@contextmanager
def set_precedence(pstate: PrinterState, precedence: int = LOWEST):
    """Print in surroundings of a given precedence for the length of a ``with`` block.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> state = PrinterState(pprinter=pp, memo={})
    >>> with set_precedence(state, 0):
    ...     print(pp.process(x + 1, state), pp.process(2 * (x + 1), state))
    (x + 1) (2 * (x + 1))
    """
    old = getattr(pstate, "precedence", LOWEST)
    pstate.precedence = precedence
    try:
        yield
    finally:
        pstate.precedence = old


class Printer(ABC):
    """Turns a variable into text."""

    @abstractmethod
    def process(self, var: Variable, pstate: PrinterState) -> str:
        """Return the text of `var`; that of its inputs comes from ``pstate.pprinter``."""


class OperatorPrinter(Printer):
    """Prints ``a + b``, or ``-a``.

    Parameters
    ----------
    operator : str
    precedence : int
        Operators of higher precedence bind tighter.
    assoc : {"left", "right", "either", "none"}
        Which operand of equal precedence needs no brackets.
    """

    def __init__(self, operator: str, precedence: int, assoc: str = "left"):
        if assoc not in VALID_ASSOC:
            raise ValueError(
                f"[OperatorPrinter] assoc must be one of {sorted(VALID_ASSOC)}, got {assoc!r}"
            )
        self.operator = operator
        self.precedence = precedence
        self.assoc = assoc

    def process(self, output, pstate):
        node = _owner(output, self)
        if not node.inputs:
            raise ValueError(f"[OperatorPrinter] {self.operator} must have operands, got {node}")
        last = len(node.inputs) - 1
        texts = []
        for i, var in enumerate(node.inputs):
            tight = (
                self.assoc == "either"
                or (self.assoc == "left" and i == 0)
                or (self.assoc == "right" and i == last)
            )
            with set_precedence(pstate, self.precedence - (1e-6 if tight else 0)):
                texts.append(pstate.pprinter.process(var, pstate))
        text = self.operator + texts[0] if last == 0 else f" {self.operator} ".join(texts)
        if getattr(pstate, "precedence", LOWEST) >= self.precedence:
            return f"({text})"
        return text


class PatternPrinter(Printer):
    """Prints a pattern with the inputs filled in.

    Parameters
    ----------
    patterns : str or pair of str and int or sequence of int
        One for each output: ``"%(0)s"`` stands for input 0. The number is the precedence
        around every input, or one for each.
    """

    def __init__(self, *patterns):
        self.patterns = [(p, ()) if isinstance(p, str) else (p[0], p[1:]) for p in patterns]

    def process(self, output, pstate):
        node = _owner(output, self)
        pattern, precedences = self.patterns[output.index]
        if len(precedences) == 1 and not isinstance(precedences[0], int):
            precedences = precedences[0]
        texts = {}
        for i, var in enumerate(node.inputs):
            with set_precedence(pstate, precedences[i] if i < len(precedences) else LOWEST):
                texts[str(i)] = pstate.pprinter.process(var, pstate)
        return pattern % texts


class FunctionPrinter(Printer):
    """Prints ``name(a, b, key=value)``.

    Parameters
    ----------
    names : list of str
        One for each output.
    keywords : list of str, optional
        Attributes of the Op to show.
    """

    def __init__(self, names: list[str], keywords: list[str] | None = None):
        self.names = [names] if isinstance(names, str) else list(names)
        self.keywords = list(keywords or ())

    def process(self, output, pstate):
        node = _owner(output, self)
        with set_precedence(pstate):
            parts = [pstate.pprinter.process(var, pstate) for var in node.inputs]
        parts += [f"{key}={getattr(node.op, key)}" for key in self.keywords]
        return f"{self.names[output.index]}({', '.join(parts)})"


class IgnorePrinter(Printer):
    """Prints the first input as if the node weren't there."""

    def process(self, output, pstate):
        node = _owner(output, self)
        return pstate.pprinter.process(node.inputs[0], pstate)


class LeafPrinter(Printer):
    """Prints the name of a variable, or its type."""

    def process(self, output, pstate):
        return output.name if output.name is not None else str(output)


class ConstantPrinter(Printer):
    """Prints the value of a constant."""

    def process(self, output, pstate):
        if output.name is not None:
            return output.name
        data = output.data
        # Lengths of 1 come from broadcasting a number: brackets would only be in the way.
        if getattr(data, "size", 0) == 1 and getattr(data, "ndim", 0):
            data = data.reshape(())[()]
        text = " ".join(str(data).split())
        # A negative number needs brackets where a variable does not.
        bare = text.startswith("-") and getattr(pstate, "precedence", LOWEST) > LOWEST
        return f"({text})" if bare else text


class DefaultPrinter(Printer):
    """Prints ``Op(a, b)``."""

    def process(self, output, pstate):
        node = output.owner
        if node is None:
            return leaf_printer.process(output, pstate)
        with set_precedence(pstate):
            parts = [pstate.pprinter.process(var, pstate) for var in node.inputs]
        which = f".{output.index}" if len(node.outputs) > 1 else ""
        return f"{node.op}({', '.join(parts)}){which}"


def _owner(output: Variable, printer: Printer) -> Apply:
    if output.owner is None:
        raise TypeError(f"[{type(printer).__name__}] variable must be computed, got {output}")
    return output.owner


leaf_printer = LeafPrinter()
constant_printer = ConstantPrinter()
default_printer = DefaultPrinter()


class PPrinter(Printer):
    """Prints expressions as formulas, with a printer for each Op or class of Ops.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> pp(2 * (x + 1))
    '2 * (x + 1)'

    ``pprint.assign(my_op, OperatorPrinter("@", 0, "left"))`` makes `pp` print ``a @ b``.
    """

    def __init__(self):
        self.printers: list[tuple[Callable, Printer]] = []
        self.printers_dict: dict[Op | type, Printer] = {}
        self.on_first_use: list[Callable[[PPrinter], None]] = []

    def assign(self, condition: Op | type | Callable, printer: Printer) -> None:
        """Use `printer` for an Op, a class of Ops, or where a function says so.

        Parameters
        ----------
        condition : Op, type or callable
            A callable gets the printer state and the variable. The newest is asked first, and
            before Ops and classes.
        printer : Printer
        """
        if isinstance(condition, Op | type):
            self.printers_dict[condition] = printer
        else:
            self.printers.insert(0, (condition, printer))

    def _printer_of(self, var: Variable, pstate: PrinterState) -> Printer:
        while self.on_first_use:
            self.on_first_use.pop()(self)
        for condition, printer in self.printers:
            if condition(pstate, var):
                return printer
        if var.owner is None:
            return constant_printer if isinstance(var, Constant) else leaf_printer
        op = var.owner.op
        if op in self.printers_dict:
            return self.printers_dict[op]
        for key in (*type(op).__mro__, type(getattr(op, "scalar_op", None))):
            if key in self.printers_dict:
                return self.printers_dict[key]
        # An Op applied elementwise prints like the Op.
        inner: Any = getattr(op, "scalar_op", None)
        return self.printers_dict.get(inner, default_printer)

    def process(self, r: Variable, pstate: PrinterState | None = None) -> str:
        """Return the text of a variable."""
        if pstate is None:
            pstate = PrinterState(pprinter=self)
        elif not hasattr(pstate, "pprinter"):
            pstate.pprinter = self
        key = (r, getattr(pstate, "precedence", LOWEST))
        text = pstate.memo.get(key)
        if text is None:
            text = pstate.memo[key] = self._printer_of(r, pstate).process(r, pstate)
        return text

    def clone(self) -> PPrinter:
        """Return a copy with the same printers."""
        new = copy(self)
        new.printers = list(self.printers)
        new.printers_dict = dict(self.printers_dict)
        new.on_first_use = list(self.on_first_use)
        return new

    def clone_assign(self, condition, printer) -> PPrinter:
        """Return a copy with one more printer."""
        new = self.clone()
        new.assign(condition, printer)
        return new

    def process_graph(
        self,
        inputs: Variable | Sequence[Variable],
        outputs: Variable | Sequence[Variable],
        updates: dict | None = None,
        display_inputs: bool = False,
    ) -> str:
        """Return a function of inputs as lines of formulas, shared parts named.

        Parameters
        ----------
        inputs, outputs : Variable or sequence of Variable
        updates : dict, optional
            Maps variables to their new values.
        display_inputs : bool
            Begin with a line of the inputs and their types.
        """
        inputs = [inputs] if isinstance(inputs, Variable) else list(inputs)
        outputs = [outputs] if isinstance(outputs, Variable) else list(outputs)
        lines = []
        if display_inputs:
            lines.append("inputs: " + ", ".join(f"{v.name or v}: {v.type}" for v in inputs))
        pstate = PrinterState(pprinter=self)
        for i, out in enumerate(outputs):
            name = out.name or ("out" if len(outputs) == 1 else f"out{i}")
            lines.append(f"{name} = {self.process(out, pstate)}")
        for var, new in (updates or {}).items():
            lines.append(f"{var} <- {self.process(new, pstate)}")
        return "\n".join(lines)

    def __call__(self, *args) -> str:
        """Return the text of a variable, or of a graph given by inputs and outputs."""
        if len(args) == 1:
            return self.process(*args)
        if len(args) == 2 and isinstance(args[1], PrinterState | dict):
            state = args[1] if isinstance(args[1], PrinterState) else PrinterState(args[1])
            return self.process(args[0], state)
        if len(args) > 2 or (len(args) == 2 and args[1] is not None):
            return self.process_graph(*args)
        raise TypeError(f"[pprint] must be given a variable or inputs and outputs, got {args}")


pprint = PPrinter()
"""The printer that `pp` uses."""

pp = pprint
