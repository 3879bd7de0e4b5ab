"""Train a neural network on real handwritten digits, and watch the compiler at work.

    python examples/digits.py [--epochs 60] [--hidden 128] [--batch 100] [--picture digits.png]

The model is written in ten lines of array expressions; gradients, fusion and BLAS calls are the
compiler's business. The same training step, written by hand in NumPy, runs beside it: the two must
agree on the loss, and their times are compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

import pytensor
import pytensor.tensor as pt

DATA = Path(__file__).resolve().parent / "data" / "digits.npz"
CLASSES = 10
LEARNING_RATE = 0.5
DECAY = 1e-4


def load(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return train images, train labels, test images, test labels (pixels scaled to 0..1)."""
    with np.load(DATA) as archive:
        images = archive["images"].reshape(-1, 64) / 16.0
        labels = archive["labels"].astype("int64")
    order = np.random.default_rng(seed).permutation(len(labels))
    train, test = order[:1437], order[1437:]
    return images[train], labels[train], images[test], labels[test]


def initial_parameters(hidden: int, seed: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(64, hidden)) / 8.0,
        "b1": np.zeros(hidden),
        "W2": rng.normal(size=(hidden, CLASSES)) / np.sqrt(hidden),
        "b2": np.zeros(CLASSES),
    }


class Network:
    """The model, its gradient and its two compiled functions."""

    def __init__(self, start: dict[str, np.ndarray]):
        self.parameters = {name: pytensor.shared(v, name=name) for name, v in start.items()}
        W1, b1, W2, b2 = self.parameters.values()
        x, y = pt.matrix("x", dtype="float64"), pt.vector("y", dtype="int64")

        hidden = pt.tanh(x @ W1 + b1)
        logits = hidden @ W2 + b2
        log_p = pt.special.log_softmax(logits, axis=1)
        loss = -pt.mean(log_p[pt.arange(y.shape[0]), y]) + DECAY * (pt.sum(W1**2) + pt.sum(W2**2))
        gradients = pytensor.grad(loss, [W1, b1, W2, b2])
        updates = [(p, p - LEARNING_RATE * g) for p, g in zip((W1, b1, W2, b2), gradients)]

        self.inputs, self.loss, self.gradient_W1 = [x, y], loss, gradients[0]
        began = time.perf_counter()
        self.step = pytensor.function([x, y], loss, updates=updates, name="step")
        self.predict = pytensor.function([x], pt.argmax(logits, axis=1), name="predict")
        self.probabilities = pytensor.function([x], pt.exp(log_p), name="probabilities")
        self.compile_seconds = time.perf_counter() - began


class NumPyNetwork:
    """The same training step, written by hand."""

    def __init__(self, start: dict[str, np.ndarray]):
        self.W1, self.b1, self.W2, self.b2 = (v.copy() for v in start.values())

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        n = len(y)
        rows = np.arange(n)
        hidden = np.tanh(x @ self.W1 + self.b1)
        logits = hidden @ self.W2 + self.b2
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - logits[rows, y])
        loss += DECAY * (np.sum(self.W1**2) + np.sum(self.W2**2))

        p /= total
        p[rows, y] -= 1.0
        p /= n
        back = (p @ self.W2.T) * (1.0 - hidden**2)
        gW2 = hidden.T @ p + 2 * DECAY * self.W2
        gW1 = x.T @ back + 2 * DECAY * self.W1
        self.W2 -= LEARNING_RATE * gW2
        self.b2 -= LEARNING_RATE * p.sum(axis=0)
        self.W1 -= LEARNING_RATE * gW1
        self.b1 -= LEARNING_RATE * back.sum(axis=0)
        return float(loss)


def progress(done: int, total: int, text: str) -> None:
    """One line that fills from left to right; on a pipe, ten lines in all."""
    if sys.stdout.isatty():
        filled = 30 * done // total
        end = "\n" if done == total else ""
        print(f"\r  {'█' * filled}{'░' * (30 - filled)} {text}", end=end, flush=True)
    elif done % max(1, total // 10) == 0:
        print(f"  {text}", flush=True)


def train(network: Network, x: np.ndarray, y: np.ndarray, epochs: int, batch: int, seed: int = 9):
    """Plain mini-batch gradient descent; returns the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    history = []
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(y))
        parts = [order[i : i + batch] for i in range(0, len(y), batch)]
        history.append(float(np.mean([network.step(x[part], y[part]) for part in parts])))
        progress(epoch, epochs, f"epoch {epoch:3d}/{epochs}   loss {history[-1]:.4f}")
    return history


def time_steps(step, x: np.ndarray, y: np.ndarray, repeats: int = 200) -> float:
    """Median seconds of one call."""
    samples = []
    for _ in range(repeats):
        began = time.perf_counter()
        step(x, y)
        samples.append(time.perf_counter() - began)
    return float(np.median(samples))


def compare_with_numpy(start: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> None:
    """Same start, same batch: the losses must agree; then time both in turns."""
    ours, by_hand = Network(start), NumPyNetwork(start)
    for _ in range(20):
        a, b = float(ours.step(x, y)), by_hand.step(x, y)
    assert np.isclose(a, b, rtol=1e-9), f"compiled loss {a} and NumPy loss {b} differ"
    rounds = [(time_steps(ours.step, x, y), time_steps(by_hand.step, x, y)) for _ in range(5)]
    mine, numpys = np.median(rounds, axis=0)
    print(f"  compiled step {1e6 * mine:7.0f} us")
    print(f"  NumPy by hand {1e6 * numpys:7.0f} us   ({numpys / mine:.2f}x the compiled step)")
    print(f"  losses after 20 steps agree to {abs(a - b):.1e}")


def op_counts(fn) -> str:
    """Name the ops of a compiled function, most frequent first."""
    counts = Counter(type(node.op).__name__ for node in fn.maker.fgraph.toposort())
    return ", ".join(f"{n} {name}" for name, n in counts.most_common())


def show_graphs(network: Network) -> None:
    print("\nBefore: the gradient of the loss with respect to W1, as written")
    pytensor.dprint(network.gradient_W1, depth=5)
    print("\nAfter: the compiled training step")
    network.step.dprint(print_op_info=False)
    print(f"\n  ops: {op_counts(network.step)}")


def save_picture(path: Path, history, images, labels, guesses, sure) -> None:
    """The loss curve, and the first predictions with the wrong ones marked."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: the example runs without)
    except ImportError:
        print("  no picture: `pip install matplotlib` draws one")
        return
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    axes = left.subplots()
    axes.semilogy(range(1, len(history) + 1), history, color="#1f6f8b", lw=2)
    axes.set(xlabel="epoch", ylabel="mean training loss", title="Gradient descent")
    axes.grid(alpha=0.3, which="both")
    wrong = np.flatnonzero(guesses != labels)[:4]
    shown = np.concatenate([wrong, np.flatnonzero(guesses == labels)[: 20 - len(wrong)]])
    right.suptitle(f"Test digits (the first {len(wrong)} are mistakes)")
    for cell, k in zip(right.subplots(4, 5).flat, shown):
        good = guesses[k] == labels[k]
        cell.imshow(images[k].reshape(8, 8), cmap="gray_r")
        text = f"{guesses[k]} ({sure[k]:.0%})" + ("" if good else f", is {labels[k]}")
        cell.set_title(text, fontsize=9, color="black" if good else "#c0392b")
        cell.axis("off")
    figure.savefig(path, dpi=120)
    print(f"  picture of the loss and of some predictions: {path}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--picture", type=Path, default=Path("digits.png"))
    chosen = parser.parse_args(arguments)
    if min(chosen.epochs, chosen.hidden, chosen.batch) < 1:
        parser.error("--epochs, --hidden and --batch must be at least 1")
    return chosen


def main(arguments: list[str] | None = None) -> float:
    options = parse(arguments)
    x, y, x_test, y_test = load()
    start = initial_parameters(options.hidden)
    network = Network(start)
    show_graphs(network)
    print(f"\nCompiled three functions in {network.compile_seconds:.2f} s")

    print(f"\nTraining 64-{options.hidden}-{CLASSES} on {len(y)} images")
    began = time.perf_counter()
    history = train(network, x, y, options.epochs, options.batch)
    print(f"  {time.perf_counter() - began:.2f} s")

    print(f"\nOne training step, batch of {options.batch}")
    compare_with_numpy(start, x[: options.batch], y[: options.batch])

    guesses, probabilities = network.predict(x_test), network.probabilities(x_test)
    accuracy = float(np.mean(guesses == y_test))
    print(f"\nTest accuracy on {len(y_test)} unseen images: {accuracy:.2%}")
    save_picture(options.picture, history, x_test, y_test, guesses, probabilities.max(axis=1))
    return accuracy


if __name__ == "__main__":
    main()
