"""What a type checker knows of the public functions: an array from a scalar, and which reductions there are."""

from __future__ import annotations

import re
import sys

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not installed")

# Each line is a line of a user's program; behind `->` stands the type that it has, behind `!!` the error that it is.
PROGRAM = """
import numpy as np
from typing import Literal
from bcelogits import ExactSum, LossAccumulator, value_and_grad
from bcelogits import binary_cross_entropy_with_logits as loss
from bcelogits import binary_cross_entropy_with_logits_backward as backward
x = t = np.zeros(3, np.float32)
any_reduction: Literal["none", "mean"]

reveal_type(loss(x, t))                                    -> floating
reveal_type(loss(x, t, x, pos_weight=2.0))                 -> floating
reveal_type(loss(x, t, reduction="mean"))                  -> floating
reveal_type(loss(x, t, reduction="sum"))                   -> floating
reveal_type(loss(x, t, reduction=2))                       -> floating
reveal_type(loss(x, t, reduction="none"))                  -> ndarray
reveal_type(loss(x, t, reduction=0))                       -> ndarray
reveal_type(loss(x, t, reduction="none", out=x))           -> ndarray
reveal_type(loss(x, t, reduction="sum", out=np.zeros(1)))  -> ndarray
reveal_type(loss(x, t, out=np.zeros(1)))                   -> ndarray
reveal_type(loss(x, t, reduction=any_reduction))           -> ndarray | floating
reveal_type(value_and_grad(x, t))                          -> tuple[floating, ndarray]
reveal_type(value_and_grad(x, t, reduction=1, grad_out=x)) -> tuple[floating, ndarray]
reveal_type(value_and_grad(x, t, reduction="none"))        -> tuple[ndarray, ndarray]
reveal_type(backward(1.0, x, t, reduction="sum"))          -> ndarray
reveal_type(ExactSum().sum())                              -> floating
reveal_type(ExactSum().mean("float64"))                    -> floating
reveal_type(LossAccumulator().result("sum"))               -> floating
loss(x, t)[0]                                              !! index
float(loss(x, t)) + loss(x, t, pos_weight=2.0).item()

loss(x, t, reduction="avg")                                !! call-overload
loss(x, t, reduction=3)                                    !! call-overload
loss(x, t, reduction=None)                                 !! call-overload
loss(x, t, pos_weight="2")                                 !! call-overload
loss([0.0], t)                                             !! call-overload
value_and_grad(x, t, reduction="avg")                      !! call-overload
backward(1.0, x, t, reduction="avg")                       !! arg-type
LossAccumulator().result("none")                           !! arg-type
ExactSum().add("1")                                        !! arg-type
ExactSum().merge(1)                                        !! arg-type
"""


def plain(revealed: str) -> str:
    """The type without the names of modules, and without what an array's shape and dtype or a scalar's size are."""
    names = re.sub(r"[a-z_]+\.", "", revealed)
    arrays = names.replace("ndarray[tuple[Any, ...], dtype[Any]]", "ndarray")
    return arrays.replace("floating[Any]", "floating")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[int, str]:
    """What `mypy --strict` says of each line of the program."""
    folder = tmp_path_factory.mktemp("user")
    code = [re.split(r"\s+(?:->|!!) ", line)[0] for line in PROGRAM.splitlines()]
    (folder / "program.py").write_text("\n".join(code) + "\n")
    options = ["--strict", "--show-error-codes", "--no-error-summary", "--hide-error-context", "--no-pretty"]
    where = [
        "--config-file=",
        f"--cache-dir={pytestconfig.cache.mkdir('mypy')}",
        f"--python-executable={sys.executable}",
    ]
    output, problems, _ = api.run([*options, *where, str(folder / "program.py")])
    assert problems == ""
    said: dict[int, str] = {}
    for line in output.splitlines():
        number, kind, text = re.fullmatch(r".*program\.py:(\d+): (\w+): (.*)", line).groups()
        if kind == "error" or text.startswith("Revealed type"):
            said[int(number)] = text
    return said


LINES = {i: line for i, line in enumerate(PROGRAM.splitlines(), 1) if line.strip()}


@pytest.mark.parametrize("number", LINES, ids=lambda n: re.sub(r"\s+", " ", LINES[n]))
def test_a_type_checker_says(number: int, found: dict[int, str]) -> None:
    line, said = LINES[number], found.get(number, "")
    if " -> " in line:
        assert plain(said) == f'Revealed type is "{line.split(" -> ")[1]}"'
    elif " !! " in line:
        assert said.endswith(f"[{line.split(' !! ')[1]}]")
    else:
        assert said == ""
