"""Every documented error: its code, a text that names the parameter and what is allowed, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from binding import (
    BF16,
    FLOAT,
    FLOAT16,
    LOSS,
    PARAMETERS,
    PHASE_ONE,
    POISON_EXECUTOR,
    POISON_SIZE,
    Acl,
)
from device_tensors import POISON, assert_poison, on_device
from error_table import CASES, INVALID, NULL_POINTER, OPS, SHAPE, Case, Tensor
from toolchain import CLIENTS, COMPILERS, Flags, build, run


@pytest.mark.parametrize("case", CASES, ids=str)
def test_phase_one_refuses(case: Case, acl: Acl) -> None:
    tensors = case.tensors()
    with on_device(acl, tensors) as (handles, addresses):
        got = acl.phase_one(case.op, handles, case.reduction, no_size=case.no_size, no_executor=case.no_executor)
        assert got.status == case.code, got.text
        assert got.workspace_size in (POISON_SIZE, 0)
        assert got.executor in (POISON_EXECUTOR, 0)
        assert_poison(acl, tensors, addresses)
    text = rf"{PHASE_ONE[case.op]}: {case.parameter}: .*({case.given}).*, expected .*({case.allowed})"
    assert re.search(text, got.text, re.IGNORECASE), got.text
    assert not acl.recent()  # reading clears


def test_the_table_has_every_parameter_of_every_operator() -> None:
    for op in OPS:
        named = {case.parameter for case in CASES if case.op == op}
        assert named == {*PARAMETERS[op], "reduction", "workspaceSize", "executor"}


def test_a_text_is_exactly_as_documented(acl: Acl) -> None:
    tensors: dict[str, Tensor | None] = {**Case("", LOSS, "", 0).tensors(), "target": Tensor((4, 3))}
    with on_device(acl, tensors) as (handles, _):
        text = acl.phase_one(LOSS, handles, 0).text
    assert text.splitlines()[0].endswith(f"{PHASE_ONE[LOSS]}: target: shape (4, 3), expected (4, 2), the shape of self")


# ---- phase two -------------------------------------------------------------------------------------------------


class Ready:
    """A good call after phase one, with a workspace."""

    def __init__(self, acl: Acl, op: str, stack: ExitStack) -> None:
        self.acl, self.tensors = acl, Case("", op, "", 0).tensors()
        handles, self.addresses = stack.enter_context(on_device(acl, self.tensors))
        one = acl.phase_one(op, handles, 0)
        assert one.status == 0, one.text
        self.executor, self.size = one.executor, one.workspace_size
        self.workspace = stack.enter_context(acl.on_device(bytes(self.size)))

    def phase_two(self, op: str, stream: int | None = None) -> int:
        return self.acl.phase_two(op, self.workspace, self.size, self.executor, stream)

    def assert_untouched(self) -> None:
        assert_poison(self.acl, self.tensors, self.addresses)


@pytest.fixture
def ready(acl: Acl) -> Iterator[Callable[[str], Ready]]:
    with ExitStack() as stack:
        yield lambda op: Ready(acl, op, stack)


MakeReady = Callable[[str], Ready]


@pytest.mark.parametrize("op", OPS)
class TestPhaseTwo:
    def test_a_consumed_executor_is_561103(self, op: str, acl: Acl, ready: MakeReady) -> None:
        call = ready(op)
        assert call.phase_two(op) == 0
        assert call.phase_two(op) == 561103
        assert f"{op}: executor: " in acl.recent()
        acl.synchronize()

    def test_a_null_executor_is_561103(self, op: str, acl: Acl) -> None:
        assert acl.phase_two(op, None, 0, 0) == 561103
        assert f"{op}: executor: " in acl.recent()

    def test_garbage_as_an_executor_is_561103(self, op: str, acl: Acl) -> None:
        for bits in (1, 8, 0x7FFF_FFFF_FFF8, 2**64 - 8):
            assert acl.phase_two(op, None, 0, bits) == 561103

    @pytest.mark.parametrize("other", OPS)
    def test_the_executor_of_another_operator_is_161002(self, other: str, op: str, acl: Acl, ready: MakeReady) -> None:
        if other == op:
            pytest.skip("the same operator")
        call = ready(other)
        assert call.phase_two(op) == INVALID
        assert re.search(rf"{op}: executor: .*{PHASE_ONE[other]}.*, expected .*{PHASE_ONE[op]}", acl.recent())
        acl.synchronize()
        call.assert_untouched()

    def test_a_bad_stream_is_361001(self, op: str, acl: Acl, ready: MakeReady) -> None:
        call = ready(op)
        assert call.phase_two(op, stream=0x1234_5678) == 361001
        assert re.search(rf"{op}: .*107017.*stream", acl.recent())  # the runtime's own code is in the text
        call.assert_untouched()

    def test_tensors_that_are_destroyed_are_161002_in_phase_one(self, op: str, acl: Acl) -> None:
        tensors = Case("", op, "", 0).tensors()
        for position, name in enumerate(PARAMETERS[op]):
            with on_device(acl, tensors) as (handles, addresses):
                dead = acl.create_tensor(SHAPE, FLOAT, next(iter(addresses.values())))
                acl.destroy_tensor(dead)
                got = acl.phase_one(op, [*handles[:position], dead, *handles[position + 1 :]], 0)
            assert got.status == INVALID
            assert f"{PHASE_ONE[op]}: {name}: " in got.text


def test_a_workspace_that_is_null_or_too_small_is_refused(acl: Acl) -> None:
    shape = (300, 200)
    transposed = Tensor(shape, FLOAT16, strides=(1, 300))
    tensors: dict[str, Tensor | None] = {
        **{"self": transposed, "target": Tensor(shape, BF16), "weightOptional": Tensor((200,))},
        **{"posWeightOptional": None, "out": Tensor((1,), BF16)},
    }
    with on_device(acl, tensors) as (handles, addresses):
        one = acl.phase_one(LOSS, handles, 1)
        assert one.status == 0, one.text
        if one.workspace_size == 0:
            pytest.skip("this call asks for no workspace")
        assert acl.phase_two(LOSS, None, one.workspace_size, one.executor) == NULL_POINTER
        assert f"{LOSS}: workspace: " in acl.recent()
        with acl.on_device(bytes(one.workspace_size)) as workspace:
            for size in (0, 1, one.workspace_size - 1):
                one = acl.phase_one(LOSS, handles, 1)
                assert acl.phase_two(LOSS, workspace, size, one.executor) == INVALID
                text = acl.recent()
                assert re.search(rf"{LOSS}: workspaceSize: {size}\b.*, expected .*{one.workspace_size}\b", text)
        assert_poison(acl, {"out": tensors["out"]}, {"out": addresses["out"]})


@pytest.mark.parametrize("op", OPS)
def test_a_view_beyond_its_memory_is_refused_before_anything_is_written(op: str, acl: Acl) -> None:
    for name in PARAMETERS[op]:
        tensors = Case("", op, "", 0).tensors() | {name: Tensor()}
        with on_device(acl, tensors) as (handles, addresses), acl.on_device(bytes([POISON]) * 32) as small:
            position = PARAMETERS[op].index(name)
            far = acl.create_tensor(SHAPE, FLOAT, small, strides=(1 << 20, 1), storage=(8,))
            got = acl.phase_one(op, [*handles[:position], far, *handles[position + 1 :]], 0)
            assert got.status == 0, got.text  # addresses may still be changed
            with acl.on_device(bytes(got.workspace_size)) as workspace:
                assert acl.phase_two(op, workspace, got.workspace_size, got.executor) == INVALID
            assert f"{op}: {name}: " in acl.recent()
            acl.destroy_tensor(far)
            addresses.pop(name)
            assert_poison(acl, tensors, addresses)
            assert set(acl.download(small, 32)) == {POISON}


@pytest.mark.parametrize("compiler_of_client", COMPILERS)
def test_a_client_in_c_sees_the_same_codes_and_texts(compiler_of_client: str, flags: Flags, tmp_path: Path) -> None:
    run([build([CLIENTS / "first_calls.c"], tmp_path / "client", flags, compiler=compiler_of_client)], cwd=tmp_path)
