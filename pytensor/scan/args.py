"""`ScanArgs`: all inputs and outputs of a loop, inner and outer, by name."""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.traversal import variable_depends_on
from pytensor.scan.fields import grouped, mappings
from pytensor.scan.info import ScanInfo, Taps


class FieldInfo(NamedTuple):
    """Where a variable was found in a `ScanArgs`."""

    name: str
    agg_name: str
    index: int
    inner_index: int | None
    agg_index: int


def default_filter_scanargs(x: str) -> bool:
    """Tell whether `x` names a list of inputs or outputs."""
    return x.startswith(("inner_in", "inner_out", "outer_in", "outer_out"))


_SINGLE = ("seqs", "mit_mot", "mit_sot", "sit_sot", "shared", "nit_sot", "non_seqs")
# Outer name of a group, here and in `ScanInfo`.
_GROUP = {name: "untraced" if name == "shared" else name for name in _SINGLE}


class ScanArgs:
    """The inputs and outputs of a loop as lists, to be looked at, changed and put together again.

    Parameters
    ----------
    outer_inputs, outer_outputs : sequence of Variable
        Of the node.
    _inner_inputs, _inner_outputs : sequence of Variable
        Of its inner graph.
    info : ScanInfo
    clone : bool, optional
        Accepted for compatibility: the lists are always new, the variables never.

    Attributes
    ----------
    n_steps : Variable
    outer_in_seqs, inner_in_seqs : list of Variable
        And so on: ``outer_in_*``, ``inner_in_*``, ``inner_out_*``, ``outer_out_*`` for
        ``mit_mot, mit_sot, sit_sot, shared, nit_sot, non_seqs``. Where a state has several offsets,
        there is a list for each state.
    cond : list of Variable
        The condition of a while loop.
    """

    nested_list_fields = ("inner_in_mit_mot", "inner_in_mit_sot", "inner_out_mit_mot")
    default_filter = staticmethod(default_filter_scanargs)

    def __init__(
        self,
        outer_inputs: Sequence[Variable],
        outer_outputs: Sequence[Variable],
        _inner_inputs: Sequence[Variable],
        _inner_outputs: Sequence[Variable],
        info: ScanInfo,
        clone: bool | None = None,
    ) -> None:
        self.n_steps = outer_inputs[0] if outer_inputs else None
        self.as_while = info.as_while
        self.mit_mot_in_slices = tuple(info.mit_mot_in_slices)
        self.mit_mot_out_slices = tuple(info.mit_mot_out_slices)
        self.mit_sot_in_slices = tuple(info.mit_sot_in_slices)
        for name, group in _GROUP.items():
            for side, layout, values in (
                ("outer_in", info.outer_in, outer_inputs),
                ("outer_out", info.outer_out, outer_outputs),
                ("inner_in", info.inner_in, _inner_inputs),
                ("inner_out", info.inner_out, _inner_outputs),
            ):
                if group in layout:
                    setattr(self, f"{side}_{name}", list(values[layout[group]]))
        self.inner_in_mit_mot = grouped(self.inner_in_mit_mot, info.mit_mot_in_slices)
        self.inner_in_mit_sot = grouped(self.inner_in_mit_sot, info.mit_sot_in_slices)
        self.inner_out_mit_mot = grouped(self.inner_out_mit_mot, info.mit_mot_out_slices)
        self.cond = list(_inner_outputs[info.inner_out["condition"]])

    @staticmethod
    def from_node(node: Apply, clone: bool = False) -> "ScanArgs":
        """Return the lists of a node; the inner graph is that of the Op, or a copy."""
        op = node.op
        graph = op.unfrozen() if clone else op.fgraph
        return ScanArgs(node.inputs, node.outputs, graph.inputs, graph.outputs, op.info)

    @classmethod
    def create_empty(cls) -> "ScanArgs":
        """Return lists without anything in them."""
        return cls([], [], [], [], ScanInfo(0, (), (), (), (), 0, 0, 0, False))

    # -- joined lists -------------------------------------------------------------------------

    @property
    def outer_inputs(self) -> list[Variable]:
        """Inputs of the node."""
        return [
            self.n_steps,
            *chain(*(getattr(self, f"outer_in_{name}") for name in _SINGLE)),
        ]

    @property
    def outer_outputs(self) -> list[Variable]:
        """Outputs of the node."""
        names = ("mit_mot", "mit_sot", "sit_sot", "nit_sot", "shared")
        return list(chain(*(getattr(self, f"outer_out_{name}") for name in names)))

    @property
    def inner_inputs(self) -> list[Variable]:
        """Inputs of the inner graph."""
        return [
            *self.inner_in_seqs,
            *chain(*self.inner_in_mit_mot),
            *chain(*self.inner_in_mit_sot),
            *self.inner_in_sit_sot,
            *self.inner_in_shared,
            *self.inner_in_non_seqs,
        ]

    inputs = inner_inputs

    @property
    def inner_outputs(self) -> list[Variable]:
        """Outputs of the inner graph."""
        return [
            *chain(*self.inner_out_mit_mot),
            *self.inner_out_mit_sot,
            *self.inner_out_sit_sot,
            *self.inner_out_nit_sot,
            *self.inner_out_shared,
            *self.cond,
        ]

    @property
    def info(self) -> ScanInfo:
        """The description of the loop these lists make."""
        return ScanInfo(
            n_seqs=len(self.outer_in_seqs),
            mit_mot_in_slices=tuple(self.mit_mot_in_slices),
            mit_mot_out_slices=tuple(self.mit_mot_out_slices),
            mit_sot_in_slices=tuple(self.mit_sot_in_slices),
            sit_sot_in_slices=self.sit_sot_in_slices,
            n_nit_sot=len(self.outer_in_nit_sot),
            n_untraced_sit_sot=len(self.outer_in_shared),
            n_non_seqs=len(self.outer_in_non_seqs),
            as_while=self.as_while,
        )

    @property
    def sit_sot_in_slices(self) -> tuple[Taps, ...]:
        """The offsets of the sit-sots: always the step before."""
        return ((-1,),) * len(self.outer_in_sit_sot)

    @property
    def n_nit_sot(self) -> int:
        return len(self.outer_in_nit_sot)

    @property
    def n_mit_mot(self) -> int:
        return len(self.outer_in_mit_mot)

    @property
    def var_mappings(self) -> dict[str, dict[int, Any]]:
        """How positions correspond, see `ScanMethodsMixin.get_oinp_iinp_iout_oout_mappings`."""
        return mappings(self.info)

    @property
    def field_names(self) -> list[str]:
        """Names of all lists."""
        res = ["mit_mot_out_slices", "mit_mot_in_slices", "mit_sot_in_slices", "n_steps"]
        return res + [name for name in vars(self) if re.match("(inner|outer)_(in|out)", name)]

    # -- taps ---------------------------------------------------------------------------------

    def add_state(self, outer: Variable, taps: Taps, reads: list[Variable], new: Variable) -> None:
        """Add a mit-sot, or a sit-sot if `taps` is ``(-1,)``."""
        if taps == (-1,):
            self.outer_in_sit_sot.append(outer)
            self.inner_in_sit_sot.append(reads[0])
            self.inner_out_sit_sot.append(new)
        else:
            self.outer_in_mit_sot.append(outer)
            self.mit_sot_in_slices = (*self.mit_sot_in_slices, taps)
            self.inner_in_mit_sot.append(list(reads))
            self.inner_out_mit_sot.append(new)

    # -- looking for things -------------------------------------------------------------------

    def find_among_fields(
        self, i: Variable, field_filter: Callable[[str], bool] = default_filter_scanargs
    ) -> FieldInfo | None:
        """Return where `i` is among the lists that pass `field_filter`, None if it isn't."""
        for name in filter(field_filter, self.field_names):
            field = getattr(self, name)
            nested = name in self.nested_list_fields
            for position, group in enumerate(field if nested else [field]):
                if not any(i is v for v in group):
                    continue
                inner = next(k for k, v in enumerate(group) if v is i)
                side = name[: name.index("_", 6)]
                agg_name = f"{side}puts"
                all_of_it = getattr(self, agg_name)
                agg_index = next(k for k, v in enumerate(all_of_it) if v is i)
                if nested:
                    return FieldInfo(name, agg_name, position, inner, agg_index)
                return FieldInfo(name, agg_name, inner, None, agg_index)
        return None

    def get_alt_field(self, var_info: Variable | FieldInfo, alt_prefix: str) -> Variable:
        """Return what corresponds to an element under another prefix, such as ``"outer_in"``."""
        found = var_info if isinstance(var_info, FieldInfo) else self.find_among_fields(var_info)
        if found is None:
            raise ValueError(f"[ScanArgs] {var_info} must be an input or output of the loop")
        group = re.sub("^(inner|outer)_(in|out)_", "", found.name)
        name = f"{alt_prefix}_{group}"
        alternative = getattr(self, name)[found.index]
        if name in self.nested_list_fields:
            return alternative[found.inner_index or 0] if alternative else None
        return alternative

    def get_dependent_nodes(self, i: Variable, seen: set[Variable] | None = None) -> set[Variable]:
        """Return the inputs and outputs that `i` influences or stands for, without itself."""
        seen = {i} if seen is None else seen | {i}
        found = self.find_among_fields(i)
        if found is None:
            raise ValueError(f"[ScanArgs] {i} must be an input or output of the loop")
        reached = {
            out for out in self.inner_outputs if out is not i and variable_depends_on(out, [i])
        } if found.name.startswith("inner_in") else set()  # fmt: skip
        for prefix in ("inner_in", "inner_out", "outer_in", "outer_out"):
            if found.name.startswith(prefix):
                continue
            try:
                other = self.get_alt_field(found, prefix)
            except (AttributeError, IndexError):  # the group has no such side
                continue
            if other is not None:
                reached.add(other)
        for var in reached - seen:
            if var not in seen:
                more = self.get_dependent_nodes(var, seen | reached)
                reached |= more
        return reached - {i}

    # -- changing -----------------------------------------------------------------------------

    def remove_from_fields(
        self, i: Variable, rm_dependents: bool = True
    ) -> list[tuple[Variable, FieldInfo | None]]:
        """Remove a variable, and what depends on it, from the lists."""
        victims = [i]
        if rm_dependents:
            victims += [v for v in self.get_dependent_nodes(i) if v is not i]
        return [(v, self._remove_from_fields(v)) for v in victims]

    def _remove_from_fields(
        self, i: Variable, field_filter: Callable[[str], bool] = default_filter_scanargs
    ) -> FieldInfo | None:
        found = self.find_among_fields(i, field_filter)
        if found is None:
            return None
        field = getattr(self, found.name)
        if found.inner_index is None:
            del field[found.index]
            return found
        group = field[found.index]
        del group[found.inner_index]
        slices = re.sub("^inner_(in|out)_(mit_[ms]ot)$", r"\2_\1_slices", found.name)
        taps = [list(t) for t in getattr(self, slices)]
        del taps[found.index][found.inner_index]
        if not group:
            del field[found.index], taps[found.index]
        setattr(self, slices, tuple(map(tuple, taps)))
        return found

    def merge(self, other: "ScanArgs") -> "ScanArgs":
        """Return the lists of both; what is there twice by identity is kept once."""
        new = ScanArgs.create_empty()
        new.n_steps, new.as_while, new.cond = self.n_steps, self.as_while, list(self.cond)
        for name in vars(new):
            mine, theirs = getattr(self, name), getattr(other, name)
            if name.endswith("_slices"):
                setattr(new, name, (*mine, *theirs))
            elif re.match("(inner|outer)_(in|out)", name):
                extra = [v for v in theirs if not any(v is m for m in mine)]
                setattr(new, name, [*mine, *extra])
        return new

    def __copy__(self) -> "ScanArgs":
        return self.merge(ScanArgs.create_empty())
