// Functions of the signatures of bcelogits' own native module that do nothing: what a nanobind call costs by itself.
#include <nanobind/nanobind.h>

namespace nb = nanobind;
using namespace nb::literals;

NB_MODULE(bcelogits_noop, m) {
  m.def(
      "loss", [](nb::handle, nb::handle, nb::handle, nb::handle, nb::handle, nb::handle) { return nb::none(); },
      "logits"_a.none(), "targets"_a.none(), "weight"_a.none() = nb::none(), nb::kw_only(),
      "pos_weight"_a.none() = nb::none(), "reduction"_a.none() = "mean", "out"_a.none() = nb::none());
  m.def(
      "value_and_grad",
      [](nb::handle, nb::handle, nb::handle, nb::handle, nb::handle, nb::handle) { return nb::none(); },
      "logits"_a.none(), "targets"_a.none(), "weight"_a.none() = nb::none(), nb::kw_only(),
      "pos_weight"_a.none() = nb::none(), "reduction"_a.none() = "mean", "grad_out"_a.none() = nb::none());
}
