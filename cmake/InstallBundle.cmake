# Run by `cmake --install --component unstable_libraries` or `stable_libraries`: copies the shared libraries that PROGRAM
# loads, but for the C library, to lib/durable-streams-server, with what Debian's packages say of their licences. BUNDLE
# says which: `stable_libraries` those whose name is the same in every Debian since 12, `unstable_libraries` the others.
set(c_library "/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|resolv))\\.so\\.[0-9]+$")
set(stable "^lib(crypto|gcc_s|lmdb|ssl|stdc\\+\\+|uv|z|zstd)\\.so\\.")

file(GET_RUNTIME_DEPENDENCIES
  EXECUTABLES "${PROGRAM}"
  RESOLVED_DEPENDENCIES_VAR libraries
  POST_EXCLUDE_REGEXES "${c_library}")

foreach(library ${libraries})
  cmake_path(GET library FILENAME name)
  if(name MATCHES "${stable}")
    set(belongs_to stable_libraries)
  else()
    set(belongs_to unstable_libraries)
  endif()
  if(NOT belongs_to STREQUAL BUNDLE OR name MATCHES "^libdurable_streams")
    continue()
  endif()
  # By its name, not by what that links to: nothing else is looked for.
  file(REAL_PATH "${library}" contents)
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/durable-streams-server" TYPE FILE
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ RENAME "${name}" FILES "${contents}")
  # Packages know it with or without the /usr before it.
  string(REGEX REPLACE "^/usr/" "/" known "${contents}")
  execute_process(COMMAND dpkg-query -S "${known}" "/usr${known}" OUTPUT_VARIABLE package ERROR_QUIET)
  string(REGEX REPLACE ":.*" "" package "${package}")
  file(REAL_PATH "/usr/share/doc/${package}/copyright" licence)
  if(package AND EXISTS "${licence}")
    file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/share/doc/durable-streams-server/licences" TYPE FILE
      PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ RENAME "${package}" FILES "${licence}")
  endif()
endforeach()
