"""`Function`: what the user calls."""

import copy
from collections.abc import Callable
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pytensor.compile.calling import CallSpec, InputSlot
from pytensor.compile.sharedvalue import Container, SharedVariable
from pytensor.configdefaults import config
from pytensor.graph.basic import Variable
from pytensor.link.basic import Program
from pytensor.link.schedule import destroyed_inputs
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.compile.debug.profiling import ProfileStats
    from pytensor.compile.maker import FunctionMaker


class AliasedMemoryError(Exception):
    """Memory is shared that should not be."""


class Function:
    """A compiled graph.

    Made by `pytensor.function`. Call it with the values of its inputs, by position or by name.
    Inputs are checked and converted to the types of their variables (not with `trust_input`).
    Shared variables are read from, and updated in, their containers; updates are stored after
    everything was computed, so a call that fails changes nothing. Any number of threads may call
    one function; calls that update the same shared variable wait for one another.

    Attributes
    ----------
    maker : FunctionMaker
        What was compiled; ``maker.fgraph`` is the graph that runs.
    vm : Program
        The compiled program: the values of all inputs of the graph in, of all outputs out.
    input_storage : list of Container
        For each input of the graph its default or shared value.
    profile : ProfileStats or None
    name : str or None
    """

    __slots__ = (
        "__call__",
        "__dict__",
        "__weakref__",
        "_blas_threads",
        "_spec",
        "input_storage",
        "maker",
        "name",
        "profile",
        "vm",
    )

    def __init__(
        self,
        vm: Program,
        input_storage: list[Container],
        maker: "FunctionMaker",
        trust_input: bool = False,
        name: str | None = None,
        spec: CallSpec | None = None,
    ) -> None:
        self.vm = vm
        self.input_storage = input_storage
        self.maker = maker
        self.name = name
        self.profile = maker.profile or None
        if spec is not None:
            # Unpickled: the graph, which the maker would be asked for, is not read yet.
            self._spec, self._blas_threads = spec, 0
            self._bind()
            return
        self._spec = self._make_spec(trust_input)
        limit = config.blas__threads
        self._blas_threads = (
            late("pytensor.tensor.blas._threads:configured_limit")(maker.fgraph, limit)
            if limit
            else 0
        )
        self._bind()

    def _make_spec(self, trust_input: bool) -> CallSpec:
        maker, vm = self.maker, self.vm
        overwritten = vm.destroyed_inputs
        if overwritten is None:
            found = destroyed_inputs(vm.fgraph, (n for n in vm.nodes if n.op.destroy_map))
            overwritten = set().union(*found.values())
        slots = [
            InputSlot(
                name=spec.name,
                type=spec.variable.type,
                container=container,
                explicit=not spec.implicit,
                has_default=spec.value is not None,
                overwritten=i in overwritten,
                fragile=i in vm.fragile_inputs,
            )
            for i, (spec, container) in enumerate(
                zip(maker.inputs, self.input_storage, strict=True)
            )
        ]
        n_returned = len(maker.outputs)
        updates = [
            (n_returned + k, self.input_storage[i])
            for k, i in enumerate(i for i, s in enumerate(maker.inputs) if s.update is not None)
        ]
        return CallSpec(
            program=vm,
            inputs=slots,
            n_returned=n_returned,
            updates=updates,
            unpack_single=maker.unpack_single,
            output_keys=maker.output_keys,
            trust_input=trust_input,
            name=self.name,
        )

    def _bind(self) -> None:
        call = self._spec.build()
        # A driver that serves the whole call measures it too.
        profile = self.profile if isinstance(call, FunctionType) else None
        if self._blas_threads:
            call = late("pytensor.tensor.blas._threads:limited")(call, self._blas_threads)
        # An instance attribute that special method lookup finds: one call less than a method.
        call = call if profile is None else self._profiled(call, profile)
        if self.profile is not None and config.profiling__ignore_first_call:
            call = self._unmeasured(call, self.profile)
        self.__call__ = call

    def _unmeasured(self, call: Callable[..., Any], profile: "ProfileStats") -> Callable[..., Any]:
        def first(*args: Any, **kwargs: Any) -> Any:
            self.__call__ = call
            try:
                return call(*args, **kwargs)
            finally:
                profile.reset()

        return first

    @staticmethod
    def _profiled(call: Callable[..., Any], profile: "ProfileStats") -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                profile.add_call(perf_counter() - start)

        return timed

    # -- what a function knows ------------------------------------------------------------

    @property
    def trust_input(self) -> bool:
        """Leave out the checks of arguments. A value of a wrong type may then give anything."""
        return self._spec.trust_input

    @trust_input.setter
    def trust_input(self, value: bool) -> None:
        if value != self._spec.trust_input:
            self._spec.trust_input = bool(value)
            self._bind()

    @property
    def blas_threads(self) -> int:
        """The most threads BLAS may use during a call; 0: as many as it likes.

        It starts as ``config.blas__threads`` was when the function was made. What was set in the
        library before a call is there again after it.
        """
        return self._blas_threads

    @blas_threads.setter
    def blas_threads(self, n: int | None) -> None:
        number = late("pytensor.tensor.blas._threads:checked_limit")(n, "blas_threads")
        previous, self._blas_threads = self._blas_threads, number
        try:
            self._bind()
        except RuntimeError:
            self._blas_threads = previous
            raise

    @property
    def __signature__(self) -> Any:
        """The arguments by name, for `inspect.signature` and what relies on it."""
        make, parameter = late("inspect:Signature"), late("inspect:Parameter")
        names = [slot.name for slot in self._spec.arguments]
        named = all(n is not None and n.isidentifier() for n in names)
        named = named and len(set(names)) == len(names)
        kind = parameter.POSITIONAL_OR_KEYWORD if named else parameter.POSITIONAL_ONLY
        parameters, optional = [], False
        for i, slot in enumerate(self._spec.arguments):
            # After an optional argument all are: a caller may give any of them by name.
            optional = optional or slot.has_default
            default = slot.container.storage[0] if optional else parameter.empty
            name = slot.name if named else f"a{i}"
            parameters.append(parameter(name, kind, default=default))
        return make(parameters)

    @property
    def unpack_single(self) -> bool:
        return self.maker.unpack_single

    @property
    def outputs(self) -> list[Any]:
        return self.maker.outputs

    def get_shared(self) -> list[Any]:
        """Return the shared variables that are read or updated."""
        return [i.variable for i in self.maker.inputs if i.implicit]

    def _container(self, key: Any) -> Container:
        for i, (spec, container) in enumerate(
            zip(self.maker.inputs, self.input_storage, strict=True)
        ):
            if key is spec.variable or key is container:
                return container
            if isinstance(key, str | int) and key in (spec.name, i):
                return container
        raise KeyError(f"[{self.name or 'function'}] no input {key!r}")

    def __getitem__(self, key: str | int | Variable) -> Any:
        """Return the default or shared value of an input."""
        return self._container(key).value

    def __setitem__(self, key: str | int | Variable, value: Any) -> None:
        self._container(key).value = value

    def __contains__(self, key: Any) -> bool:
        try:
            self._container(key)
        except KeyError:
            return False
        return True

    def free(self) -> None:
        """Free the memory that is kept for intermediate values of the next calls.

        With ``config.allow_gc`` (the default) that is little; without it as much as a call needs.
        """
        self.vm.free()

    def dprint(self, **kwargs: Any) -> Any:
        """Print the compiled graph; see `pytensor.printing.debugprint`."""
        return late("pytensor.printing:debugprint")(self, **kwargs)

    def explain(self) -> Any:
        """Say for every product which BLAS routine it became, or why none.

        Returns
        -------
        pytensor.tensor.rewriting.explain.Explanation
            Text to print, and more; see `pytensor.tensor.blas.explain`.
        """
        return late("pytensor.tensor.rewriting.explain:explain")(self)

    # -- copies ---------------------------------------------------------------------------

    def copy(
        self,
        share_memory: bool = False,
        swap: dict[Any, SharedVariable] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> "Function":
        """Return a copy of this function.

        Shared variables stay shared with this function, unless swapped.

        Parameters
        ----------
        share_memory : bool
            Accepted for compatibility: nothing is kept between calls that could be shared.
        swap : dict
            Shared variables (or their names) and what replaces them, of the same type.
        delete_updates : bool
            Leave out all updates.
        name : str, optional
            The old name with " copy" by default.
        profile : bool, str or ProfileStats, optional
            As for `pytensor.function`.
        """
        name = name if name is not None else (self.name and f"{self.name} copy")
        maker = self.maker.copy(
            swap=swap or {}, delete_updates=delete_updates, name=name, profile=profile
        )
        storage = []
        old = dict(zip((s.variable for s in self.maker.inputs), self.input_storage, strict=True))
        for spec in maker.inputs:
            if isinstance(spec.variable, SharedVariable) and spec.variable not in old:
                storage.append(spec.variable.container)
            elif spec.implicit:
                storage.append(old[spec.variable])
            else:
                # A default with an update is state: the copy starts from the present value.
                storage.append(copy.deepcopy(old[spec.variable]))
        same_program = not delete_updates and profile is None and self.profile is None
        result = maker.create(
            storage, program=self.vm if same_program else None, trust_input=self.trust_input
        )
        return result._with_threads(self._blas_threads)

    def _with_threads(self, n: int) -> "Function":
        if n != self._blas_threads:
            self.blas_threads = n
        return self

    def __copy__(self) -> "Function":
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Function":
        """Copy the function and its state. The program keeps no state and is shared."""
        maker = self.maker.copy(name=self.name)
        storage = [copy.deepcopy(c, memo) for c in self.input_storage]
        program = self.vm if self.profile is None else None
        result = maker.create(storage, program=program, trust_input=self.trust_input)
        result._with_threads(self._blas_threads)
        memo[id(self)] = result
        return result

    def __reduce__(self) -> tuple:
        return late("pytensor.compile.stored:revived"), (
            late("pytensor.compile.stored:state_of")(self),
        )

    def __repr__(self) -> str:
        return f"<pytensor function {self.name}>" if self.name else object.__repr__(self)
