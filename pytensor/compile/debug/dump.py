"""Keep the arguments of `function` in a file, to compile the same thing elsewhere."""

import pickle
from pathlib import Path
from typing import Any

from pytensor.compile.rebuild import as_pairs


def function_dump(
    filename: str | Path,
    inputs: Any,
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    extra_tag_to_remove: str | None = None,
    trust_input: bool = False,
) -> None:
    """Write what `pytensor.function` would be called with to `filename`, as a pickle.

    ``pytensor.function(**pickle.load(f))`` then compiles it.
    """
    arguments = {
        "inputs": list(inputs),
        "outputs": outputs,
        "mode": mode,
        "updates": as_pairs(updates, "updates"),
        "givens": as_pairs(givens, "givens"),
        "no_default_updates": no_default_updates,
        "accept_inplace": accept_inplace,
        "name": name,
        "rebuild_strict": rebuild_strict,
        "allow_input_downcast": allow_input_downcast,
        "profile": profile,
        "on_unused_input": on_unused_input,
        "trust_input": trust_input,
    }
    with Path(filename).open("wb") as file:
        pickle.dump(arguments, file, protocol=-1)
