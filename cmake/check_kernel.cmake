# Fails unless the table of its ISA is all that a kernel object shares with others. Anything else, a weak copy of an
# inline function above all, could be taken by the linker for code that runs on every processor.
#   cmake -DNM=nm -DISA=avx2 -DOBJECT=isa_avx2.o -P cmake/check_kernel.cmake
execute_process(COMMAND "${NM}" -C --extern-only "${OBJECT}" OUTPUT_VARIABLE _listed COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE " +U [^\n]*\n" "" _shared "${_listed}")  # what it takes from others
string(STRIP "${_shared}" _shared)
if(NOT _shared MATCHES "^[0-9a-f]+ T bcelogits::kernels::table_${ISA}\\(\\)$")
  message(FATAL_ERROR "${OBJECT} may share table_${ISA}() alone, but nm lists:\n${_shared}")
endif()
