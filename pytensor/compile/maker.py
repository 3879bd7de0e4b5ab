"""`function` and the steps behind it, on a page.

specifications -> FunctionGraph -> rewrites -> copies where memory is shared -> program
"""

import copy
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any
from warnings import warn

from pytensor.compile.aliasing import add_supervisor_to_fgraph, insert_deepcopy
from pytensor.compile.collector import no_collection
from pytensor.compile.debug.profiling import ProfileStats
from pytensor.compile.duplicate import copied_graph, rewired_outputs, swapped, written_graph
from pytensor.compile.executor import Function
from pytensor.compile.io import In, SymbolicInput, SymbolicOutput
from pytensor.compile.mode import Mode, get_mode
from pytensor.compile.rebuild import (
    Pairs,
    UnusedInputError,
    construct_function_ins_and_outs,
)
from pytensor.compile.sharedvalue import Container, SharedVariable
from pytensor.compile.stored import Graphs, Packed
from pytensor.configdefaults import config
from pytensor.graph.basic import Variable
from pytensor.graph.features import Feature
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.null_type import DisconnectedType
from pytensor.graph.rewriting.trace import StageTimes, current_trace, rewrite_trace
from pytensor.link.basic import Program
from pytensor.utils import late

__all__ = ["FunctionMaker", "function"]


def _as_profile(profile: Any, name: str | None) -> ProfileStats | None:
    if profile is None:
        profile = config.profile
    if isinstance(profile, ProfileStats):
        return profile
    if isinstance(profile, str):
        return ProfileStats(message=profile)
    if not isinstance(profile, bool):
        raise TypeError(
            f"[function] profile must be a bool, a string or a ProfileStats, got {profile!r}"
        )
    return ProfileStats(message=name) if profile else None


# Attributes of a maker that are pickled as bytes, or made anew.
_IN_PACKED = {"inputs", "expanded_inputs", "outputs", "fgraph", "linker", "_packed"}


class FunctionMaker:
    """Compiles one graph, and makes functions of it.

    Parameters
    ----------
    inputs : sequence of SymbolicInput
        Inputs in the order of the call, then shared variables.
    outputs : Variable, SymbolicOutput, sequence of them, or None
        A single one lets functions return it instead of a list.
    mode : Mode or str, optional
    accept_inplace : bool
        The graph may contain operations that overwrite inputs.
    function_class : type
        Class of the functions made.
    profile : bool, str or ProfileStats, optional
    on_unused_input : {"raise", "warn", "ignore"}, optional
    fgraph : FunctionGraph, optional
        The graph to use, instead of one made from `inputs` and `outputs`.
    name : str, optional
    no_fgraph_prep : bool
        Leave `fgraph` as it is: no rewrites, no copies of outputs.
    trust_input : bool
    output_keys : sequence of str, optional
        Functions return a dictionary with these keys.
    """

    # Of wrapping and rewriting.
    seconds = 0.0

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Any,
        mode: "Mode | str | None" = None,
        accept_inplace: bool = False,
        function_class: type = Function,
        profile: Any = None,
        on_unused_input: str | None = None,
        fgraph: FunctionGraph | None = None,
        name: str | None = None,
        no_fgraph_prep: bool = False,
        trust_input: bool = False,
        output_keys: Sequence[str] | None = None,
    ) -> None:
        start = perf_counter()
        self.mode = get_mode(mode)
        self.name = name
        self.profile = _as_profile(profile, name)
        self.accept_inplace = accept_inplace
        self.function_class = function_class
        self.on_unused_input = on_unused_input
        self.trust_input = trust_input
        self.output_keys = output_keys
        self.return_none = outputs is None
        self.unpack_single = outputs is not None and not isinstance(outputs, list | tuple)
        if self.unpack_single:
            outputs = [outputs]
        self.inputs = self.expanded_inputs = [self.wrap_in(i) for i in inputs]
        self.outputs = [self.wrap_out(o) for o in outputs or []]
        self.required = [(i.value is None) for i in self.inputs]
        fgraph, additional = self.create_fgraph(
            self.inputs, self.outputs, accept_inplace, fgraph=fgraph
        )
        if not no_fgraph_prep:
            self.check_unused_inputs(fgraph, self.inputs, on_unused_input)
            self.prepare_fgraph(
                self.inputs, self.outputs, additional, fgraph, self.mode, self.profile
            )
        self.fgraph = fgraph
        self.seconds = perf_counter() - start
        self.linker = self.mode.linker.accept(fgraph, profile=self.profile)
        if self.profile is not None:
            self.profile.compile_time += perf_counter() - start

    # -- steps ----------------------------------------------------------------------------

    @staticmethod
    def wrap_in(input: Any) -> SymbolicInput:
        """Return the specification of an input."""
        if isinstance(input, SymbolicInput):
            return input
        if isinstance(input, Variable):
            return In(input)
        raise TypeError(f"Unknown input type: {type(input)} ({input}), expected Variable instance")

    @staticmethod
    def wrap_out(output: Any) -> SymbolicOutput:
        """Return the specification of an output."""
        if isinstance(output, SymbolicOutput):
            return output
        if isinstance(output, Variable):
            return SymbolicOutput(output)
        raise TypeError(f"Unknown output type: {type(output)} ({output})")

    @staticmethod
    def create_fgraph(
        input_specs: Sequence[SymbolicInput],
        output_specs: Sequence[SymbolicOutput],
        accept_inplace: bool = False,
        fgraph: FunctionGraph | None = None,
        features: Sequence[type[Feature]] = (),
        force_clone: bool = False,
    ) -> tuple[FunctionGraph, list[SymbolicOutput]]:
        """Make the graph of a function; its inputs are protected unless mutable.

        Returns
        -------
        fgraph : FunctionGraph
        additional_outputs : list of SymbolicOutput
            The updates, which follow the outputs.
        """
        updated = [i for i, spec in enumerate(input_specs) if spec.update is not None]
        mapping = {len(output_specs) + k: i for k, i in enumerate(updated)}
        if fgraph is None:
            fgraph = FunctionGraph(
                [spec.variable for spec in input_specs],
                [
                    *(o.variable for o in output_specs),
                    *(s.update for s in input_specs if s.update is not None),
                ],
                clone=True,
                update_mapping=mapping,
            )
        else:
            if force_clone:
                fgraph = fgraph.clone()
            fgraph.update_mapping = mapping
        add_supervisor_to_fgraph(fgraph, input_specs, accept_inplace)
        for feature in features:
            fgraph.attach_feature(feature())
        additional = [SymbolicOutput(fgraph.outputs[o], borrow=True) for o in mapping]
        return fgraph, additional

    @staticmethod
    def check_unused_inputs(
        fgraph: FunctionGraph, inputs: Sequence[SymbolicInput], on_unused_input: str | None
    ) -> None:
        """Complain about inputs nothing depends on, as `on_unused_input` says."""
        if on_unused_input is None:
            on_unused_input = config.on_unused_input
        if on_unused_input not in ("raise", "warn", "ignore"):
            raise ValueError(
                "[function] on_unused_input must be one of 'raise', 'warn' and 'ignore', "
                f"got {on_unused_input!r}"
            )
        if on_unused_input == "ignore":
            return
        for i, (spec, variable) in enumerate(zip(inputs, fgraph.inputs, strict=True)):
            unused = not fgraph.clients[variable] and spec.update is None and not spec.implicit
            if not unused or isinstance(variable.type, DisconnectedType):
                continue
            message = (
                "pytensor.function was asked to create a function computing outputs given "
                f"certain inputs, but the provided input variable at index {i} is not part of "
                f"the computational graph needed to compute the outputs: {spec.variable}.\n"
            )
            if on_unused_input == "warn":
                warn(
                    f"{message}To make this warning into an error, you can pass the parameter "
                    "on_unused_input='raise' to pytensor.function.",
                    stacklevel=5,
                )
            else:
                raise UnusedInputError(
                    f"{message}To make this error into a warning, you can pass the parameter "
                    "on_unused_input='warn' to pytensor.function. To disable it completely, use "
                    "on_unused_input='ignore'."
                )

    @staticmethod
    def prepare_fgraph(
        inputs: Sequence[SymbolicInput],
        outputs: Sequence[SymbolicOutput],
        additional_outputs: Sequence[SymbolicOutput],
        fgraph: FunctionGraph,
        mode: Mode,
        profile: ProfileStats | None,
    ) -> None:
        """Rewrite the graph, and copy what would share memory."""
        start = perf_counter()
        rewriter = mode.rewriter_for(fgraph)
        untimed = profile is None or current_trace() is not None
        with mode.active(), nullcontext() if untimed else rewrite_trace(StageTimes()) as trace:
            rewriter_profile = rewriter(fgraph)
        if profile is not None:
            profile.rewriting_time += perf_counter() - start
            profile.rewriter_profile = (rewriter, rewriter_profile)
            for name, totals in trace.totals.items() if trace is not None else ():
                profile.rewriting_stages[name] += totals.seconds
        insert_deepcopy(fgraph, inputs, [*outputs, *additional_outputs])

    def create(
        self,
        input_storage: Sequence[Any] | None = None,
        storage_map: Any = None,
        *,
        program: Program | None = None,
        trust_input: bool | None = None,
    ) -> Function:
        """Link the graph and return a function.

        Parameters
        ----------
        input_storage : sequence, optional
            A default value or container for each input; the specified ones where None.
        storage_map
            Accepted for compatibility.
        program : Program, optional
            Use this instead of linking.
        trust_input : bool, optional
        """
        given = input_storage if input_storage is not None else [None] * len(self.inputs)
        containers = [
            _container_of(spec, value) for spec, value in zip(self.inputs, given, strict=True)
        ]
        if program is None:
            start = perf_counter()
            program = self.linker.make_program(self.fgraph, profile=self.profile, name=self.name)
            if config.compiler_verbose:
                took = self.seconds, perf_counter() - start
                late("pytensor.link.c.progress:report")(program, self.name, *took)
            if self.profile is not None:
                self.profile.linker_time += perf_counter() - start
                self.profile.nb_nodes = len(self.fgraph.apply_nodes)
        return self.function_class(
            program,
            containers,
            self,
            trust_input=self.trust_input if trust_input is None else trust_input,
            name=self.name,
        )

    # -- copies ---------------------------------------------------------------------------

    def copy(
        self,
        swap: dict[Any, SharedVariable] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> "FunctionMaker":
        """Return a maker of the same function, see `Function.copy`."""
        specs = swapped(self.inputs, swap or {})
        if delete_updates:
            return self._without_updates(specs, name, profile)
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.__dict__.pop("_packed", None)
        old = [spec.variable for spec in self.inputs]
        now = [spec.variable for spec in specs]
        if now != old:
            wrapped = [o.variable for o in self.outputs]
            rewired = rewired_outputs(
                old, now, wrapped + [s.update for s in specs if s.update is not None]
            )
            new.outputs = [
                SymbolicOutput(v, o.borrow)
                for v, o in zip(rewired, self.outputs)  # updates follow
            ]
            updates = iter(rewired[len(wrapped) :])
            for spec in specs:
                if spec.update is not None:
                    spec.update = next(updates)
        new.inputs = new.expanded_inputs = specs
        new.name = name
        new.profile = _as_profile(profile, name)
        new.fgraph = copied_graph(self.fgraph, old, now)
        new.linker = self.mode.linker.accept(new.fgraph, profile=new.profile)
        return new

    def _without_updates(
        self, specs: list[SymbolicInput], name: str | None, profile: Any
    ) -> "FunctionMaker":
        # Shared variables may not be overwritten any more: compile again from the start.
        old = [spec.variable for spec in self.inputs]
        for spec in specs:
            if spec.update is not None:
                spec.update, spec.mutable, spec.borrow = None, False, False
        rewired = rewired_outputs(
            old, [s.variable for s in specs], [o.variable for o in self.outputs]
        )
        outputs = [SymbolicOutput(v, o.borrow) for v, o in zip(rewired, self.outputs, strict=True)]
        return type(self)(
            specs,
            outputs[0] if self.unpack_single else outputs,
            mode=self.mode,
            accept_inplace=self.accept_inplace,
            function_class=self.function_class,
            profile=profile,
            on_unused_input="ignore",
            name=name,
            trust_input=self.trust_input,
            output_keys=self.output_keys,
        )

    # -- pickling -------------------------------------------------------------------------

    def packed(self, program_nodes: Any = None) -> Packed:
        """Return the graphs and specifications as bytes, with nodes a program wants to find again."""
        now = self.__dict__.get("_packed")
        if now is not None and program_nodes is None:
            return now
        with no_collection:
            written, specs, outputs = written_graph(self.inputs, self.outputs)
        # Who unpickles a variable together with a function finds it in the function. One with an
        # update of its own would bring along a graph: its copy here has the same cell.
        aliases = {
            id(copied.variable): spec.variable
            for copied, spec in zip(specs, self.inputs, strict=True)
            if isinstance(spec.variable, SharedVariable) and spec.variable.default_update is None
        }
        return Packed(Graphs(written, self.fgraph, specs, outputs, program_nodes), aliases)

    def light_state(self) -> dict[str, Any]:
        """Return what is pickled plainly."""
        state = {k: v for k, v in self.__dict__.items() if k not in _IN_PACKED}
        return {**state, "profile": self.profile is not None}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.light_state(), "_packed": self.packed()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.profile = _as_profile(self.profile, self.name)

    def __getattr__(self, name: str) -> Any:
        """Read the graphs of an unpickled function when something asks for them."""
        packed = self.__dict__.get("_packed")
        if name not in _IN_PACKED or packed is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        graphs = packed.value
        if name == "linker":
            self.linker = self.mode.linker.accept(graphs.fgraph, profile=self.profile)
        else:
            self.fgraph, self.inputs, self.outputs = graphs.fgraph, graphs.specs, graphs.outputs
            self.expanded_inputs = self.inputs
        return self.__dict__[name]


def _container_of(spec: SymbolicInput, given: Any) -> Container:
    """Return the container of an input: the one given, a shared one, or one with the default."""
    value = given if given is not None else spec.value
    if isinstance(value, Container):
        return value
    if isinstance(value, SharedVariable):
        return value.container
    container = Container(
        spec.variable,
        [None],
        strict=spec.strict,
        allow_downcast=spec.allow_downcast,
        name=spec.name,
    )
    if value is not None:
        container.value = copy.deepcopy(value)
    return container


def function(
    inputs: Iterable[Variable | In],
    outputs: Variable | Iterable[Variable] | dict[str, Variable] | None = None,
    mode: str | Mode | None = None,
    updates: Pairs | None = None,
    givens: Pairs | None = None,
    no_default_updates: bool | None = None,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: bool | ProfileStats | None = None,
    on_unused_input: str | None = None,
    trust_input: bool = False,
) -> Function:
    """Compile an expression into a function of its inputs.

    Parameters
    ----------
    inputs : list of Variable or In
        Arguments of the function; shared variables are found by themselves.
    outputs : Variable or Out, list or dict of them, optional
        What to return: a value, a list, or a dictionary with the same keys.
    mode : str or Mode, optional
        How to compile; ``config.mode`` by default.
    updates : dict or pairs
        Shared variables and their values after each call.
    givens : dict or pairs
        Variables of the graph and what takes their place, in this function only.
    no_default_updates : bool or list of Variable
        Shared variables whose default updates are left out; True for all.
    accept_inplace : bool
        The graph may contain operations that overwrite inputs of the function.
    name : str, optional
        Shown in errors and profiles.
    rebuild_strict : bool
        `givens` must have the types of what they replace.
    allow_input_downcast : bool, optional
        Convert arguments even if precision is lost. None allows that for Python floats only.
    profile : bool, str or ProfileStats, optional
        Measure calls; the figures are in ``fn.profile``.
    on_unused_input : {"raise", "warn", "ignore"}, optional
        What to do about an input nothing depends on; ``config.on_unused_input`` by default.
    trust_input : bool
        Do not check arguments. Arguments of a wrong type may then give anything.

    Returns
    -------
    Function

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor
    >>> import pytensor.tensor as pt
    >>> x = pt.vector("x")
    >>> total = pytensor.shared(np.zeros(2), name="total")
    >>> add = pytensor.function([x], x.sum(), updates={total: total + x})
    >>> add(np.array([1.0, 2.0]))
    array(3.)
    >>> total.get_value()
    array([1., 2.])
    """
    if isinstance(inputs, Variable | In) or not isinstance(inputs, Iterable):
        raise TypeError(
            "Input variables of a PyTensor function should be contained in a list, even when "
            "there is a single input."
        )
    keys = None
    if isinstance(outputs, dict):
        keys, outputs = list(outputs), list(outputs.values())
        if not all(isinstance(key, str) for key in keys):
            raise TypeError(f"[function] keys of outputs must be strings, got {keys}")
    elif not isinstance(outputs, Variable | SymbolicOutput | list | tuple | None):
        outputs = _as_list(outputs)
    with no_collection:
        return _function(
            list(inputs),
            outputs,
            get_mode(mode),
            updates,
            givens,
            no_default_updates=no_default_updates or False,
            rebuild_strict=rebuild_strict,
            allow_input_downcast=allow_input_downcast,
            accept_inplace=accept_inplace,
            profile=profile,
            on_unused_input=on_unused_input,
            name=name,
            trust_input=trust_input,
            output_keys=keys,
        )


def _function(
    inputs: list[Any],
    outputs: Any,
    mode: Mode,
    updates: Pairs | None,
    givens: Pairs | None,
    *,
    no_default_updates: Any,
    rebuild_strict: bool,
    allow_input_downcast: bool | None,
    **maker_arguments: Any,
) -> Function:
    specs, new_outputs = construct_function_ins_and_outs(
        inputs,
        outputs,
        updates,
        givens,
        no_default_updates=no_default_updates,
        rebuild_strict=rebuild_strict,
        allow_input_downcast=allow_input_downcast,
    )
    maker = mode.function_maker(
        specs, new_outputs if outputs is not None else None, mode=mode, **maker_arguments
    )
    return maker.create()


def _as_list(outputs: Any) -> Any:
    """Return an iterable of outputs as a list; complaints about anything else come later."""
    return list(outputs) if isinstance(outputs, Iterable) else outputs
