# The C API: one core library with all code and state, and thin libraries under the names that callers link or open.
enable_language(ASM)
set(_cann "${CMAKE_CURRENT_SOURCE_DIR}/native/cann")
set(_cann_root bcelogits/cann)  # inside the Python package; a look-alike of an installed toolkit

add_library(bcelogits_cann SHARED
  native/cann/absent/single_op.cpp
  native/cann/absent/stubs.cpp
  native/cann/capi/acl_device.cpp
  native/cann/capi/acl_event.cpp
  native/cann/capi/acl_info.cpp
  native/cann/capi/acl_init.cpp
  native/cann/capi/acl_memory.cpp
  native/cann/capi/acl_misc.cpp
  native/cann/capi/acl_stream.cpp
  native/cann/capi/elementary.cpp
  native/cann/capi/elementary_lists.cpp
  native/cann/capi/elementary_plans.cpp
  native/cann/capi/executor.cpp
  native/cann/capi/json.cpp
  native/cann/capi/messages.cpp
  native/cann/capi/names.cpp
  native/cann/capi/operators.cpp
  native/cann/capi/tensor.cpp
  native/cann/capi/values.cpp
  native/cann/elementary/elementwise.cpp
  native/cann/elementary/kernels.cpp
  native/cann/elementary/reduce.cpp
  native/cann/elementary/select.cpp
  native/cann/elementary/value.cpp
  native/cann/device/arena_blocks.cpp
  native/cann/device/arena_range.cpp
  native/cann/device/device.cpp
  native/cann/device/event.cpp
  native/cann/device/memory.cpp
  native/cann/device/report.cpp
  native/cann/device/settings.cpp
  native/cann/device/stream.cpp
)
target_link_libraries(bcelogits_cann PRIVATE bcelogits_engine)
target_include_directories(bcelogits_cann PRIVATE native/cann/include native/cann/capi)
# Only the functions of the API leave the library, not those of the C++ library that it was built with.
target_link_options(bcelogits_cann PRIVATE
  "LINKER:--version-script=${_cann}/capi/exports.map" LINKER:--no-undefined LINKER:-z,relro,-z,now,-z,nodelete)
set_target_properties(bcelogits_cann PROPERTIES LINK_DEPENDS "${_cann}/capi/exports.map"
  LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib64" BUILD_RPATH_USE_ORIGIN ON)
install(TARGETS bcelogits_cann LIBRARY DESTINATION ${_cann_root}/lib64)

# name of the library, list of names (from native/cann/capi), further libraries that its users expect behind it
function(bcelogits_thin_library name list)
  add_library(${name} SHARED native/cann/capi/forward.S)
  file(GLOB lists CONFIGURE_DEPENDS "${_cann}/capi/*.def" "${_cann}/absent/*.def")
  set_source_files_properties(native/cann/capi/forward.S PROPERTIES OBJECT_DEPENDS "${lists}")
  target_compile_definitions(${name} PRIVATE FORWARD_LIST="${list}")
  target_include_directories(${name} PRIVATE native/cann/capi)
  # Linked whether or not it is used: dlsym on a handle also looks into what the library needs.
  target_link_options(${name} PRIVATE LINKER:--no-as-needed -nostdlib LINKER:-z,relro,-z,now)
  target_link_libraries(${name} PRIVATE bcelogits_cann ${ARGN})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib64"
    INSTALL_RPATH "$ORIGIN:$ORIGIN/../../lib64:$ORIGIN/../../../lib64"
    BUILD_RPATH_USE_ORIGIN ON)
  install(TARGETS ${name} LIBRARY DESTINATION ${_cann_root}/lib64)
endfunction()

bcelogits_thin_library(ascendcl ascendcl.def)
foreach(name acl_rt runtime)
  bcelogits_thin_library(${name} runtime.def)
endforeach()
bcelogits_thin_library(acl_op_compiler ../absent/op_compiler.def)
bcelogits_thin_library(hccl ../absent/hccl.def)
# Clients link these, too, but take nothing from them.
foreach(name ge_runner graph acl_tdt_channel)
  bcelogits_thin_library(${name} ../absent/none.def)
endforeach()
bcelogits_thin_library(nnopbase meta.def)
foreach(name opapi opapi_nn opapi_math aclnn_ops_infer aclnn_ops_train aclnn_math)
  bcelogits_thin_library(${name} opapi.def nnopbase)
endforeach()

install(DIRECTORY native/cann/include/ DESTINATION ${_cann_root}/include)
# Older layouts keep the runtime in a folder of its own; a wheel has no symbolic links.
install(DIRECTORY native/cann/include/ DESTINATION ${_cann_root}/runtime/include)
foreach(folder runtime/lib64 runtime/lib64/stub)
  install(TARGETS ascendcl acl_rt runtime LIBRARY DESTINATION ${_cann_root}/${folder})
endforeach()
