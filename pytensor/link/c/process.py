"""Running the compiler: no shell, a time limit, bounded output, and everything it started ends with it."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytensor.link.c.cache import get_cache

if TYPE_CHECKING:
    import subprocess

__all__ = ["CompileError", "kill_all", "run"]

# As much is kept of what the compiler says; the rest is read and dropped.
_MOST_SAID = 1 << 16
# They make gcc write files of their own, or objects look for libraries where others may write.
_NOT_PASSED = ("DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "LD_RUN_PATH")


class CompileError(RuntimeError):
    """The compiler could not be run, took too long, or refused the source."""


def _environment(command, cwd) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED}
    # The working directory: its full name may be too long for a compiler to add to, or odd.
    env |= {"LC_ALL": "C", "TMPDIR": ".", "SOURCE_DATE_EPOCH": "0"}
    if sys.platform == "darwin":
        env["TMPDIR"] = str(cwd)
    if "zig" in " ".join(map(str, command[:4])):
        # Zig compiles parts of the C library first, and takes them from here the next time.
        cache = get_cache()
        home = cache.directory if cache.persistent and cache.directory else Path(cwd)
        env.setdefault("ZIG_GLOBAL_CACHE_DIR", str(home / "zig"))
        env.setdefault("ZIG_LOCAL_CACHE_DIR", str(cwd))
    return env


def run(command, *, cwd, timeout) -> tuple[int, str]:
    """Run a command in its own process group; kill the whole group on time-out or interrupt.

    Returns
    -------
    status, output
        Exit status and merged standard output and error, its beginning if there is much.

    Raises
    ------
    CompileError
        If it cannot be started, or takes longer than `timeout` seconds.
    """
    import subprocess  # noqa: PLC0415  (slow to import, seldom needed)

    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(command, cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
    except (OSError, ValueError) as error:
        # ValueError: a null character in an argument.
        raise CompileError(f"[C compiler] cannot run {command[0]!r}: {error}") from error
    _running.add(process)
    try:
        said = _listen(process, timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise CompileError(
            f"[C compiler] {command[0]} took longer than {timeout} s (config.compile__timeout)"
        ) from None
    except BaseException:
        _kill(process)
        raise
    finally:
        _running.discard(process)
        assert process.stdout is not None, "started with a pipe"
        process.stdout.close()
    return process.returncode, said.decode("utf-8", "replace")


def _listen(process: "subprocess.Popen", timeout: float | None) -> bytes:
    """Return what a process says until it ends."""
    if os.name != "posix":
        return process.communicate(timeout=timeout)[0][:_MOST_SAID]
    import selectors  # noqa: PLC0415  (with subprocess)
    import subprocess  # noqa: PLC0415

    assert process.stdout is not None, "started with a pipe"
    pipe = process.stdout.fileno()
    said = b""
    end = time.monotonic() + (timeout or float("inf"))
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < end:
            # A server that it started may hold the pipe open for ever: look for its end, too.
            ended = process.poll() is not None
            if selector.select(0 if ended else min(0.1, end - time.monotonic())):
                more = os.read(pipe, 1 << 16)
                said += more[: _MOST_SAID - len(said)]
                if more:
                    continue
            elif not ended:
                continue
            process.wait(timeout and max(0.0, end - time.monotonic()))
            return said
    raise subprocess.TimeoutExpired(process.args, timeout or 0)


_running: set["subprocess.Popen"] = set()


def kill_all() -> None:
    """End all compiler runs of this process; who waits for them gets a `CompileError`."""
    for process in list(_running):
        _signal(process)


def _signal(process: "subprocess.Popen") -> None:
    if os.name == "posix":
        # It may have ended by itself in the meantime.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _kill(process: "subprocess.Popen") -> None:
    """End a compiler run and the sub-programs it started."""
    import subprocess  # noqa: PLC0415  (was imported when it was started)

    _signal(process)
    # One that hangs in a file system that does not answer cannot be waited for.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
