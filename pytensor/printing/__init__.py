"""Ways to look at expressions: as a tree, a formula, a picture, or while they are computed."""

from pytensor.printing import standard as _standard
from pytensor.printing.dot import default_colorCodes, dot_text, pydot_imported, pydotprint
from pytensor.printing.formula import (
    ConstantPrinter,
    DefaultPrinter,
    FunctionPrinter,
    IgnorePrinter,
    LeafPrinter,
    OperatorPrinter,
    PatternPrinter,
    PPrinter,
    Printer,
    PrinterState,
    constant_printer,
    default_printer,
    leaf_printer,
    pp,
    pprint,
    set_precedence,
)
from pytensor.printing.print_op import Print, _print_fn
from pytensor.printing.short import hex_digest, min_informative_str, var_descriptor
from pytensor.printing.tree import (
    IDTypes,
    char_from_number,
    debugprint,
    get_node_by_id,
    op_debug_information,
)

dprint = debugprint
