// The engine's front: what bindings and products include, and all that they may include of it.
#pragma once

#include "check/layout.hpp"
#include "check/overlap.hpp"
#include "check/plan.hpp"
#include "check/shape.hpp"
#include "run/chunks.hpp"
#include "run/dispatch.hpp"
#include "run/exact_sum.hpp"
#include "run/execute.hpp"
#include "threads/pages.hpp"
#include "threads/pool.hpp"
#include "types/dialect.hpp"
#include "types/element.hpp"
#include "types/op.hpp"
#include "types/status.hpp"
#include "types/view.hpp"
#include "walk/gather.hpp"
