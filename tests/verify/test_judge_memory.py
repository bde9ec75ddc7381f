"""Files larger than memory can be judged: what is allocated does not grow with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bcelogits

SCRIPT = """
import re, threading
from bcelogits.cli import main

def anonymous():
    return int(re.search(r"RssAnon:\\\\s+(\\\\d+)", open("/proc/self/status").read())[1])

main(["verify", "--list"])
before, peak, done = anonymous(), 0, threading.Event()

def watch():
    global peak
    while not done.wait(0.005):
        peak = max(peak, anonymous())

thread = threading.Thread(target=watch)
thread.start()
status = main(["verify", "files", "out.npy", "--logits", "x.npy", "--targets", "t.npy", "--html", "r.html"])
done.set()
thread.join()
print("STATUS", status, "KIB", peak - before)
"""


@pytest.mark.parametrize("million", [2, 8])
def test_a_dump_is_judged_in_bounded_memory(million: int, run_python, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc to read the memory from")
    rng = np.random.default_rng(3)
    x = rng.normal(0, 6, million << 20).astype(np.float32)
    t = (rng.random(x.size, np.float32) < 0.1).astype(np.float32)
    for name, array in (("x", x), ("t", t)):
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "out.npy", bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none"))
    done = run_python(SCRIPT.replace("\\\\", "\\"), timeout=200)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[words.index("STATUS") + 1] == "0"
    assert int(words[words.index("KIB") + 1]) < 160 << 10  # one float64 column of the larger file would be 64 MiB
