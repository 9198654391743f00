# What every target of the project shares: warnings, language level and hidden symbols, as things that a target asks
# for, so that nothing leaks into a project that includes this one.

add_library(durable_streams_warnings INTERFACE)
target_compile_options(durable_streams_warnings INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wnon-virtual-dtor;-Woverloaded-virtual>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:-Wthread-safety>
  # GCC takes the alternatives that a moved std::variant does not hold for ones that are read, and GCC 12 the inlined copy
  # of a short std::string for an overlapping one.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)

# Gives `target` the project's language level, symbol visibility and warnings.
function(durable_streams_configure target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20
    CXX_STANDARD_REQUIRED ON
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:durable_streams_warnings>)
endfunction()

# Has `target` parse the headers that follow once for all its sources, or take what the target REUSE_FROM parsed. Never in
# preset `release`, which so shows that each source includes what it uses.
option(DURABLE_STREAMS_PRECOMPILE_HEADERS "Precompile the standard library's headers" OFF)
function(durable_streams_precompile target)
  if(DURABLE_STREAMS_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} ${ARGN})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache asks for it
    endif()
  endif()
endfunction()

# The ones that most sources parse, and their cost.
set(DURABLE_STREAMS_COMMON_HEADERS
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <functional> <map> <memory> <mutex>
  <optional> <random> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
