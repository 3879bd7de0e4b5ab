"""What `python -m pytensor blas` prints: the BLAS in use, and what became of every other one."""

import os
import textwrap
from collections.abc import Iterator

import numpy as np

from pytensor.configdefaults import config
from pytensor.tensor.blas import _ldflags
from pytensor.tensor.blas._candidates import (
    Candidate,
    best_first,
    find_candidates,
    why_not_tried,
)
from pytensor.tensor.blas._capsules import scipy_provider, scipy_runtime
from pytensor.tensor.blas._families import symbol
from pytensor.tensor.blas._linked import ProbeError, probe
from pytensor.tensor.blas._measure import best_time, gemm_call
from pytensor.tensor.blas._provider import BLAS_NAMES, BlasProvider
from pytensor.tensor.blas._runtime import Runtime, runtime_of
from pytensor.tensor.blas._threads import limit_threads, pools

__all__ = ["report"]

WIDTH = 78
SIZE = 512


def report(measure: bool = True) -> str:
    """Return the text.

    Parameters
    ----------
    measure : bool
        Try candidates, and time the chosen library beside NumPy's.
    """
    provider = _ldflags.get_provider()
    facts = _facts(provider)
    if measure:
        facts += _speeds(provider)
    lines = [f"BLAS: {provider.name} {provider.version}".rstrip(), ""]
    lines += [line for name, text in facts for line in _wrapped(f"  {name:<14} ", text)]
    lines += ["", "Candidates, the best class first (> in use, + could be used, - refused)"]
    for mark, title, place, verdict in _candidates(provider, measure):
        lines += ["", f"{mark} {title}", *([f"    {_short(place, WIDTH - 4)}"] if place else ())]
        lines += _wrapped("    ", verdict)
    return "\n".join(lines)


def _wrapped(start: str, text: str) -> list[str]:
    """Lines of a text that goes on below itself."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    )


def _facts(provider: BlasProvider) -> list[tuple[str, str]]:
    setting = config.blas__ldflags
    reached = {
        "NumPy": "addresses looked up in the process: nothing is linked or loaded",
        "SciPy": "SciPy's capsules: nothing is linked",
        "linked": f"linked: {provider.flags}",
    }[provider.how]
    facts = [
        ("chosen because", provider.why),
        ("blas__ldflags", setting or "(empty: SciPy's)"),
        ("reached by", reached),
        ("library", _short(provider.library, WIDTH - 17) or "unknown"),
        ("integers", f"{provider.int_bits} bits"),
        ("symbols", symbol("dgemm", provider.mangling)),
        ("threads", _threads(provider)),
        ("LAPACK", "SciPy's, loaded when a function calls it"),
    ]
    if provider.zero_first:
        facts.append(("repaired", "beta = 0 does not clear its output: cleared before the call"))
    if provider.sdot_returns_double:
        facts.append(("repaired", "sdot returns a double: read as one"))
    missing = [name for name, address in zip(BLAS_NAMES, provider.addresses) if not address]
    if missing:
        facts.append(("lacks", ", ".join(missing)))
    return facts


def _short(path: str, width: int) -> str:
    """A path with the home directory as ``~``, and without its middle if it is too long."""
    home = os.path.expanduser("~")
    if home != "/" and path.startswith(home + os.sep):
        path = "~" + path[len(home) :]
    if len(path) <= width:
        return path
    first = width // 3
    return f"{path[:first]}...{path[len(path) - (width - first - 3) :]}"


def _threads(provider: BlasProvider) -> str:
    runtime = _runtime(provider)
    if runtime is None:
        others = [f"{pool.get()} ({pool.name})" for pool in pools()]
        return ", ".join(others) or "unknown"
    text = f"{runtime.get_threads()}"
    if provider.threading:
        text += f" ({provider.threading})"
    if config.blas__threads:
        text += f", limited to {config.blas__threads} in compiled functions"
    return text


def _runtime(provider: BlasProvider) -> Runtime | None:
    handle = provider.keep_alive
    return scipy_runtime() if handle is None else runtime_of(handle)  # type: ignore[arg-type]


def _speeds(provider: BlasProvider) -> list[tuple[str, str]]:
    """The speed of both, measured in turns: other programs slow both down alike."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(SIZE, SIZE)), rng.normal(size=(SIZE, SIZE))
    z = np.empty((SIZE, SIZE))
    mine = gemm_call(provider.pointers(["dgemm"])[0], provider.int_bits, x, y, z)
    rate = 2e-9 * SIZE**3
    texts = []
    for label, limit in (("one thread", 1), ("all threads", 0)):
        with limit_threads(limit if pools() else 0):
            times = [
                (best_time(mine, 0.02), best_time(lambda: np.matmul(x, y, out=z), 0.02))
                for _ in range(12)
            ]
        own, numpy = (rate / min(column) for column in zip(*times))
        texts.append((f"  {label}", f"{own:.1f} GFLOP/s, NumPy {numpy:.1f}"))
    return [("speed", f"of a {SIZE} x {SIZE} product of doubles:"), *texts]


def _candidates(provider: BlasProvider, measure: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield (mark, what and where found, path or flags, verdict)."""
    setting = config.blas__ldflags
    verdicts = list(_ldflags.verdicts_of(setting)) if setting else []
    if not any(verdict.candidate.where == "NumPy" for verdict in verdicts):
        verdicts.insert(0, _ldflags.numpys_own())
    seen = set()
    for verdict in reversed(verdicts):
        candidate, taken = verdict.candidate, verdict.provider is not None
        if taken or candidate.where in {"blas__ldflags", "NumPy"}:
            seen.add(_key(candidate))
            used = taken and verdict.provider is provider
            mark = ">" if used else "+" if taken else "-"
            yield mark, _title(candidate), candidate.path or candidate.flags, verdict.reason
    scipy = scipy_provider()
    seen.add(scipy.library)
    for candidate in best_first(find_candidates()):
        if _key(candidate) not in seen:
            mark, reason = _installed(candidate, measure)
            yield mark, _title(candidate), candidate.path or candidate.flags, reason
    mark = ">" if provider.how == "SciPy" else "+"
    yield mark, f"{scipy.name} of SciPy, by its capsules", scipy.library, "always there"


def _key(candidate: Candidate) -> str:
    return os.path.realpath(candidate.path) if candidate.path else candidate.flags


def _title(candidate: Candidate) -> str:
    loaded = ", loaded already" if candidate.loaded else ""
    return f"{candidate.family.name} (found: {candidate.where}{loaded})"


def _installed(candidate: Candidate, measure: bool) -> tuple[str, str]:
    """Whether a library could be linked, and what speaks against it."""
    second_allowed = config.blas__ldflags == "fastest"
    reason = why_not_tried(candidate, _ldflags.present_family(), second_allowed)
    if not measure:
        return "-", reason or "not tried"
    try:
        ratio = probe(candidate.flags).ratio
    except ProbeError as error:
        return "-", str(error)
    speed = f"works; one thread is {ratio:.2f} times as fast as one of SciPy's"
    return "+", f"{speed}; {reason}" if reason else speed
