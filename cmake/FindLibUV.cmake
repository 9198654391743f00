# Finds libuv as LibUV::LibUV, from its own CMake package where there is one, else by its header and library.
include(FindPackageHandleStandardArgs)

find_package(libuv CONFIG QUIET)
if(TARGET libuv::uv OR TARGET libuv::libuv OR TARGET libuv::uv_a)
  foreach(candidate libuv::libuv libuv::uv libuv::uv_a)
    if(TARGET ${candidate} AND NOT LibUV_TARGET)
      set(LibUV_TARGET ${candidate})
    endif()
  endforeach()
  find_package_handle_standard_args(LibUV REQUIRED_VARS LibUV_TARGET)
  if(NOT TARGET LibUV::LibUV)
    add_library(LibUV::LibUV INTERFACE IMPORTED)
    target_link_libraries(LibUV::LibUV INTERFACE ${LibUV_TARGET})
  endif()
  return()
endif()

find_path(LibUV_INCLUDE_DIR NAMES uv.h)
find_library(LibUV_LIBRARY NAMES uv libuv)
mark_as_advanced(LibUV_INCLUDE_DIR LibUV_LIBRARY)
find_package_handle_standard_args(LibUV REQUIRED_VARS LibUV_LIBRARY LibUV_INCLUDE_DIR)

if(LibUV_FOUND AND NOT TARGET LibUV::LibUV)
  add_library(LibUV::LibUV UNKNOWN IMPORTED)
  set_target_properties(LibUV::LibUV PROPERTIES
    IMPORTED_LOCATION "${LibUV_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibUV_INCLUDE_DIR}")
endif()
