"""DTensors: the loss has the same bits for any number of ranks, any sharding and on one process; real processes, gloo.

What is checked is in `ranks.py`, which runs as one process a rank, once for each number of ranks.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
    pytest.skip("this PyTorch is built without gloo", allow_module_level=True)

from ranks import CASES, NEEDS  # noqa: E402

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("BCELOGITS_")} | LOOPBACK


@functools.cache
def reports(world: int) -> list[tuple[dict[str, str | None], str]]:
    """What each rank reports of each case, and what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder, f"{rank}.json") for rank in range(world)]
        arguments = [sys.executable, str(HERE / "ranks.py")]
        processes = [
            subprocess.Popen(
                [*arguments, str(rank), str(world), f"{folder}/store", str(report)],
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for rank, report in enumerate(reports)
        ]
        texts = []
        for process in processes:
            try:
                texts.append(process.communicate(timeout=120)[0])
            except subprocess.TimeoutExpired:
                process.kill()
                texts.append(process.communicate()[0] + "\nkilled after 120 seconds")
        results = [json.loads(r.read_text(encoding="utf-8")) if r.exists() else {} for r in reports]
    return list(zip(results, texts, strict=True))


@pytest.mark.parametrize(("world", "case"), [(w, c) for w in (2, 3, 4) for c in CASES if w in NEEDS[c]])
def test_ranks(world: int, case: str) -> None:
    for rank, (results, text) in enumerate(reports(world)):
        if case not in results:
            pytest.fail(f"rank {rank} of {world} did not come so far\n{text}")
        if results[case] is not None:
            pytest.fail(f"rank {rank} of {world}\n{results[case]}")


def test_torch_distributed_is_imported_only_for_dtensors(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    script = """
import sys, torch, bcelogits.torch
x = torch.zeros(3, requires_grad=True)
bcelogits.torch.binary_cross_entropy_with_logits(x, torch.ones(3)).backward()
assert "torch.distributed.tensor" not in sys.modules
"""
    result = run_python(script)
    assert result.returncode == 0, result.stderr


def test_example() -> None:
    command = [sys.executable, str(EXAMPLES / "torch_sharded_classes.py")]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the same bits" in result.stdout
