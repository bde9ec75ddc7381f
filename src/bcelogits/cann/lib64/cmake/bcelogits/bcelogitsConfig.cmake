# find_package(bcelogits): imported targets under the names of CANN's libraries, found relative to this file.
#   bcelogits::ascendcl   runtime            bcelogits::nnopbase  aclTensor, executors
#   bcelogits::opapi      the operators      bcelogits::bcelogits all three
get_filename_component(bcelogits_ROOT_DIR "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(bcelogits_INCLUDE_DIRS "${bcelogits_ROOT_DIR}/include" "${bcelogits_ROOT_DIR}/include/aclnn")

if(NOT TARGET bcelogits::bcelogits)
  # All code is here; the others only pass calls on.
  add_library(bcelogits::core SHARED IMPORTED)
  set_target_properties(bcelogits::core PROPERTIES
    IMPORTED_LOCATION "${bcelogits_ROOT_DIR}/lib64/libbcelogits_cann.so")
  add_library(bcelogits::bcelogits INTERFACE IMPORTED)
  foreach(_bcelogits_name ascendcl nnopbase opapi)
    add_library(bcelogits::${_bcelogits_name} SHARED IMPORTED)
    set_target_properties(bcelogits::${_bcelogits_name} PROPERTIES
      IMPORTED_LOCATION "${bcelogits_ROOT_DIR}/lib64/lib${_bcelogits_name}.so"
      IMPORTED_LINK_DEPENDENT_LIBRARIES bcelogits::core
      INTERFACE_INCLUDE_DIRECTORIES "${bcelogits_INCLUDE_DIRS}")
    set_property(TARGET bcelogits::bcelogits APPEND PROPERTY
      INTERFACE_LINK_LIBRARIES bcelogits::${_bcelogits_name})
  endforeach()
  # Operators take the types and functions of nnopbase, and its callers those of the runtime.
  set_property(TARGET bcelogits::opapi APPEND PROPERTY IMPORTED_LINK_DEPENDENT_LIBRARIES bcelogits::nnopbase)
  unset(_bcelogits_name)
endif()
