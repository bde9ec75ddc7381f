# Where CMake looks under a prefix on systems on which it leaves out lib64.
include("${CMAKE_CURRENT_LIST_DIR}/../../../lib64/cmake/bcelogits/bcelogitsConfigVersion.cmake")
