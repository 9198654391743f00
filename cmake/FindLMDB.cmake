# Finds LMDB as LMDB::LMDB, from its own CMake package where there is one (vcpkg's), else by its header and library.
include(FindPackageHandleStandardArgs)

find_package(lmdb CONFIG QUIET)
if(TARGET lmdb)
  set(LMDB_TARGET lmdb)
  find_package_handle_standard_args(LMDB REQUIRED_VARS LMDB_TARGET)
  if(NOT TARGET LMDB::LMDB)
    add_library(LMDB::LMDB INTERFACE IMPORTED)
    target_link_libraries(LMDB::LMDB INTERFACE ${LMDB_TARGET})
  endif()
  return()
endif()

find_path(LMDB_INCLUDE_DIR NAMES lmdb.h)
find_library(LMDB_LIBRARY NAMES lmdb)
mark_as_advanced(LMDB_INCLUDE_DIR LMDB_LIBRARY)
find_package_handle_standard_args(LMDB
  REQUIRED_VARS LMDB_LIBRARY LMDB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install liblmdb-dev")

if(LMDB_FOUND AND NOT TARGET LMDB::LMDB)
  add_library(LMDB::LMDB UNKNOWN IMPORTED)
  set_target_properties(LMDB::LMDB PROPERTIES
    IMPORTED_LOCATION "${LMDB_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LMDB_INCLUDE_DIR}")
endif()
