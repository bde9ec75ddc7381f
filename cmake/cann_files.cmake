# The files of the installed tree that are no code: those with the version in them, and those that are as they are.
include(CMakePackageConfigHelpers)
set(_cann_files ${CMAKE_CURRENT_BINARY_DIR}/cann)
set(_cann_to bcelogits/cann)
set(_cann_version ${SKBUILD_PROJECT_VERSION})
if(NOT _cann_version)  # built without Python
  file(STRINGS pyproject.toml _cann_version REGEX "^version = ")
  string(REGEX REPLACE "^version = \"([0-9.]+).*" "\\1" _cann_version "${_cann_version}")
endif()

configure_file(cmake/bcelogits.pc.in ${_cann_files}/bcelogits.pc @ONLY)
configure_file(cmake/version.cfg.in ${_cann_files}/version.cfg @ONLY)
write_basic_package_version_file(${_cann_files}/bcelogitsConfigVersion.cmake
  VERSION ${_cann_version} COMPATIBILITY SameMinorVersion)

install(FILES ${_cann_files}/bcelogits.pc DESTINATION ${_cann_to}/lib64/pkgconfig)
install(FILES ${_cann_files}/version.cfg DESTINATION ${_cann_to})
install(FILES ${_cann_files}/bcelogitsConfigVersion.cmake DESTINATION ${_cann_to}/lib64/cmake/bcelogits)
# A wheel has them with the Python files; an editable install leaves those where they are, but not the libraries.
install(DIRECTORY src/bcelogits/cann/ DESTINATION ${_cann_to})
