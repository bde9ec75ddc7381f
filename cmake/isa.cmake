# The kernels, compiled once per ISA. This is the only file of the build with -m flags.
set(_bcelogits_isas baseline)
set(_bcelogits_flags_baseline "")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  list(APPEND _bcelogits_isas avx2 avx512)
  set(_bcelogits_flags_avx2 -mavx2 -mfma -mf16c)
  set(_bcelogits_flags_avx512
      -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  list(APPEND _bcelogits_isas neon)
  set(_bcelogits_flags_neon "")  # part of every AArch64
endif()

add_library(bcelogits_kernels INTERFACE)
add_custom_target(bcelogits_check_kernels ALL)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  target_compile_definitions(bcelogits_kernels INTERFACE BCELOGITS_X86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  target_compile_definitions(bcelogits_kernels INTERFACE BCELOGITS_AARCH64)
endif()

foreach(isa IN LISTS _bcelogits_isas)
  add_library(bcelogits_kernels_${isa} OBJECT native/engine/kernels/isa_${isa}.cpp)
  target_link_libraries(bcelogits_kernels_${isa} PRIVATE bcelogits_options)
  # GCC 12 takes the deliberately undefined upper halves in its own intrinsics for mistakes.
  target_compile_options(bcelogits_kernels_${isa} PRIVATE
    ${_bcelogits_flags_${isa}} -fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>)
  target_sources(bcelogits_kernels INTERFACE $<TARGET_OBJECTS:bcelogits_kernels_${isa}>)
  # Every build looks at the objects that it links. Sanitizers add symbols of their own.
  if(CMAKE_NM AND NOT BCELOGITS_SANITIZE)
    add_custom_target(bcelogits_check_kernels_${isa}
      COMMAND ${CMAKE_COMMAND} "-DNM=${CMAKE_NM}" -DISA=${isa} "-DOBJECT=$<TARGET_OBJECTS:bcelogits_kernels_${isa}>"
        -P "${CMAKE_CURRENT_LIST_DIR}/check_kernel.cmake"
      COMMENT "Checking what isa_${isa} shares" VERBATIM)
    add_dependencies(bcelogits_check_kernels_${isa} bcelogits_kernels_${isa})
    add_dependencies(bcelogits_check_kernels bcelogits_check_kernels_${isa})
  endif()
endforeach()
