"""Turn a function of core arrays into one of stacks of arrays."""

from collections.abc import Callable

from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.blockwise import parse_signature


def vectorize(func: Callable, signature: str | None = None) -> Callable:
    """Turn a function of core variables into one that broadcasts over batch dimensions.

    The function is called once, on variables of core rank; its graph is then vectorized.

    Parameters
    ----------
    func
        Maps tensor variables to one or several tensor variables.
    signature
        Which dimensions are core dimensions, as in ``"(m),(m)->()"``. All inputs are scalars when
        None; outputs may have any shape then.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> dot = pt.vectorize(lambda x, y: (x * y).sum(), "(m),(m)->()")
    >>> dot(pt.ones((5, 3)), pt.ones(3)).type.shape
    (5,)
    """

    def inner(*inputs):
        inputs = [as_tensor_variable(i) for i in inputs]
        if signature is None:
            inputs_sig, outputs_sig = [()] * len(inputs), None
        else:
            inputs_sig, outputs_sig = parse_signature(signature)
        if len(inputs) != len(inputs_sig):
            raise ValueError(
                f"Number of inputs does not match signature: {signature}, got {len(inputs)}"
            )
        core_inputs = []
        for inp, sig in zip(inputs, inputs_sig, strict=True):
            if inp.type.ndim < len(sig):
                raise ValueError(
                    f"Input {inp} has less dimensions than signature {sig}: {inp.type}"
                )
            core_shape = inp.type.shape[inp.type.ndim - len(sig) :]
            core_inputs.append(inp.type.clone(shape=core_shape)(name=inp.name))
        outputs = func(*core_inputs)
        is_single = not isinstance(outputs, list | tuple)
        core_outputs = [outputs] if is_single else list(outputs)
        if outputs_sig is not None and len(core_outputs) != len(outputs_sig):
            raise ValueError(
                f"Number of outputs does not match signature: {signature}, got {len(core_outputs)}"
            )
        for out, sig in zip(core_outputs, outputs_sig or (), strict=outputs_sig is not None):
            if out.type.ndim != len(sig):
                raise ValueError(
                    f"Output {out} has {out.type.ndim} dimensions, signature says {len(sig)}"
                )
        batched = vectorize_graph(core_outputs, replace=dict(zip(core_inputs, inputs)))
        return batched[0] if is_single else batched

    return inner
