"""The backend `module:function`: anybody's function of the NumPy signature, from a module or from a file."""

from __future__ import annotations

from pathlib import Path

import faults
import pytest
from backend_cases import assert_right, case, operands

from bcelogits.reference.truth import Op
from bcelogits.verify import backends

FAULTS = Path(faults.__file__)
CORRECT = {Op.LOSS: "correct", Op.BACKWARD: "correct_backward", Op.TARGET_BACKWARD: "correct_target_backward"}


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("op", Op)
def test_a_function_of_a_file_or_a_module_runs_with_weights_and_reductions(op: Op, reduction: str) -> None:
    wanted = case(op, "bf16", reduction, "weight per row, pos_weight per column")
    given = operands(wanted)
    for spec in (f"{FAULTS}:{CORRECT[op]}", f"faults:{CORRECT[op]}", f"bcelogits:{op.function}"):
        backend = backends.get(spec)
        assert backend.name == spec
        assert backend.unsupported(wanted) == ""
        assert_right(backend.run(wanted, given), wanted, given, units=2)


def test_the_version_of_the_module_is_stated() -> None:
    import bcelogits

    version = backends.get("bcelogits:binary_cross_entropy_with_logits").version
    assert version == f"bcelogits {bcelogits.__version__}"


def test_modules_of_the_current_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_this_folder.py").write_text(
        "class Kernels:\n"
        "    @staticmethod\n"
        "    def loss(x, t):\n"
        "        import beside_it\n"
        "        return beside_it.f(x)\n"
    )
    (tmp_path / "beside_it.py").write_text("def f(x):\n    return x * 0 + 1\n")
    monkeypatch.chdir(tmp_path)
    wanted = case(Op.LOSS, "f32", "none")
    for spec in ("of_this_folder:Kernels.loss", "of_this_folder.py:Kernels.loss"):
        assert (backends.get(spec).run(wanted, operands(wanted)) == 1).all()


def test_a_file_does_not_take_the_place_of_a_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("def loss(x, t):\n    return x\n")
    backends.get(f"{tmp_path / 'colorsys.py'}:loss")
    import colorsys

    assert hasattr(colorsys, "rgb_to_hsv")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("nowhere.py:loss", "nowhere.py: no such file"),
        ("no_such_module:loss", "no_such_module does not load: ModuleNotFoundError: No module named 'no_such_module'"),
        ("bcelogits:nothing", "bcelogits:nothing: bcelogits has no nothing"),
        ("bcelogits:__version__", "a str, expected a function"),
    ],
)
def test_a_function_that_cannot_be_had_is_an_error_that_says_why(spec: str, text: str) -> None:
    with pytest.raises(backends.BackendError, match=text):
        backends.get(spec)


def test_a_file_with_an_error_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def loss(:\n")
    with pytest.raises(backends.BackendError, match=r"bad.py does not load: SyntaxError: invalid syntax"):
        backends.get(f"{tmp_path / 'bad.py'}:loss")


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        ("correct", [Op.LOSS]),
        ("correct_backward", [Op.BACKWARD]),
        ("correct_target_backward", [Op.TARGET_BACKWARD]),
        ("sigmoid_minus_target", [Op.BACKWARD]),  # its first parameter's name says that it is a gradient
    ],
)
def test_a_function_is_asked_for_its_own_operator_only(function: str, takes: list[Op]) -> None:
    backend = backends.get(f"faults:{function}")
    assert [op for op in Op if backend.unsupported(case(op, "f32", "none")) == ""] == takes


def test_the_operator_can_be_said_where_names_do_not() -> None:
    backend = backends.get("faults:sigmoid_minus_target", Op.TARGET_BACKWARD)
    assert [op for op in Op if backend.unsupported(case(op, "f32", "none")) == ""] == [Op.TARGET_BACKWARD]


def test_a_function_without_an_argument_is_not_called_with_it() -> None:
    backend = backends.get("faults:log_not_log1p")
    assert backend.unsupported(case(Op.LOSS, "f32", "none")) == ""
    why = backend.unsupported(case(Op.LOSS, "f32", "none", "full weights"))
    assert why.startswith(
        "faults:log_not_log1p cannot be called with (logits, targets, weight, reduction=, pos_weight="
    )


def test_a_function_without_a_reduction_can_be_elementwise_only(tmp_path: Path) -> None:
    (tmp_path / "elementwise.py").write_text("def loss(x, t):\n    return x\n")
    backend = backends.get(f"{tmp_path / 'elementwise.py'}:loss")
    assert backend.unsupported(case(Op.LOSS, "f32", "none")) == ""
    assert "reduction" in backend.unsupported(case(Op.LOSS, "f32", "mean"))


def test_a_function_cannot_change_the_operands_that_the_truth_is_computed_from(tmp_path: Path) -> None:
    (tmp_path / "in_place.py").write_text("def loss(x, t):\n    x *= 0\n    return x\n")
    wanted = case(Op.LOSS, "f32", "none")
    given = operands(wanted)
    with pytest.raises(backends.BackendError, match="read-only"):
        backends.get(f"{tmp_path / 'in_place.py'}:loss").run(wanted, given)
    assert given.logits.any()
    assert given.logits.flags.writeable


def test_a_function_may_use_its_memory_again(tmp_path: Path) -> None:
    (tmp_path / "buffer.py").write_text(
        "import numpy as np\nout = np.zeros((4, 5), np.float32)\ndef loss(x, t):\n    out[...] += 1\n    return out\n"
    )
    backend, wanted = backends.get(f"{tmp_path / 'buffer.py'}:loss"), case(Op.LOSS, "f32", "none")
    first, second = (backend.run(wanted, operands(wanted)) for _ in range(2))
    assert (first == 1).all()
    assert (second == 2).all()
