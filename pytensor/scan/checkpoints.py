"""Loops whose gradient needs less memory: `scan_checkpoints`."""

import warnings
from collections.abc import Mapping

from pytensor.graph.basic import Variable
from pytensor.scan.basic import _RETURN_WARNING, scan
from pytensor.scan.specs import as_list
from pytensor.tensor.basic import arange, as_tensor_variable, join, zeros
from pytensor.tensor.math import ceil_intdiv, minimum
from pytensor.tensor.shape import shape

__all__ = ["scan_checkpoints"]


def scan_checkpoints(
    fn,
    sequences=None,
    outputs_info=None,
    non_sequences=None,
    name="checkpointscan_fn",
    n_steps=None,
    save_every_N=10,
    padding=True,
    return_updates=True,
):
    r"""Loop like `pytensor.scan`, but keep only every N-th state for the gradient.

    The gradient of a loop of n steps keeps n states. Here an outer loop of n / N steps keeps its
    states, and each of its steps is a loop of N steps that the gradient runs again. With
    :math:`N = \sqrt n` the memory is that of :math:`2 \sqrt n` states, for one more evaluation.

    Parameters
    ----------
    fn, sequences, outputs_info, non_sequences, name, n_steps, return_updates
        As for `pytensor.scan`. States without taps only; every output must be a state.
    save_every_N : int
        Number of steps between two states that are kept.
    padding : bool
        Fill sequences with zeros to a multiple of `save_every_N`. False says they are one.

    Returns
    -------
    outputs : variable or list of variables
        The states after each `save_every_N` steps, the last one after all.
    updates : dict
        If `return_updates`.

    Raises
    ------
    ValueError
        If neither sequences nor `n_steps` are given, or `save_every_N` is not positive.

    Examples
    --------
    >>> powers = scan_checkpoints(
    ...     lambda s: 2 * s,
    ...     outputs_info=pt.constant(1.0),
    ...     n_steps=8,
    ...     save_every_N=4,
    ...     return_updates=False,
    ... )
    >>> powers.eval().tolist()
    [16.0, 256.0]
    """
    if return_updates:
        warnings.warn(_RETURN_WARNING, DeprecationWarning, stacklevel=2)
    seqs = [as_tensor_variable(s) for s in as_list(sequences)]
    states = as_list(outputs_info)
    if any(s is None or isinstance(s, Mapping) for s in states) or not states:
        raise RuntimeError(f"[{name}] outputs_info must hold initial states without taps")
    if any(isinstance(s, Mapping) for s in as_list(sequences)):
        raise RuntimeError(f"[{name}] sequences must have no taps")
    every = int(save_every_N)
    if every <= 0:
        raise ValueError(f"[{name}] save_every_N must be positive, got {save_every_N}")
    if n_steps is None:
        if not seqs:
            raise ValueError(f"[{name}] n_steps must be given if there are no sequences")
        n_steps = shape(seqs[0])[0]
        for seq in seqs[1:]:
            n_steps = minimum(n_steps, shape(seq)[0])
    n_steps = as_tensor_variable(n_steps)
    n_blocks = ceil_intdiv(n_steps, every)
    blocks = [_in_blocks(seq[:n_steps], n_blocks, n_steps, every, padding) for seq in seqs]
    fixed = [as_tensor_variable(v) for v in as_list(non_sequences)]
    n_seqs, n_states = len(seqs), len(states)

    def block(*arguments: Variable):
        start, own = arguments[0], arguments[1 : 1 + n_seqs]
        current = list(arguments[1 + n_seqs : 1 + n_seqs + n_states])
        rest = arguments[1 + n_seqs + n_states :]
        found = scan(
            fn,
            sequences=list(own),
            outputs_info=current,
            non_sequences=list(rest),
            n_steps=minimum(every, n_steps - start),
            name=f"{name}_step",
            return_list=True,
            return_updates=False,
        )
        return [out[-1] for out in found]

    return scan(
        block,
        sequences=[_starts(n_blocks, every), *blocks],
        outputs_info=states,
        non_sequences=fixed,
        name=name,
        return_updates=return_updates,
    )


def _starts(n_blocks: Variable, every: int) -> Variable:
    return arange(n_blocks) * every


def _in_blocks(
    seq: Variable, n_blocks: Variable, n_steps: Variable, every: int, padding: bool
) -> Variable:
    """Return a sequence cut into blocks along a new first axis."""
    rest = [shape(seq)[i] for i in range(1, seq.type.ndim)]
    if padding:
        missing = n_blocks * every - n_steps
        seq = join(0, seq, zeros((missing, *rest), dtype=seq.type.dtype))
    return seq.reshape((n_blocks, every, *rest), ndim=seq.type.ndim + 1)
