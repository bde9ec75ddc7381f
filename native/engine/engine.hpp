// The engine's front: what bindings and products include, and all that they may include of it.
#pragma once

#include "check/overlap.hpp"
#include "check/plan.hpp"
#include "run/exact_sum.hpp"
#include "run/execute.hpp"
#include "threads/pages.hpp"
#include "threads/pool.hpp"
#include "types/dialect.hpp"
#include "types/shape.hpp"
#include "types/status.hpp"
#include "types/view.hpp"
#include "walk/layout.hpp"
#include "walk/loader.hpp"
