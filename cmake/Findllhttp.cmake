# Finds llhttp as llhttp::llhttp: a package of its own (vcpkg, Debian 13's libllhttp-dev), else the C sources that Debian
# 12's node-llhttp installs, compiled here. Those are version 8, whose strict mode is a choice at compile time.
include(FindPackageHandleStandardArgs)

find_package(llhttp CONFIG QUIET)
foreach(candidate llhttp::llhttp_shared llhttp::llhttp_static)
  if(TARGET ${candidate} AND NOT llhttp_TARGET)
    set(llhttp_TARGET ${candidate})
  endif()
endforeach()
if(llhttp_TARGET)
  find_package_handle_standard_args(llhttp REQUIRED_VARS llhttp_TARGET)
  if(NOT TARGET llhttp::llhttp)
    add_library(llhttp::llhttp INTERFACE IMPORTED)
    target_link_libraries(llhttp::llhttp INTERFACE ${llhttp_TARGET})
  endif()
  return()
endif()

find_path(llhttp_INCLUDE_DIR NAMES llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include)
find_library(llhttp_LIBRARY NAMES llhttp)
find_path(llhttp_SOURCE_DIR NAMES llhttp.c PATHS /usr/share PATH_SUFFIXES llhttp NO_DEFAULT_PATH)
mark_as_advanced(llhttp_INCLUDE_DIR llhttp_LIBRARY llhttp_SOURCE_DIR)

if(llhttp_LIBRARY)
  find_package_handle_standard_args(llhttp REQUIRED_VARS llhttp_LIBRARY llhttp_INCLUDE_DIR)
  if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
    add_library(llhttp::llhttp UNKNOWN IMPORTED)
    set_target_properties(llhttp::llhttp PROPERTIES
      IMPORTED_LOCATION "${llhttp_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${llhttp_INCLUDE_DIR}")
  endif()
  return()
endif()

find_package_handle_standard_args(llhttp
  REQUIRED_VARS llhttp_SOURCE_DIR llhttp_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libllhttp-dev, or on Debian 12 node-llhttp")
if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
  add_library(durable_streams_llhttp STATIC
    "${llhttp_SOURCE_DIR}/api.c" "${llhttp_SOURCE_DIR}/http.c" "${llhttp_SOURCE_DIR}/llhttp.c")
  target_include_directories(durable_streams_llhttp SYSTEM PUBLIC "${llhttp_INCLUDE_DIR}")
  target_compile_definitions(durable_streams_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  set_target_properties(durable_streams_llhttp PROPERTIES
    COMPILE_WARNING_AS_ERROR OFF
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(durable_streams_llhttp PRIVATE -w)
  add_library(llhttp::llhttp ALIAS durable_streams_llhttp)
endif()
