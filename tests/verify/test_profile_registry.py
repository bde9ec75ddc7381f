"""All profiles: names, sources, what they say of nothing, of a missing third party, of a format they do not cover."""

from __future__ import annotations

import pytest
from profile_cases import columns, judge, verdict

from bcelogits.verify import profiles
from bcelogits.verify._model import Status

DOCUMENTED = [
    *("cann-mixed", "cann-mixed:v1", "ulp", "ulp:cr", "ulp:faithful", "ulp:libm", "ulp:device", "cann-mere"),
    *("cann-dual:L0", "cann-dual:L1", "cann-dual:L2", "msprobe-bench", "msprobe-abs", "msprobe-ulp", "msprobe-single"),
    *("thousandth", "ascendoptest", "sample-isclose", "torch", "jax", "tf", "onnx"),
]
NEED_A_THIRD = {"cann-dual:L0", "cann-dual:L1", "cann-dual:L2", "msprobe-bench", "msprobe-ulp"}
OF_A_MEAN = {"cann-mere", "msprobe-bench"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_names_are_profiles(name: str) -> None:
    assert profiles.get(name).name == name


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_a_profile_names_its_standard_its_version_and_where_it_is_written(name: str) -> None:
    profile = profiles.PROFILES[name]
    assert profile.name == name
    assert profile.standard
    assert profile.version
    assert "https://" in profile.source
    assert profile.summary
    judged = verdict(name, [1.0], [1.0], third=[1.0])
    assert (judged.profile, judged.standard, judged.version) == (name, profile.standard, profile.version)


@pytest.mark.parametrize("name", profiles.PROFILES)
@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32"])
def test_a_right_output_passes(name: str, dtype: str) -> None:
    golden = [0.0, 0.25, 1.0, 2.0, 640.0]
    judged = verdict(name, golden, golden, dtype, third=golden)
    assert judged.status is Status.PASS
    assert judged.why == ""
    assert not [m for m in judged.metrics if m.passed is False]


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_an_output_of_the_wrong_sign_fails(name: str) -> None:
    golden = [1.0, 2.0, 4.0]
    judged = verdict(name, [-1.0, -2.0, -4.0], golden, third=golden)
    assert judged.status is Status.FAIL
    failing = next(m for m in judged.metrics if m.passed is False)
    assert failing.threshold is not None
    assert failing.name in judged.why


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_an_output_without_elements(name: str) -> None:
    judged = judge(name, columns([], [], third=[]))
    assert judged.status is (Status.NOT_JUDGED if name in OF_A_MEAN else Status.PASS)
    assert judged.used == 0
    assert judged.why.startswith("the output has no elements")


def test_dual_rules_alone_need_a_third_party() -> None:
    assert {name for name, p in profiles.PROFILES.items() if p.needs_third} == NEED_A_THIRD


@pytest.mark.parametrize("name", sorted(NEED_A_THIRD))
def test_what_needs_a_third_party_says_so(name: str) -> None:
    judged = verdict(name, [1.0, 1.0001], [1.0, 1.0])  # too little for the stage of msprobe-bench that needs none
    assert judged.status is Status.NOT_JUDGED
    assert "third party" in judged.why


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(ValueError, match=r"profile: 'ulp:0', expected one of cann-mixed, cann-mixed:v1, ulp, .*onnx$"):
        profiles.get("ulp:0")


def test_defaults_are_the_current_rule_and_the_one_that_sees_a_lost_tail() -> None:
    assert profiles.DEFAULT == ("cann-mixed", "ulp")
