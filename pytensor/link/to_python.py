"""Python functions made from graphs, for backends that trace or compile Python."""

import builtins
import keyword
import linecache
import re
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from itertools import count
from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import AbstractFunctionGraph

__all__ = [
    "compile_function_src",
    "fgraph_to_python",
    "get_name_for_object",
    "unique_name_generator",
]


def unique_name_generator(
    external_names: Iterable[str] | None = None, suffix_sep: str = "_"
) -> Callable[..., str]:
    """Return a function from variables to names that are valid identifiers and all different."""
    taken = set(external_names or ())
    given: dict[Any, str] = {}

    def unique_name(
        thing: Any, force_unique: bool = False, names_counter: dict | None = None
    ) -> str:
        if not force_unique and thing in given:
            return given[thing]
        base = re.sub(r"\W", "", getattr(thing, "name", None) or "variable") or "variable"
        if base[0].isdigit() or keyword.iskeyword(base) or hasattr(builtins, base):
            base = f"{base}{suffix_sep}" if not base[0].isdigit() else f"v{base}"
        name = base
        for number in count(1):
            if name not in taken:
                break
            name = f"{base}{suffix_sep}{number}"
        taken.add(name)
        given[thing] = name
        return name

    return unique_name


def get_name_for_object(x: Any) -> str:
    """Return a valid identifier that says what `x` is."""
    name = getattr(x, "__name__", None) or getattr(x, "name", None) or type(x).__name__
    name = re.sub(r"\W", "_", str(name)).strip("_") or type(x).__name__
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"v_{name}"


_source_number = count()


def compile_function_src(
    src: str,
    function_name: str,
    global_env: dict[str, Any] | None = None,
    local_env: dict[str, Any] | None = None,
) -> Callable[..., Any]:
    """Compile `src` and return the function it defines; tracebacks show its lines.

    The source is kept in memory (`linecache`), no file is written.
    """
    filename = f"<pytensor {function_name} {next(_source_number)}>"
    names = local_env if local_env is not None else {}
    environment = {} if global_env is None else global_env
    exec(compile(src, filename, "exec"), environment, names)
    linecache.cache[filename] = (len(src), None, StringIO(src).readlines(), filename)
    function = names[function_name]
    function.__source__ = src
    return function


def _as_is(value: Any, **kwargs: Any) -> Any:
    return value


def fgraph_to_python(
    fgraph: AbstractFunctionGraph,
    op_conversion_fn: Callable[..., Callable[..., Any]],
    *,
    type_conversion_fn: Callable[..., Any] = _as_is,
    order: Sequence[Apply] | None = None,
    storage_map: dict[Variable, list[Any]] | None = None,
    fgraph_name: str = "fgraph_to_python",
    global_env: dict[str, Any] | None = None,
    local_env: dict[str, Any] | None = None,
    get_name_for_object: Callable[[Any], str] = get_name_for_object,
    squeeze_output: bool = False,
    unique_name: Callable[..., str] | None = None,
    **kwargs: Any,
) -> Callable[..., Any]:
    """Write a graph as one Python function: a line for each node.

    Parameters
    ----------
    fgraph : FunctionGraph
    op_conversion_fn : callable
        ``op_conversion_fn(op, node=node, storage_map=..., **kwargs)`` returns the function that
        computes the outputs of a node from its inputs.
    type_conversion_fn : callable
        ``type_conversion_fn(value, variable=..., storage_map=..., **kwargs)`` returns a constant in
        the form the functions want.
    order : sequence of Apply, optional
        Running order of the nodes.
    storage_map : dict, optional
        Cells with the values of variables that are neither inputs nor computed.
    fgraph_name : str
        Name of the function.
    global_env, local_env : dict, optional
        Where functions and constants are put by name, and where the result is.
    squeeze_output : bool
        Return a single output itself, not a tuple of one.
    unique_name : callable, optional
        Gives names to variables and functions.
    **kwargs
        Passed to the conversions.

    Returns
    -------
    callable
        A function of the inputs of the graph that returns a tuple. Its text is in
        ``function.__source__``.
    """
    storage_map = {} if storage_map is None else storage_map
    environment = {} if global_env is None else global_env
    if unique_name is None:
        unique_name = unique_name_generator([fgraph_name])
    known = set(fgraph.inputs)

    def name_of(variable: Variable) -> str:
        name = unique_name(variable)
        if variable not in known:
            known.add(variable)
            if isinstance(variable, Constant):
                value = variable.data
            else:
                value = storage_map.get(variable, [None])[0]
            environment[name] = type_conversion_fn(
                value, variable=variable, storage_map=storage_map, **kwargs
            )
        return name

    parameters = [unique_name(v) for v in fgraph.inputs]
    lines = []
    for node in fgraph.toposort() if order is None else order:
        function = op_conversion_fn(node.op, node=node, storage_map=storage_map, **kwargs)
        function_name = unique_name(_Named(get_name_for_object(function)), force_unique=True)
        environment[function_name] = function
        arguments = ", ".join(map(name_of, node.inputs))
        known.update(node.outputs)
        results = ", ".join(map(unique_name, node.outputs))
        lines.append(f"    # {' '.join(str(node).split())}")
        lines.append(f"    {results} = {function_name}({arguments})")
    outputs = [name_of(v) for v in fgraph.outputs]
    if squeeze_output and len(outputs) == 1:
        lines.append(f"    return {outputs[0]}")
    else:
        lines.append(f"    return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    source = "\n".join([f"def {fgraph_name}({', '.join(parameters)}):", *lines, ""])
    return compile_function_src(source, fgraph_name, environment, local_env)


class _Named:
    """Something with a name, for `unique_name`."""

    def __init__(self, name: str) -> None:
        self.name = name
