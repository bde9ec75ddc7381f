"""Train a linear classifier whose classes are sharded over processes (tensor parallel), with `bcelogits.torch`.

Two processes hold half of the classes each: `ColwiseParallel` shards the layer, so that the logits are a DTensor with
placement Shard(1), and so are the targets. The loss needs no other logits than a process has: what is exchanged are the
exact sums, 0.6 kB. The same is trained with one process, and the two are compared:

- The loss of the same logits has the same bits, sharded or not; this is checked at each step (by gathering them).
- The logits themselves come from PyTorch's matrix product, which promises no bits: half of its columns may be rounded
  otherwise than all of them, and then the two trainings drift apart by a last bit here and there.

Run it with `pip install 'bcelogits[torch]'` and `python torch_sharded_classes.py`: no data is downloaded, and nothing
leaves the machine. Exit status: 0 if the losses agree as said and fall.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

from bcelogits.torch import BCEWithLogitsLoss

RANKS = 2
SAMPLES, FEATURES, CLASSES, STEPS = 256, 64, 4001, 8  # an odd number of classes: the shards differ in size


def make_data() -> tuple[torch.Tensor, torch.Tensor]:
    """Samples, and which of many classes apply to each of them: the few for which a hidden linear model says so."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(SAMPLES, FEATURES, generator=generator)
    scores = features @ torch.randn(FEATURES, CLASSES, generator=generator) / FEATURES**0.5
    return features, (scores > 2).float()


def train(rank: int, ranks: int, folder: str) -> None:
    """What each process runs. The first one writes the losses to a file."""
    torch.set_num_threads(1)
    store = f"file://{folder}/store-{ranks}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=ranks)
    mesh = init_device_mesh("cpu", (ranks,))
    features, whole_targets = make_data()
    targets = distribute_tensor(whole_targets, mesh, [Shard(1)])

    torch.manual_seed(1)  # the same weights everywhere, before they are cut up
    layer = torch.nn.Linear(FEATURES, CLASSES)
    plan = ColwiseParallel(input_layouts=Replicate(), output_layouts=Shard(-1), use_local_output=False)
    model = parallelize_module(layer, mesh, plan)
    optimizer = torch.optim.SGD(model.parameters(), lr=4.0 * CLASSES)
    criterion = BCEWithLogitsLoss()

    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        logits = model(features)
        loss = criterion(logits, targets)
        loss.backward()
        optimizer.step()
        assert isinstance(logits, DTensor)
        one_process = criterion(logits.detach().full_tensor(), whole_targets)
        losses.append((loss.full_tensor().item(), one_process.item()))
    if rank == 0:
        torch.save(losses, Path(folder, f"losses-{ranks}"))
        print(f"{ranks} process(es): this one holds {tuple(logits.to_local().shape)} of {tuple(logits.shape)} logits")
    dist.barrier()
    dist.destroy_process_group()


def main() -> int:
    """Train with one process and with two, and compare."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the processes talk through the loopback device only
    with tempfile.TemporaryDirectory() as folder:
        for ranks in (1, RANKS):
            mp.spawn(train, (ranks, folder), nprocs=ranks)
        alone, sharded = (torch.load(Path(folder, f"losses-{ranks}")) for ranks in (1, RANKS))

    print("\nstep   loss, one process       loss, sharded           of the sharded run's logits, by one process")
    for step, ((a, _), (b, again)) in enumerate(zip(alone, sharded, strict=True)):
        print(f"{step:4}   {a:.17g}   {b:.17g}   {again:.17g}".rstrip())
    if not all(loss == again for loss, again in alone + sharded):
        print("\nThe loss of the same logits differs: this must not be.")
        return 1
    print("\nThe loss of the same logits has the same bits, sharded or not, at each step.")
    if all(a == b for (a, _), (b, _) in zip(alone, sharded, strict=True)):
        print("So does the whole training: PyTorch's matrix products gave the same logits here, too.")
    else:
        print("The trainings differ in last bits: PyTorch's matrix product of half of the columns rounds otherwise.")
    falls = sharded[-1][0] < 0.5 * sharded[0][0]
    print(f"The loss fell from {sharded[0][0]:.4f} to {sharded[-1][0]:.4f}." if falls else "The loss did not fall.")
    return 0 if falls else 1


if __name__ == "__main__":
    sys.exit(main())
