"""Train one multi-label classifier twice from one seed, with PyTorch's loss and with ours, and compare.

    pip install '.[torch]' && python examples/torch_multilabel.py

Made-up data: 8192 samples of 64 features, 1024 labels of which about one in 100 applies, as in tagging or extreme
classification; so nearly all targets are easy negatives. Prints the loss on held-out data under an exact loss, how well
labels are ranked, and the time of a step and of its loss. At the end, what a bfloat16 model reads for easy negatives.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from bcelogits.torch import binary_cross_entropy_with_logits as ours

theirs = torch.nn.functional.binary_cross_entropy_with_logits

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
FEATURES, LABELS, HIDDEN, BATCH = 64, 1024, 128, 256


def make_data(samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Features, and labels that a hidden teacher gives to the samples nearest to each of them."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, FEATURES, generator=generator)
    scores = x @ torch.randn(FEATURES, LABELS, generator=generator)
    cut = scores.kthvalue(samples - samples // 100, dim=0).values
    return x, (scores > cut).float()


def model() -> torch.nn.Module:
    """The same weights each time."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, LABELS))


def train(loss: Loss, x: torch.Tensor, t: torch.Tensor, epochs: int) -> tuple[torch.nn.Module, float, float]:
    """The trained model, and milliseconds of a step and of the loss with its gradient in it."""
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    step_time = loss_time = 0.0
    steps = 0
    for _ in range(epochs):
        for first in range(0, len(x), BATCH):
            start = time.perf_counter()
            optimizer.zero_grad()
            logits = net(x[first : first + BATCH])
            before = time.perf_counter()
            value = loss(logits, t[first : first + BATCH])
            (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
            loss_time += time.perf_counter() - before
            logits.backward(gradient)
            optimizer.step()
            step_time += time.perf_counter() - start
            steps += 1
    return net, 1e3 * step_time / steps, 1e3 * loss_time / steps


def precision_at_one(logits: torch.Tensor, t: torch.Tensor) -> float:
    """How often the label with the highest logit applies, among samples that have one."""
    some = t.sum(1) > 0
    return float(t[some].gather(1, logits[some].argmax(1, keepdim=True)).mean())


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    epochs = parser.parse_args().epochs
    x, t = make_data(8192 + 1024)
    train(theirs, x[:BATCH], t[:BATCH], 1)  # first calls allocate and start threads
    print(f"{'':10}{'held-out loss':>16}{'precision at 1':>16}{'ms a step':>12}{'of it loss':>12}")
    for name, loss in (("PyTorch", theirs), ("bcelogits", ours)):
        net, step, part = train(loss, x[:8192], t[:8192], epochs)
        with torch.no_grad():
            logits = net(x[8192:])
        judged = ours(logits.double(), t[8192:].double())
        print(f"{name:10}{judged:16.8f}{precision_at_one(logits, t[8192:]):16.4f}{step:12.2f}{part:12.2f}")

    easy = torch.full((4096,), -8.0, dtype=torch.bfloat16)
    nothing = torch.zeros_like(easy)
    print("\n4096 easy negatives (logit -8, target 0) in bfloat16; each loss is 0.000335")
    print(f"PyTorch   {theirs(easy, nothing).item():.6f}")
    print(f"bcelogits {ours(easy, nothing).item():.6f}")


if __name__ == "__main__":
    main()
