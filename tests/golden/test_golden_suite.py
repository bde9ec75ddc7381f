"""A suite describes cases in few lines, and says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bcelogits import golden
from bcelogits.golden import Op


def test_every_list_is_a_choice_and_all_are_combined() -> None:
    cases = golden.parse_suite(
        {
            "cases": [
                {
                    "shape": [[4, 3], [7]],
                    "dtype": ["f32", "bf16"],
                    "op": ["loss", "backward"],
                    "weight": ["none", "full"],
                }
            ]
        }
    )
    assert len(cases) == 2 * 2 * 2 * 2
    assert len({case.name for case in cases}) == len(cases)
    assert {case.weight for case in cases} == {None, (4, 3), (7,)}


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [("scalar", ()), ("last", (5,)), ("column", (3, 1, 1)), ("full", (3, 4, 5)), ([4, 1], (4, 1)), ([], ())],
)
def test_the_words_for_a_weight_name_its_shape_beside_the_logits(pattern: Any, shape: tuple[int, ...]) -> None:
    (case,) = golden.parse_suite({"cases": [{"shape": [3, 4, 5], "pos_weight": pattern}]})
    assert case.pos_weight == shape
    assert case.weight is None


def test_a_choice_that_means_nothing_for_a_shape_is_left_out() -> None:
    cases = golden.parse_suite({"cases": [{"shape": [[4], [4, 2]], "weight": ["none", "column"]}]})
    assert [(case.shape, case.weight) for case in cases] == [((4,), None), ((4, 2), None), ((4, 2), (4, 1))]


def test_a_gradient_of_a_reduced_loss_has_one_number_as_its_gradient() -> None:
    cases = golden.parse_suite(
        {"cases": [{"op": "backward", "shape": [6], "reduction": ["none", "mean"], "grad_output": "full"}]}
    )
    assert [(case.reduction, case.grad_output) for case in cases] == [("none", (6,)), ("mean", ())]


def test_cases_of_the_same_kind_differ_in_name_and_seed() -> None:
    cases = golden.parse_suite({"seed": 10, "cases": [{"shape": [2], "repeat": 3}]})
    assert [case.name for case in cases] == [cases[0].name, f"{cases[0].name}_2", f"{cases[0].name}_3"]
    assert [case.seed for case in cases] == [10, 11, 12]


@pytest.mark.parametrize("preset", golden.PRESETS)
def test_presets_have_all_operators_and_the_dtypes_of_the_standards(preset: str) -> None:
    cases = golden.load_suite(preset)
    assert {case.op for case in cases} == set(Op)
    assert {case.dtype for case in cases} >= {"f32", "f16", "bf16"}
    assert len({case.name for case in cases}) == len(cases)
    assert len({case.seed for case in cases}) == len(cases)


def test_the_standard_preset_has_every_number_of_dimensions_and_empty_tensors() -> None:
    shapes = {case.shape for case in golden.load_suite("standard")}
    assert {len(shape) for shape in shapes} >= set(range(1, 9))
    assert any(0 in shape for shape in shapes)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({}, "cases[0].shape: missing, expected a shape like [128, 10], or a list of shapes"),
        ({"shape": [2], "ops": "loss"}, "cases[0]: key: 'ops', expected one of name, op, dtype, "),
        ({"shape": [2], "op": "forward"}, "cases[0].op: 'forward', expected one of loss, backward, target_backward"),
        ({"shape": [2], "dtype": "float32"}, "cases[0].dtype: 'float32', expected one of f16, bf16, f32, f64"),
        ({"shape": [-2]}, "cases[0].shape: [-2], expected a shape"),
        ({"shape": 3}, "cases[0].shape: 3, expected a shape"),
        ({"shape": [2], "reduction": 1}, "cases[0].reduction: 1, expected one of none, mean, sum"),
        ({"shape": [2], "family": "gauss"}, "cases[0].family: 'gauss', expected one of "),
        ({"shape": [2], "weight": "row"}, "cases[0].weight: 'row', expected one of none, scalar, last, column, full"),
        ({"shape": [2, 3], "weight": [2]}, "cases[0].weight: shape [2], expected one that broadcasts to [2, 3]"),
        ({"shape": [2], "op": "backward", "grad_output": "none"}, "cases[0].grad_output: 'none', expected scalar"),
        ({"shape": [2], "layouts": {"x": "strided"}}, "cases[0].layouts: key: 'x', expected one of logits, targets"),
        ({"shape": [2], "layouts": {"logits": "fortran"}}, "cases[0].layouts.logits: 'fortran', expected one of "),
        ({"shape": [2], "dtypes": {"out": "f8"}}, "cases[0].dtypes.out: 'f8', expected one of "),
        ({"shape": [2], "repeat": 0}, "cases[0].repeat: 0, expected a whole number from 1 on"),
        ({"shape": [2], "name": "../up"}, "cases[0].name: '../up', expected letters"),
    ],
)
def test_what_the_schema_does_not_have_is_refused_with_what_it_has(entry: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        golden.parse_suite({"cases": [entry]})
    assert str(caught.value).startswith(text)


def test_a_suite_file_is_named_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[[cases]]\nshape = [2]\ndtype = 'f8'\n")
    with pytest.raises(ValueError, match=r"suite: .*mine\.toml: cases\[0\]\.dtype: 'f8', expected"):
        golden.load_suite(path)
    path.write_text("[[cases\n")
    with pytest.raises(ValueError, match=r"suite: .*mine\.toml: "):
        golden.load_suite(path)
    with pytest.raises(ValueError, match=r"suite: 'nightly', expected one of smoke, standard, tail, or a \.toml file"):
        golden.load_suite("nightly")
    with pytest.raises(ValueError, match=r"suite: .*none\.toml: No such file"):
        golden.load_suite(tmp_path / "none.toml")
