"""A client that others wrote: the CANN back-end of ggml makes tensors, and the loss reads them.

Runs when BCELOGITS_THIRD_PARTY names a folder with an unpacked sdist that has ggml's source: ggml-python, say, or
llama-cpp-python. Nothing of it is changed or copied; its own CMake files configure and build it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from toolchain import COMPILERS, run

from bcelogits import reference

# Losses of tensors that the back-end makes: in three types, through views and permutations, with strides of 0,
# repeated as ggml repeats, and from an offset. It prints the memory of each result.
PROGRAM = r"""
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "acl_tensor.h"
#include "aclnnop/aclnn_binary_cross_entropy_with_logits.h"

// The back-end's own is in a file that needs all its operators.
[[noreturn]] void ggml_cann_error(const char* statement, const char*, const char*, int, const char* text) {
  std::fprintf(stderr, "%s: %s\n", statement, text ? text : "no text");
  std::exit(1);
}

namespace {

aclrtStream stream;
ggml_context* context;

// Value number i of a tensor; exact in float16 and bfloat16 too.
float value(int64_t i, int seed) { return static_cast<float>((i * 37 + seed * 11) % 101 - 50) / 8; }

// A ggml tensor of n values in device memory.
ggml_tensor* tensor(ggml_type type, std::vector<int64_t> ne, int seed) {
  ggml_tensor* made = ggml_new_tensor(context, type, static_cast<int>(ne.size()), ne.data());
  std::vector<uint8_t> host(ggml_nbytes(made));
  for (int64_t i = 0; i < ggml_nelements(made); ++i) {
    const float x = value(i, seed);
    if (type == GGML_TYPE_F32) reinterpret_cast<float*>(host.data())[i] = x;
    if (type == GGML_TYPE_F16) reinterpret_cast<ggml_fp16_t*>(host.data())[i] = ggml_fp32_to_fp16(x);
    if (type == GGML_TYPE_BF16) reinterpret_cast<ggml_bf16_t*>(host.data())[i] = ggml_fp32_to_bf16(x);
  }
  ACL_CHECK(aclrtMalloc(&made->data, host.size(), ACL_MEM_MALLOC_HUGE_FIRST));
  ACL_CHECK(aclrtMemcpy(made->data, host.size(), host.data(), host.size(), ACL_MEMCPY_HOST_TO_DEVICE));
  return made;
}

void run(const aclTensor* self, const aclTensor* target, const aclTensor* weight, const aclTensor* pos_weight,
         int64_t reduction, aclTensor* out) {
  uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  ACL_CHECK(aclnnBinaryCrossEntropyWithLogitsGetWorkspaceSize(self, target, weight, pos_weight, reduction, out, &size,
                                                              &executor));
  void* workspace = nullptr;
  if (size != 0) ACL_CHECK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
  ACL_CHECK(aclnnBinaryCrossEntropyWithLogits(workspace, size, executor, stream));
  ACL_CHECK(aclrtSynchronizeStream(stream));
  if (workspace != nullptr) ACL_CHECK(aclrtFree(workspace));
}

// Prints all of a tensor's memory, in the order of the memory.
void print(const char* name, const ggml_tensor* t) {
  std::vector<uint8_t> host(ggml_nbytes(t));
  ACL_CHECK(aclrtMemcpy(host.data(), host.size(), t->data, host.size(), ACL_MEMCPY_DEVICE_TO_HOST));
  std::printf("%s", name);
  for (int64_t i = 0; i < ggml_nelements(t); ++i) {
    float x = 0;
    if (t->type == GGML_TYPE_F32) x = reinterpret_cast<float*>(host.data())[i];
    if (t->type == GGML_TYPE_F16) x = ggml_fp16_to_fp32(reinterpret_cast<ggml_fp16_t*>(host.data())[i]);
    if (t->type == GGML_TYPE_BF16) x = ggml_bf16_to_fp32(reinterpret_cast<ggml_bf16_t*>(host.data())[i]);
    std::printf(" %.9g", x);
  }
  std::printf("\n");
}

void plain(const char* name, ggml_type type) {
  ggml_tensor *x = tensor(type, {5, 4, 3}, 1), *t = tensor(type, {5, 4, 3}, 2), *out = tensor(type, {5, 4, 3}, 3);
  run(ggml_cann_create_tensor(x).get(), ggml_cann_create_tensor(t).get(), nullptr, nullptr, 0,
      ggml_cann_create_tensor(out).get());
  print(name, out);
}

// self and out are permuted, target is a view inside a larger tensor, weight is one value with strides of 0.
void views() {
  ggml_tensor *x = tensor(GGML_TYPE_F32, {4, 5}, 1), *t = tensor(GGML_TYPE_F32, {7, 6}, 2);
  ggml_tensor *weight = tensor(GGML_TYPE_F32, {1}, 4), *out = tensor(GGML_TYPE_F32, {4, 5}, 3);
  ggml_tensor* view = ggml_view_2d(context, t, 5, 4, t->nb[1], t->nb[1] + 2 * t->nb[0]);
  int64_t ne[] = {5, 4};
  size_t zeros[] = {0, 0};
  run(ggml_cann_create_tensor(ggml_transpose(context, x)).get(), ggml_cann_create_tensor(view).get(),
      ggml_cann_create_tensor(weight->data, ACL_FLOAT, sizeof(float), ne, zeros, 2).get(), nullptr, 0,
      ggml_cann_create_tensor(ggml_transpose(context, out)).get());
  print("views", out);
}

// pos_weight is repeated along two dimensions; a second slice of each tensor is reached through an offset in bytes.
void broadcast() {
  ggml_tensor *x = tensor(GGML_TYPE_F32, {6, 4, 2}, 1), *t = tensor(GGML_TYPE_F32, {6, 4, 2}, 2);
  ggml_tensor *pos = tensor(GGML_TYPE_F32, {3, 2}, 5), *out = tensor(GGML_TYPE_F32, {6, 4, 2}, 3);
  BCAST_SHAPE(x, pos)
  run(ggml_cann_create_tensor(x, BCAST_PARAM(x)).get(), ggml_cann_create_tensor(t, BCAST_PARAM(x)).get(), nullptr,
      ggml_cann_create_tensor(pos, BCAST_PARAM(pos)).get(), 0, ggml_cann_create_tensor(out, BCAST_PARAM(x)).get());
  print("broadcast", out);

  ggml_tensor* mean = tensor(GGML_TYPE_F32, {1}, 3);
  int64_t one[] = {1};
  size_t step[] = {sizeof(float)};
  run(ggml_cann_create_tensor(x, x->ne, x->nb, 2, ACL_FORMAT_ND, x->nb[2]).get(),
      ggml_cann_create_tensor(t, t->ne, t->nb, 2, ACL_FORMAT_ND, t->nb[2]).get(), nullptr, nullptr, 1,
      ggml_cann_create_tensor(mean, one, step, 1).get());
  print("mean", mean);
}

// The other values that the back-end makes: a list owns its tensors from then on.
void values() {
  ggml_tensor *a = tensor(GGML_TYPE_F32, {3}, 1), *b = tensor(GGML_TYPE_F16, {2, 2}, 2);
  const int64_t axes[] = {0, 2};
  float half = 0.5F;
  uint64_t axes_seen = 0, tensors_seen = 0;
  const acl_int_array_ptr array = ggml_cann_create_int_array(axes, 2);
  const acl_scalar_ptr scalar = ggml_cann_create_scalar(&half, ACL_FLOAT);
  const acl_tensor_list_ptr list =
      ggml_cann_create_tensor_list(ggml_cann_create_tensor(a), ggml_cann_create_tensor(b));
  ACL_CHECK(aclGetIntArraySize(array.get(), &axes_seen));
  ACL_CHECK(aclGetTensorListSize(list.get(), &tensors_seen));
  std::printf("values %d %d %d\n", static_cast<int>(axes_seen), static_cast<int>(tensors_seen), scalar != nullptr);
}

}  // namespace

int main() {
  context = ggml_init({1 << 20, nullptr, true});
  ACL_CHECK(aclInit(nullptr));
  ACL_CHECK(aclrtSetDevice(0));
  ACL_CHECK(aclrtCreateStream(&stream));
  plain("f32", GGML_TYPE_F32);
  plain("f16", GGML_TYPE_F16);
  plain("bf16", GGML_TYPE_BF16);
  views();
  broadcast();
  values();
  ACL_CHECK(aclrtDestroyStream(stream));
  ACL_CHECK(aclrtResetDevice(0));
  ACL_CHECK(aclFinalize());
  std::puts("done");
}
"""

# Builds the program with the one file of the back-end that makes tensors; the others need all its operators.
PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(third_party C CXX ASM)
add_subdirectory(${GGML} ggml EXCLUDE_FROM_ALL)
add_executable(loss loss.cpp ${GGML}/src/ggml-cann/acl_tensor.cpp)
target_compile_features(loss PRIVATE cxx_std_17)
target_include_directories(loss PRIVATE ${GGML}/src ${GGML}/src/ggml-cann
  $<TARGET_PROPERTY:ggml-cann,INCLUDE_DIRECTORIES>)
target_link_directories(loss PRIVATE $<TARGET_PROPERTY:ggml-cann,LINK_DIRECTORIES>)
target_link_libraries(loss PRIVATE ggml-base ascendcl nnopbase opapi)
"""

Array = NDArray[np.float32]


def source_of_ggml() -> Path:
    """The folder of ggml's CMakeLists.txt in the folder that was named."""
    given = os.environ.get("BCELOGITS_THIRD_PARTY")
    if not given:
        pytest.skip("BCELOGITS_THIRD_PARTY names no folder with an sdist of ggml-python or llama-cpp-python")
    if not (COMPILERS and shutil.which("cmake")):
        pytest.skip("no C and C++ compiler, or no CMake")
    found = sorted(Path(given).resolve().glob("**/ggml/src/ggml-cann/acl_tensor.cpp"))
    assert found, f"no source of ggml's CANN back-end in {given}"
    return found[0].parents[2]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Array]:
    """What the program prints: numbers by name."""
    ggml = source_of_ggml()
    folder = tmp_path_factory.mktemp("ggml")
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "loss.cpp").write_text(PROGRAM)
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    options = ["-DGGML_CANN=ON", "-DSOC_TYPE=Ascend910B2", "-DGGML_CPU=OFF", "-DGGML_OPENMP=OFF", "-DGGML_CCACHE=OFF"]
    shared = ["-DBUILD_SHARED_LIBS=OFF", "-DCMAKE_BUILD_TYPE=Debug", f"-DGGML={ggml}"]
    as_for_cann = [sys.executable, "-m", "bcelogits.cli", "run", "--"]
    build = folder / "build"
    run([*as_for_cann, "cmake", "-S", folder, "-B", build, *generator, *options, *shared], timeout=300)
    run([*as_for_cann, "cmake", "--build", build, "--target", "loss", "--parallel", "2"], timeout=600)
    (program,) = (path for path in build.glob("**/loss") if path.is_file())
    done = run([*as_for_cann, program], env={"BCELOGITS_STRICT_MEMORY": "1"})
    *lines, last = done.stdout.splitlines()
    assert last == "done"
    return {name: np.array(numbers, np.float32) for name, *numbers in map(str.split, lines)}


def values(shape: tuple[int, ...], seed: int) -> Array:
    """The values of a tensor of the program, in the order of memory: ggml names the innermost dimension first."""
    i = np.arange(np.prod(shape))
    return (((i * 37 + seed * 11) % 101 - 50) / 8).astype(np.float32).reshape(shape)


def none(x: Array, t: Array, weight: Array | None = None, pos_weight: Array | None = None) -> Array:
    losses = reference.binary_cross_entropy_with_logits(x, t, weight, pos_weight=pos_weight, reduction="none")
    return np.asarray(losses, np.float32)


@pytest.mark.parametrize(("dtype", "bits"), [("f32", 23), ("f16", 10), ("bf16", 7)])
def test_tensors_of_the_back_end_have_the_losses_of_their_values(
    printed: dict[str, Array], dtype: str, bits: int
) -> None:
    expected = none(values((3, 4, 5), 1), values((3, 4, 5), 2))
    np.testing.assert_allclose(printed[dtype].reshape(3, 4, 5), expected, rtol=2.0**-bits, atol=2.0**-bits)


def test_views_permutations_and_strides_of_zero_are_what_the_back_end_means(printed: dict[str, Array]) -> None:
    weight = np.full((4, 5), values((1,), 4)[0])
    expected = none(values((5, 4), 1).T, values((6, 7), 2)[1:5, 2:7], weight)
    np.testing.assert_allclose(printed["views"].reshape(5, 4).T, expected, rtol=1e-6)


def test_a_weight_that_is_repeated_meets_every_element(printed: dict[str, Array]) -> None:
    pos_weight = np.tile(values((2, 3), 5), (1, 2, 2)).astype(np.float32)
    expected = none(values((2, 4, 6), 1), values((2, 4, 6), 2), None, np.broadcast_to(pos_weight, (2, 4, 6)))
    np.testing.assert_allclose(printed["broadcast"].reshape(2, 4, 6), expected, rtol=1e-6, atol=1e-6)


def test_an_offset_reaches_the_second_slice(printed: dict[str, Array]) -> None:
    x, t = values((2, 4, 6), 1)[1], values((2, 4, 6), 2)[1]
    expected = reference.binary_cross_entropy_with_logits(x, t, reduction="mean")
    np.testing.assert_allclose(printed["mean"], [expected], rtol=1e-6)


def test_arrays_scalars_and_lists_are_made_and_destroyed(printed: dict[str, Array]) -> None:
    assert printed["values"].tolist() == [2, 2, 1]
