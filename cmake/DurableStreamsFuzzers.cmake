# Fuzz targets: one program for each LLVMFuzzerTestOneInput. Preset `fuzz` links libFuzzer; without an engine a small
# driver of ours takes its place, so that the targets and their corpus run under every compiler.
set(DURABLE_STREAMS_FUZZING_ENGINE "" CACHE STRING "Link flag of a fuzzing engine; empty for the driver in the tree")

if(NOT DURABLE_STREAMS_FUZZING_ENGINE)
  add_library(durable_streams_fuzz_main STATIC "${PROJECT_SOURCE_DIR}/tests/support/fuzz_main.cc")
  durable_streams_configure(durable_streams_fuzz_main)
endif()

# Adds the fuzz target `name`, built from the sources that follow, with its seeds in corpus/<name> beside them, and a
# ctest entry that replays those.
function(durable_streams_fuzzer name)
  add_executable(${name} ${ARGN})
  durable_streams_configure(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzzers")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(${name} PRIVATE durable_streams::durable_streams)
  if(DURABLE_STREAMS_FUZZING_ENGINE)
    target_link_options(${name} PRIVATE ${DURABLE_STREAMS_FUZZING_ENGINE})
  else()
    target_link_libraries(${name} PRIVATE durable_streams_fuzz_main)
  endif()
  add_test(NAME ${name} COMMAND ${name} -runs=0 "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
