# Runs -DPROGRAM, and fails unless it succeeds and prints exactly -DPRINTS.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${PROGRAM}" RESULT_VARIABLE status OUTPUT_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}, having printed:\n${output}")
endif()
if(NOT output STREQUAL PRINTS)
  message(FATAL_ERROR "${PROGRAM} printed:\n${output}\ninstead of:\n${PRINTS}")
endif()
