# Refuses a compiler older than those that the project was built with; the README names the same.
# Tried by itself: cmake -DCMAKE_CXX_COMPILER_ID=GNU -DCMAKE_CXX_COMPILER_VERSION=11.4 -P cmake/compiler.cmake
set(_bcelogits_least_GNU 12)
set(_bcelogits_least_Clang 14)

set(_least "${_bcelogits_least_${CMAKE_CXX_COMPILER_ID}}")
if(_least AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS _least)
  message(FATAL_ERROR "bcelogits needs GCC ${_bcelogits_least_GNU} or Clang ${_bcelogits_least_Clang}, or newer; "
    "CXX is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER})")
endif()
