"""A chain of layers and its gradients. Imports nothing: a peer's interpreter runs this text too."""


def chain(layers, pytensor, pt):
    """Return the inputs (``x`` and every ``W``, ``b``), and the cost with all gradients."""
    h = pt.vector("x")
    inputs = [h]
    for i in range(layers):
        W, b = pt.matrix(f"W{i}"), pt.vector(f"b{i}")
        inputs += [W, b]
        h = pt.tanh(pt.dot(W, h) + b)
    return inputs, [h.sum(), *pytensor.grad(h.sum(), inputs)]
