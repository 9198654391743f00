# What `cmake --install` brings, by component: `library` and `development` for who builds on the library, `server` for who
# runs the server, and, only when named, the shared libraries that packages carry beside the program.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/durable_streams")

# Installs the library `target`, and its place in find_package as `export_name` of the export set `set`.
function(durable_streams_install_library target export_name set)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${target} EXPORT ${set}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT ${set} NAMESPACE durable_streams:: DESTINATION "${package_directory}" COMPONENT development)
endfunction()

# Writes and installs the pkg-config file `name`. Who links a static library has to link what that needs, too.
function(durable_streams_install_pkg_config name)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE libdir)
  string(REGEX REPLACE "[^/]+" ".." up "${libdir}")
  set(PC_PREFIX "\${pcfiledir}/../${up}")
  set(PC_PRIVATE "")
  set(PC_DEFINES "")
  if(BUILD_SHARED_LIBS)
    set(PC_PRIVATE ".private")
    set(PC_DEFINES " -DDURABLE_STREAMS_SHARED")
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endfunction()

function(durable_streams_install_development)
  durable_streams_install_library(durable_streams durable_streams durable_streams-targets)
  durable_streams_install_pkg_config(durable_streams)
  set(left_out PATTERN uv_loop.h EXCLUDE)
  if(TARGET durable_streams_uv)
    set(left_out "")
    durable_streams_install_library(durable_streams_uv uv durable_streams-uv-targets)
    durable_streams_install_pkg_config(durable_streams_uv)
  endif()
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/durable_streams"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development ${left_out})

  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/durable_streams-config.cmake.in"
    "${PROJECT_BINARY_DIR}/durable_streams-config.cmake" INSTALL_DESTINATION "${package_directory}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/durable_streams-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES
    "${PROJECT_BINARY_DIR}/durable_streams-config.cmake"
    "${PROJECT_BINARY_DIR}/durable_streams-config-version.cmake"
    cmake/FindLMDB.cmake
    cmake/FindLibUV.cmake
    DESTINATION "${package_directory}" COMPONENT development)
endfunction()

# The program makes its own completions, which takes that it runs here.
function(durable_streams_install_completions)
  if(CMAKE_CROSSCOMPILING)
    return()
  endif()
  set(places
    bash bash-completion/completions durable-streams-server
    zsh zsh/site-functions _durable-streams-server
    fish fish/vendor_completions.d durable-streams-server.fish)
  while(places)
    list(POP_FRONT places shell place name)
    set(made "${PROJECT_BINARY_DIR}/completions/${shell}")
    install(CODE "
      file(MAKE_DIRECTORY \"${PROJECT_BINARY_DIR}/completions\")
      execute_process(COMMAND \"$<TARGET_FILE:durable-streams-server>\" completion ${shell}
        OUTPUT_FILE \"${made}\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT server)
    install(FILES "${made}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${place}" RENAME ${name} COMPONENT server)
  endwhile()
endfunction()

function(durable_streams_install_documents)
  set(documents "${CMAKE_INSTALL_DATADIR}/doc/durable-streams-server")
  install(FILES README.md CHANGELOG.md LICENSE DESTINATION "${documents}" COMPONENT server)
  install(FILES deploy/debian/copyright DESTINATION "${documents}" COMPONENT server)
  install(DIRECTORY docs DESTINATION "${documents}" COMPONENT server)
  install(FILES deploy/Caddyfile deploy/alerts.yml deploy/grafana-dashboard.json
    DESTINATION "${documents}/examples" COMPONENT server)
endfunction()

# The shared libraries of the program, into the directory that its run path names. Those that every Debian has under one
# name are a component of their own, for a .deb asks for Debian's.
function(durable_streams_install_bundle)
  foreach(component unstable_libraries stable_libraries)
    install(CODE "
      set(BUNDLE ${component})
      set(PROGRAM \"$<TARGET_FILE:durable-streams-server>\")
      include(\"${PROJECT_SOURCE_DIR}/cmake/InstallBundle.cmake\")" COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
endfunction()

function(durable_streams_install_server)
  # Wherever the tree is unpacked, the program finds the libraries that came with it; without any, the system's.
  set(run_path "$ORIGIN/../lib/durable-streams-server")
  if(BUILD_SHARED_LIBS)
    list(APPEND run_path "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  endif()
  set_target_properties(durable-streams-server PROPERTIES INSTALL_RPATH "${run_path}")
  install(TARGETS durable-streams-server RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT server)
  # Not below CMAKE_INSTALL_LIBDIR: systemd looks for units in lib alone.
  install(FILES deploy/durable-streams.service DESTINATION lib/systemd/system COMPONENT server)
  durable_streams_install_completions()
  durable_streams_install_documents()
  durable_streams_install_bundle()
endfunction()

durable_streams_install_development()
if(TARGET durable-streams-server)
  durable_streams_install_server()
endif()
