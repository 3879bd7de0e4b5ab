"""The other end of `worker.py`: start it, ask it, give up on it after a time limit."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frontends import Frontend

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ONE_THREAD = {
    name: "1"
    for name in (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
        *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"),
    )
}
UNWANTED = {
    *("PYTHONPATH", "PYTHONHOME", "PYTENSOR_FLAGS", "PYTENSORRC"),
    # Without byte code every new process would compile this package again, but not the peers.
    "PYTHONDONTWRITEBYTECODE",
}


@dataclass(frozen=True)
class Competitor:
    """A front end and the interpreter that runs it."""

    frontend: Frontend
    python: str
    blas: str = ""

    @property
    def name(self) -> str:
        return self.frontend.name

    def environment(self, cache: Path) -> Mapping[str, str]:
        """Return the environment: one thread, caches in `cache`, no search path of the caller's."""
        environment = {k: v for k, v in os.environ.items() if k not in UNWANTED} | ONE_THREAD
        for name, text in self.frontend.settings.items():
            environment[name] = text.format(cache=cache, blas=self.blas)
        if "{blas}" in str(self.frontend.settings):
            # Its flags are separated by commas: no room for -Wl,-rpath,DIRECTORY.
            places = [word[2:] for word in self.blas.split() if word.startswith("-L")]
            places += [p for p in [environment.get("LD_LIBRARY_PATH")] if p]
            environment["LD_LIBRARY_PATH"] = os.pathsep.join(places)
        if self.frontend.uses_ours:
            environment["PYTHONPATH"] = str(ROOT)
        return environment


class WorkerProcess:
    """A running worker. Every answer comes with a time limit; a late worker is ended.

    Parameters
    ----------
    competitor
        Who.
    cache
        Directory of its caches.
    log
        Where its standard error goes.
    cpu
        Processor to pin it to, or None.
    """

    def __init__(self, competitor: Competitor, cache: Path, log: Path, cpu: int | None = None):
        self.competitor = competitor
        for directory in (cache, log.parent):
            directory.mkdir(parents=True, exist_ok=True)
        pin = None
        if cpu is not None:
            # Before the library starts: some size their thread pools by the processors they see.
            pin = lambda: os.sched_setaffinity(0, {cpu})  # noqa: E731
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                [competitor.python, "-P", str(HERE / "worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=cache,
                env=competitor.environment(cache),
                preexec_fn=pin,
                start_new_session=os.name == "posix",
            )
        self.answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def ask(self, do: str, limit: float, **arguments) -> dict:
        """Return the answer to a request, or why there is none (`skipped`, `failed`)."""
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=limit)
        except queue.Empty:
            self.close()
            return {"skipped": f"> {limit:.0f} s"}
        except OSError:
            line = ""
        if not line:
            self.close()
            return {"failed": f"the worker ended with code {self.process.poll()}"}
        return json.loads(line)

    def close(self) -> None:
        """End the worker, with the compilers it may have started."""
        if self.process.poll() is None:
            try:
                if os.name == "posix":
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.kill()
            except ProcessLookupError:
                print("[benchmarks] the worker had ended already", file=sys.stderr)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                continue

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def stopped(answer: dict) -> bool:
    """Tell whether an answer says that there is nothing to measure."""
    return "skipped" in answer or "failed" in answer
