"""Registries of rewriters, and queries that pick from them by tag."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterable, Iterator, MutableSet, Sequence
from types import FrameType
from typing import Any

from pytensor.configdefaults import config
from pytensor.graph.rewriting.drivers import WalkingGraphRewriter
from pytensor.graph.rewriting.equilibrium import EquilibriumGraphRewriter
from pytensor.graph.rewriting.rewriters import GraphRewriter, NodeRewriter
from pytensor.graph.rewriting.sequence import SequentialGraphRewriter
from pytensor.graph.rewriting.tracker import SequentialNodeRewriter


class TagSet(MutableSet):
    """A set that remembers the order of insertion."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable = ()):
        self._items = dict.fromkeys(items)

    def add(self, value) -> None:
        self._items[value] = None

    def discard(self, value) -> None:
        self._items.pop(value, None)

    def update(self, items: Iterable) -> None:
        """Add all of `items`."""
        self._items.update(dict.fromkeys(items))

    def union(self, *others: Iterable) -> TagSet:
        """Return a new set with the elements of this one and of `others`."""
        result = TagSet(self)
        for other in others:
            result.update(other)
        return result

    def copy(self) -> TagSet:
        return TagSet(self)

    def __contains__(self, value) -> bool:
        return value in self._items

    def __iter__(self) -> Iterator:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self):
        return f"TagSet({list(self._items)!r})"


class RankedTags(TagSet):
    """A `TagSet` whose order is that of the modules named by `ranks`, not of their imports."""

    __slots__ = ("_last", "_rank", "_sorted")

    ranks: dict[str, int] = {}
    """The places of modules that are imported when wanted; all others come last."""

    def __init__(self):
        super().__init__()
        self._rank: dict = {}
        self._last = -math.inf
        self._sorted = True

    def add(self, value, rank: float | None = None) -> None:
        if value in self._items:
            return
        if rank is None:
            rank = current_rank()
        if rank < self._last:
            self._sorted = False
        else:
            self._last = rank
        self._items[value] = None
        self._rank[value] = rank

    def discard(self, value) -> None:
        super().discard(value)
        self._rank.pop(value, None)

    def __iter__(self) -> Iterator:
        if not self._sorted:
            # Whole dictionaries take the place of others: a second thread sees one or the other.
            self._rank = dict(sorted(self._rank.items(), key=lambda item: item[1]))
            self._items = dict.fromkeys(self._rank)
            self._sorted = True
        return iter(self._items)


def current_rank() -> float:
    """Return the place of the module that is being imported, infinity if it has none."""
    if RankedTags.ranks:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name == "<module>":
                return RankedTags.ranks.get(frame.f_globals.get("__name__", ""), math.inf)
            frame = frame.f_back
    return math.inf


class RewriteDatabase:
    """Rewriters (and other databases) by name and by tag."""

    # Counts changes of all databases, so that cached answers can be told stale.
    _changes = 0
    # Who imports rules when they are wanted, if they are: asked by everything that lists them, and
    # about ops by the trackers of what `query` returns.
    loader: Any = None

    def __init__(self):
        self.__db__: dict[str | None, RankedTags] = {}
        self._names: set = set()
        self.name: str | None = None

    def register(
        self,
        name: str,
        rewriter: RewriteDatabase | GraphRewriter | NodeRewriter,
        *tags: str | None,
        use_db_name_as_tag: bool = True,
        overwrite_existing: bool = False,
    ) -> None:
        """Add `rewriter` under `name` and `tags`.

        Parameters
        ----------
        name
            A name no other rewriter or tag of this database has.
        rewriter
            A rewriter, or a database to be queried in its place.
        tags
            What queries can include, require and exclude it by.
        use_db_name_as_tag
            Whether the name of this database is one more tag.
        overwrite_existing
            Whether an earlier rewriter of that name may be replaced.
        """
        if not isinstance(rewriter, RewriteDatabase | GraphRewriter | NodeRewriter):
            raise TypeError(
                f"[RewriteDatabase] rewriter must be a rewriter or a database, got {rewriter!r}"
            )
        if name in self.__db__:
            if not overwrite_existing:
                raise ValueError(f"[RewriteDatabase] the tag {name!r} is already present")
            for old in list(self.__db__[name]):
                for members in self.__db__.values():
                    members.discard(old)
        if use_db_name_as_tag and self.name is not None:
            tags = (*tags, self.name)
        if getattr(rewriter, "name", None) is None or isinstance(rewriter, RewriteDatabase):
            rewriter.name = name
        self.__db__[name] = RankedTags()
        rank = current_rank()
        self.__db__[name].add(rewriter, rank)
        self._names.add(name)
        self._tagged(type(rewriter).__name__).add(rewriter, rank)
        self._add_tags(name, rewriter, tags, rank)

    def _tagged(self, tag) -> RankedTags:
        found = self.__db__.get(tag)
        if found is None:
            found = self.__db__[tag] = RankedTags()
        return found

    def add_tags(self, name: str, *tags: str | None) -> None:
        """Give the rewriter called `name` more tags."""
        self._add_tags(name, self[name], tags, current_rank())

    def _add_tags(self, name: str, rewriter, tags: Iterable[str | None], rank: float) -> None:
        RewriteDatabase._changes += 1
        for tag in tags:
            if tag is not None and tag in self._names:
                if tag == name:
                    continue
                raise ValueError(f"[RewriteDatabase] the tag {tag!r} is the name of a rewriter")
            self._tagged(tag).add(rewriter, rank)

    def remove_tags(self, name: str, *tags: str | None) -> None:
        """Take tags away from the rewriter called `name`."""
        RewriteDatabase._changes += 1
        rewriter = self[name]
        for tag in tags:
            if tag in self._names:
                raise ValueError(f"[RewriteDatabase] the tag {tag!r} is the name of a rewriter")
            self._tagged(tag).discard(rewriter)

    def _load_all(self) -> None:
        if self.loader is not None:
            self.loader.load_rules()

    def __contains__(self, name) -> bool:
        if name not in self.__db__:
            self._load_all()
        return name in self.__db__

    def __getitem__(self, name):
        members = self.__db__.get(name)
        if not members:
            self._load_all()
            members = self.__db__.get(name)
        if not members:
            raise KeyError(f"Nothing registered for {name!r}")
        if len(members) > 1:
            raise ValueError(f"More than one match for {name!r} (please use query)")
        return next(iter(members))

    def _select(self, q: RewriteDatabaseQuery) -> TagSet:
        """Return what `q` asks for, sub-databases replaced by their own answers."""
        chosen = TagSet()
        for tag in q.include:
            chosen.update(self.__db__.get(tag, ()))
        for tag in q.require:
            required = self.__db__.get(tag, ())
            chosen = TagSet(obj for obj in chosen if obj in required)
        for tag in q.exclude:
            for obj in self.__db__.get(tag, ()):
                chosen.discard(obj)
        return TagSet(self._resolve(obj, q) for obj in chosen)

    @staticmethod
    def _resolve(obj, q: RewriteDatabaseQuery):
        if not isinstance(obj, RewriteDatabase):
            return obj
        default = q
        if q.extra_rewrites:
            default = copy.copy(q)
            default.extra_rewrites = []
        rewriter = obj.query(q.subquery.get(obj.name or "", default))
        rewriter.name = obj.name
        return rewriter

    def query(self, *tags, **kwtags) -> Any:
        """Return the rewriters with the wanted tags.

        Takes a `RewriteDatabaseQuery`, or tags with a leading ``+`` (include), ``&``
        (require) or ``-`` (exclude) and sub-queries by name as keywords. A tag that
        nothing has is no error.
        """
        return self._select(as_query(tags, kwtags))

    def print_summary(self, stream=sys.stdout):
        """Write the names and tags to `stream`."""
        self._load_all()
        print(f"{type(self).__name__} (id {id(self)})", file=stream)
        print(f"  names {sorted(self._names, key=str)}", file=stream)
        print(f"  tags {sorted(map(str, self.__db__))}", file=stream)


class RewriteDatabaseQuery:
    """Which rewriters to take from a `RewriteDatabase`.

    Parameters
    ----------
    include
        Tags of which a rewriter must have at least one.
    require
        Tags a rewriter must have all of.
    exclude
        Tags a rewriter must have none of.
    subquery
        Queries for sub-databases, by name; the others get this same query.
    position_cutoff
        Position after which nothing is taken from a `SequenceDB`.
    extra_rewrites
        Pairs of a rewriter and the position to put it.
    """

    def __init__(
        self,
        include: Iterable[str | None],
        require: Sequence[str] | TagSet | None = None,
        exclude: Sequence[str] | TagSet | None = None,
        subquery: dict[str, RewriteDatabaseQuery] | None = None,
        position_cutoff: float = math.inf,
        extra_rewrites: Sequence[tuple[Any, int | float]] | None = None,
    ):
        self.include = TagSet(include)
        self.require = TagSet(require or ())
        self.exclude = TagSet(exclude or ())
        self.subquery = dict(subquery or {})
        self.position_cutoff = position_cutoff
        self.name: str | None = None
        self.extra_rewrites = list(extra_rewrites or [])

    def __str__(self):
        return (
            f"RewriteDatabaseQuery(inc={list(self.include)},ex={list(self.exclude)},"
            f"require={list(self.require)},subquery={self.subquery},"
            f"position_cutoff={self.position_cutoff},extra_rewrites={self.extra_rewrites})"
        )

    def including(self, *tags: str) -> RewriteDatabaseQuery:
        """Return a query that includes `tags` as well."""
        return self._changed(include=self.include.union(tags))

    def excluding(self, *tags: str) -> RewriteDatabaseQuery:
        """Return a query that excludes `tags` as well."""
        return self._changed(exclude=self.exclude.union(tags))

    def requiring(self, *tags: str) -> RewriteDatabaseQuery:
        """Return a query that requires `tags` as well."""
        return self._changed(require=self.require.union(tags))

    def register(self, *rewrites: tuple[Any, int | float]) -> RewriteDatabaseQuery:
        """Return a query that adds rewriters at given positions."""
        return self._changed(extra_rewrites=[*self.extra_rewrites, *rewrites])

    def _changed(self, **changes) -> RewriteDatabaseQuery:
        parts: dict[str, Any] = {
            "include": self.include,
            "require": self.require,
            "exclude": self.exclude,
            "subquery": self.subquery,
            "position_cutoff": self.position_cutoff,
            "extra_rewrites": self.extra_rewrites,
        }
        return type(self)(**(parts | changes))

    def key(self) -> tuple | None:
        """Return a hashable form of the query, ``None`` if it brings its own rewriters."""
        if self.extra_rewrites:
            return None
        subqueries = {name: query.key() for name, query in self.subquery.items()}
        if None in subqueries.values():
            return None
        return (
            tuple(self.include),
            tuple(self.require),
            tuple(self.exclude),
            tuple(subqueries.items()),
            self.position_cutoff,
        )


def as_query(tags: Sequence, kwtags: dict) -> RewriteDatabaseQuery:
    """Turn the arguments of `RewriteDatabase.query` into a `RewriteDatabaseQuery`."""
    if tags and isinstance(tags[0], RewriteDatabaseQuery):
        if len(tags) > 1 or kwtags:
            raise TypeError(
                "[query] a RewriteDatabaseQuery must be the only argument, got "
                f"{tags[1:]} and {kwtags} as well"
            )
        return tags[0]
    parts: dict[str, list] = {"+": [], "&": [], "-": []}
    for tag in tags:
        if not isinstance(tag, str) or tag[:1] not in parts:
            raise ValueError(f"[query] tags must start with '+', '&' or '-', got {tag!r}")
        parts[tag[0]].append(tag[1:])
    return RewriteDatabaseQuery(
        include=parts["+"], require=parts["&"], exclude=parts["-"], subquery=kwtags
    )


class EquilibriumDB(RewriteDatabase):
    """A database whose rewriters are applied together until nothing changes.

    Parameters
    ----------
    ignore_newtrees
        Whether nodes made by a rewrite wait for the next round.
    tracks_on_change_inputs
        Kept for compatibility.
    eq_rewriter_class
        The class of what `query` returns.
    """

    def __init__(
        self,
        ignore_newtrees: bool = True,
        tracks_on_change_inputs: bool = False,
        eq_rewriter_class=EquilibriumGraphRewriter,
    ):
        super().__init__()
        self.ignore_newtrees = ignore_newtrees
        self.tracks_on_change_inputs = tracks_on_change_inputs
        self.eq_rewriter_class = eq_rewriter_class
        self.__final__: dict[str, bool] = {}
        self.__cleanup__: dict[str, bool] = {}

    def register(
        self,
        name: str,
        rewriter,
        *tags: str | None,
        final_rewriter: bool = False,
        cleanup: bool = False,
        **kwargs,
    ) -> None:
        """Add a rewriter; `final_rewriter` and `cleanup` ones run at the end of a round."""
        if final_rewriter and cleanup:
            raise ValueError("[EquilibriumDB] final_rewriter and cleanup must not both be given")
        super().register(name, rewriter, *tags, **kwargs)
        self.__final__[name] = final_rewriter
        self.__cleanup__[name] = cleanup

    def query(self, *tags, **kwtags):
        self._load_all()
        q = as_query(tags, kwtags)
        chosen = self._select(q)
        final = [rw for rw in chosen if self.__final__.get(rw.name, False)]
        cleanup = [rw for rw in chosen if self.__cleanup__.get(rw.name, False)]
        ordinary = [rw for rw in chosen if rw not in final and rw not in cleanup]
        rewriter = self.eq_rewriter_class(
            ordinary,
            max_use_ratio=config.optdb__max_use_ratio,
            ignore_newtrees=self.ignore_newtrees,
            tracks_on_change_inputs=self.tracks_on_change_inputs,
            failure_callback=EquilibriumGraphRewriter.warn_inplace,
            final_rewriters=final,
            cleanup_rewriters=cleanup,
        )
        if self.loader is not None:
            rewriter.node_tracker.follow(self.loader, lambda: self._node_rewriters(q))
        return rewriter

    def _node_rewriters(self, q: RewriteDatabaseQuery) -> list[NodeRewriter]:
        apart = (self.__final__, self.__cleanup__)
        return [
            rw
            for rw in self._select(q)
            if isinstance(rw, NodeRewriter) and not any(names.get(rw.name or "") for names in apart)
        ]


class SequenceDB(RewriteDatabase):
    """A database whose rewriters are applied one after the other, ordered by position."""

    seq_rewriter_type = SequentialGraphRewriter

    def __init__(self, failure_callback=SequentialGraphRewriter.warn):
        super().__init__()
        self.__position__: dict[str, float] = {}
        self.failure_callback = failure_callback

    def register(  # type: ignore[override]  # the name of the second argument is upstream's
        self, name, obj, *tags, position: float | str | None = None, **kwargs
    ) -> None:
        """Add a rewriter at `position`; after all others when that is ``"last"`` or absent."""
        if position is None or position == "last":
            position = math.floor(max(self.__position__.values(), default=-1)) + 1
        elif not isinstance(position, int | float):
            raise TypeError(f"[SequenceDB] position must be a number or 'last', got {position!r}")
        super().register(name, obj, *tags, **kwargs)
        self.__position__[name] = position

    def _ordered(self, q: RewriteDatabaseQuery, position_cutoff: float) -> list:
        chosen = list(self._select(q))
        position = {rw: self.__position__[self._name_of(rw)] for rw in chosen}
        for extra, where in q.extra_rewrites:
            rw = self.query(extra) if isinstance(extra, RewriteDatabaseQuery) else extra
            chosen.append(rw)
            position[rw] = where
        kept = [rw for rw in chosen if position[rw] < position_cutoff]
        # Same position: by name, so that the order does not depend on imports.
        return sorted(kept, key=lambda rw: (position[rw], str(getattr(rw, "name", None) or rw)))

    def _name_of(self, rewriter) -> str:
        """Return the name `rewriter` was registered under here."""
        name = getattr(rewriter, "name", None)
        if name in self.__position__:
            return name
        for candidate in self.__position__:
            if rewriter in self.__db__[candidate]:
                return candidate
        raise KeyError(f"Nothing registered for {rewriter!r}")

    def query(self, *tags, position_cutoff: int | float | None = None, **kwtags):
        q = as_query(tags, kwtags)
        if position_cutoff is None:
            position_cutoff = min(q.position_cutoff, config.optdb__position_cutoff)
        return self.seq_rewriter_type(
            self._ordered(q, position_cutoff), failure_callback=self.failure_callback
        )

    def print_summary(self, stream=sys.stdout):
        """Write names by position, and tags, to `stream`."""
        self._load_all()
        print(f"{type(self).__name__} (id {id(self)})", file=stream)
        for name, position in sorted(self.__position__.items(), key=lambda item: item[1]):
            print(f"  {position:>7} {name}", file=stream)


class LocalGroupDB(SequenceDB):
    """A database of node rewriters that are tried in turn on one node.

    Parameters
    ----------
    apply_all_rewrites
        See `SequentialNodeRewriter`.
    profile
        Kept for compatibility.
    node_rewriter
        The class of what `query` returns.
    """

    def __init__(
        self,
        apply_all_rewrites: bool = False,
        profile: bool = False,
        node_rewriter=SequentialNodeRewriter,
    ):
        super().__init__(failure_callback=None)
        self.apply_all_rewrites = apply_all_rewrites
        self.profile = profile
        self.node_rewriter = node_rewriter

    def register(self, name, obj, *tags, position="last", **kwargs):
        if position == "last" and (rank := current_rank()) is not math.inf:
            # After the rules of earlier modules, before those of later ones.
            taken = [p for p in self.__position__.values() if rank <= p < rank + 1]
            position = max(taken) + 2**-20 if taken else rank
        super().register(name, obj, *tags, position=position, **kwargs)

    def query(self, *tags, **kwtags):
        self._load_all()
        q = as_query(tags, kwtags)
        rewriter = self.node_rewriter(
            *self._ordered(q, math.inf),
            apply_all_rewrites=self.apply_all_rewrites,
            profile=self.profile,
        )
        if self.loader is not None:
            rewriter.follow(self.loader, lambda: self._ordered(q, math.inf))
        return rewriter


class TopoDB(RewriteDatabase):
    """Apply the node rewriters of another database in one walk over the graph."""

    def __init__(self, db, order="in_to_out", ignore_newtrees=False, failure_callback=None):
        super().__init__()
        self.db = db
        self.order = order
        self.ignore_newtrees = ignore_newtrees
        self.failure_callback = failure_callback

    def query(self, *tags, **kwtags):
        walker = WalkingGraphRewriter(
            self.db.query(*tags, **kwtags),
            self.order,
            self.ignore_newtrees,
            self.failure_callback,
        )
        if self.db.loader is not None:
            walker.follow(self.db.loader)
        return walker


class ProxyDB(RewriteDatabase):
    """Another database under a second name, for instance at a second position."""

    def __init__(self, db):
        if not isinstance(db, RewriteDatabase):
            raise TypeError(f"[ProxyDB] db must be a RewriteDatabase, got {db!r}")
        super().__init__()
        self.db = db

    def query(self, *tags, **kwtags):
        return self.db.query(*tags, **kwtags)
