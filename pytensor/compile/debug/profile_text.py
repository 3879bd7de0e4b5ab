"""The summary of a profile, as text."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from pytensor.compile.debug.node_times import NodeTimes
from pytensor.configdefaults import config
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.compile.debug.profiling import ProfileStats

_HOW = {"C": "compiled C", "VM": "interpreted loops", "Py": "Python"}


def seconds_text(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for limit, factor, unit in ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{factor * seconds:.4g} {unit}" if seconds else "0 s"
    return f"{seconds:.4g} s"


def bytes_text(number: float) -> str:
    """Return a size in the unit that suits it."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.4g} GiB"


def shapes_text(times: NodeTimes) -> str:
    """Return the shapes a node read and wrote, ``(3, 4), (4,) -> (3,)``."""
    if not times.outputs:
        return ""
    parts = [
        ", ".join("-" if shape is None else str(shape) for shape in shapes[:5])
        + (", ..." if len(shapes) > 5 else "")
        for shapes in (times.inputs, times.outputs)
    ]
    return " -> ".join(parts)


def backends(nodes: Sequence[NodeTimes]) -> dict[str, float]:
    """Return seconds by what ran the nodes."""
    found: dict[str, float] = defaultdict(float)
    for times in nodes:
        if not times.is_inner:
            found[times.backend] += times.seconds
    return dict(found)


def head_lines(profile: "ProfileStats", nodes: Sequence[NodeTimes]) -> list[str]:
    """Return what is said of the function as a whole."""
    calls, seconds = profile.fct_callcount, profile.fct_call_time
    lines = [f"{calls} calls in {seconds_text(seconds)}"]
    if calls:
        lines[0] += f", {seconds_text(seconds / calls)} a call"
    if profile.failed_calls:
        lines[0] += f"; {profile.failed_calls} raised an exception"
    inside = sum(times.seconds for times in nodes if not times.is_inner)
    if seconds and inside:
        parts = [f"{100 * t / seconds:.1f} % {_HOW[name]}" for name, t in backends(nodes).items()]
        around = f"{100 * max(seconds - inside, 0) / seconds:.1f} % around the nodes"
        lines.append(f"of that {', '.join(parts)}, {around} (arguments, results, updates)")
    return lines


def compile_lines(profile: "ProfileStats") -> list[str]:
    """Return what compiling took, with the stages that took most of it."""
    other = max(profile.compile_time - profile.rewriting_time, 0.0)
    total = profile.compile_time + profile.linker_time
    lines = [
        f"compiled in {seconds_text(total)}: rewriting {seconds_text(profile.rewriting_time)}, "
        f"linking {seconds_text(profile.linker_time)}, preparing {seconds_text(other)}; "
        f"{profile.nb_nodes} nodes"
    ]
    for title, stages in (
        ("rewriting", profile.rewriting_stages),
        ("linking", profile.linker_stages),
    ):
        rows = sorted(stages.items(), key=lambda item: -item[1])[:6]
        if rows:
            text = ", ".join(f"{name} {seconds_text(s)}" for name, s in rows)
            lines.append(f"  {title}: {text}")
    return lines


def memory_lines(profile: "ProfileStats", nodes: Sequence[NodeTimes]) -> list[str]:
    """Return what is known of memory."""
    made = sum(times.bytes_out for times in nodes)
    if not made:
        return []
    line = f"memory: nodes write {bytes_text(made)} a call"
    if profile.buffer_bytes:
        line += f"; {bytes_text(profile.buffer_bytes)} of buffers are kept between calls"
    return [line]


def write(
    profile: "ProfileStats", file: TextIO, n_ops: int | None = None, n_nodes: int | None = None
) -> None:
    """Write everything."""
    write_function(profile, file)
    nodes = profile.node_times()
    if nodes:
        write_classes(profile, file, n_ops, nodes)
        write_ops(profile, file, n_ops, nodes)
        write_nodes(profile, file, n_nodes, nodes)
        write_memory(profile, file, n_nodes, nodes)
        if config.profiling__debugprint:
            for graph in {id(t.fgraph): t.fgraph for t in nodes}.values():
                late("pytensor.printing:debugprint")(graph, file=file)
    elif profile.fct_callcount:
        print("  (this backend does not run nodes one by one: no times of nodes)", file=file)
    print(file=file)


def write_function(profile: "ProfileStats", file: TextIO) -> None:
    """Write calls, compile stages and memory."""
    nodes = profile.node_times()
    title = f"Profile of {profile.message or 'a function'}"
    lines = [*head_lines(profile, nodes), *compile_lines(profile), *memory_lines(profile, nodes)]
    print(f"{title}\n{'=' * len(title)}", file=file)
    for line in lines:
        print(f"  {line}", file=file)


_Row = tuple[float, int, int, str, str]


def _groups(nodes: Sequence[NodeTimes], key: Callable[[NodeTimes], str]) -> list[_Row]:
    """Return (seconds, runs, nodes, backends, name) of groups of nodes, the slowest first."""
    groups: dict[str, list[NodeTimes]] = defaultdict(list)
    for times in nodes:
        if not times.is_inner:
            groups[key(times)].append(times)
    rows = [
        (
            sum(t.seconds for t in members),
            sum(t.runs for t in members),
            len(members),
            " ".join(sorted({t.backend for t in members})),
            name,
        )
        for name, members in groups.items()
    ]
    return sorted(rows, key=lambda row: -row[0])


def class_rows(nodes: Sequence[NodeTimes]) -> list[_Row]:
    """Return the rows of the classes of Ops."""
    return _groups(nodes, lambda times: type(times.node.op).__name__)


def _write_groups(title: str, rows: list[_Row], file: TextIO, limit: int, width: int) -> None:
    total = sum(row[0] for row in rows) or 1.0
    print(f"\n{title}", file=file)
    print(f"  {'share':>6}  {'seconds':>9}  {'a run':>9}  {'runs':>8}  {'nodes':>5}  in", file=file)
    for seconds, runs, count, how, name in rows[:limit]:
        each = seconds_text(seconds / runs)
        start = f"  {100 * seconds / total:5.1f}%  {seconds:9.3g}  {each:>9}  {runs:>8}  {count:>5}"
        print(f"{start}  {how:<5}  {name}"[:width], file=file)
    _write_rest(len(rows) - limit, sum(row[0] for row in rows[limit:]) / total, file)


def _write_rest(count: int, share: float, file: TextIO) -> None:
    if count > 0:
        print(f"  {100 * share:5.1f}%  in {count} more", file=file)


def write_classes(
    profile: "ProfileStats", file: TextIO, n: int | None = None, nodes: Any = None
) -> None:
    """Write the classes of Ops."""
    rows = class_rows(profile.node_times() if nodes is None else nodes)
    limit = config.profiling__n_ops if n is None else n
    _write_groups("Classes of Ops", rows, file, limit, profile.line_width)


def write_ops(
    profile: "ProfileStats", file: TextIO, n: int | None = None, nodes: Any = None
) -> None:
    """Write the Ops."""
    rows = _groups(profile.node_times() if nodes is None else nodes, lambda times: times.title)
    limit = config.profiling__n_ops if n is None else n
    _write_groups("Ops", rows, file, limit, profile.line_width)


def write_nodes(
    profile: "ProfileStats", file: TextIO, n: int | None = None, nodes: Any = None
) -> None:
    """Write the nodes; those of inner graphs after the others."""
    nodes = profile.node_times() if nodes is None else nodes
    limit = config.profiling__n_apply if n is None else n
    total = sum(t.seconds for t in nodes if not t.is_inner) or 1.0
    for title, members in (
        ("Nodes", [t for t in nodes if not t.is_inner]),
        ("Nodes inside of loops (their time is part of that of the loop)",
         [t for t in nodes if t.is_inner]),
    ):  # fmt: skip
        if not members:
            continue
        print(f"\n{title}", file=file)
        head = f"  {'share':>6}  {'seconds':>9}  {'a run':>9}  {'runs':>8}  in  {'rate':>13}"
        print(head, file=file)
        members.sort(key=lambda t: -t.seconds)
        for times in members[:limit]:
            _write_node(times, total, file, profile.line_width)
        _write_rest(len(members) - limit, sum(t.seconds for t in members[limit:]) / total, file)


def _write_node(times: NodeTimes, total: float, file: TextIO, width: int) -> None:
    each = seconds_text(times.seconds / times.runs)
    start = (
        f"  {100 * times.seconds / total:5.1f}%  {times.seconds:9.3g}  {each:>9}  {times.runs:>8}"
    )
    print(f"{start}  {times.backend:<2}  {times.rate:>13}  {times.title}"[:width], file=file)
    for text in filter(None, (shapes_text(times), times.line)):
        text = text if len(text) <= 100 else f"{text[:96]} ..."
        print(f"{' ' * 59}  {text}"[:width], file=file)


def write_memory(
    profile: "ProfileStats", file: TextIO, n: int | None = None, nodes: Any = None
) -> None:
    """Write the largest results."""
    nodes = profile.node_times() if nodes is None else nodes
    limit = config.profiling__n_apply if n is None else n
    least = config.profiling__min_memory_size
    large = sorted((t for t in nodes if t.bytes_out >= least), key=lambda t: -t.bytes_out)
    if not large:
        return
    print(f"\nResults of at least {bytes_text(least)}, views left out", file=file)
    # Equal rows are one.
    groups: dict[tuple[int, str, str], int] = defaultdict(int)
    for times in large:
        groups[times.bytes_out, ", ".join(map(str, times.outputs)), times.title] += 1
    rows = list(groups.items())
    for (size, shapes, name), count in rows[:limit]:
        many = f"{count} x" if count > 1 else ""
        text = f"  {many:>5} {bytes_text(size):>10}  {shapes:<20}  {name}"
        print(text[: profile.line_width], file=file)
    rest = sum(size * count for (size, _, _), count in rows[limit:])
    if rest:
        print(f"  {'':>5} {bytes_text(rest):>10}  in {len(rows) - limit} more rows", file=file)
