# What CPack makes of the server: an archive that runs wherever the C library is new enough, and a package for Debian 12
# and 13.
set(CPACK_PACKAGE_NAME durable-streams-server)
set(DURABLE_STREAMS_PACKAGE_CONTACT "durable-streams <durable-streams@localhost>"
  CACHE STRING "Who answers for the packages built here: NAME <ADDRESS>")
set(CPACK_PACKAGE_VENDOR "durable-streams")
set(CPACK_PACKAGE_CONTACT "${DURABLE_STREAMS_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "server of append-only streams over HTTP")
set(CPACK_PACKAGE_DESCRIPTION "\
Streams that live at a URL: created with PUT, appended to with POST, read
from any offset with GET, followed live by long-poll or server-sent events.
It implements the open Durable Streams protocol, in memory or durably.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_THREADS 0)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/PackageOptions.cmake")
set(CPACK_DURABLE_STREAMS_SOURCE_DIR "${PROJECT_SOURCE_DIR}")

# What Debian calls the machines it has ports to.
set(CPACK_DURABLE_STREAMS_MACHINE "${CMAKE_SYSTEM_PROCESSOR}")
if(CPACK_DURABLE_STREAMS_MACHINE STREQUAL "x86_64")
  set(CPACK_DURABLE_STREAMS_MACHINE amd64)
elseif(CPACK_DURABLE_STREAMS_MACHINE STREQUAL "aarch64")
  set(CPACK_DURABLE_STREAMS_MACHINE arm64)
endif()

install(FILES deploy/Caddyfile DESTINATION /etc/durable-streams COMPONENT debian EXCLUDE_FROM_ALL)

# Debian's own form of a changelog, which says no more than where ours is.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/debian/changelog" CONTENT "\
durable-streams-server (@PROJECT_VERSION@-1) stable; urgency=medium

  * New version: see CHANGELOG.md.

 -- @DURABLE_STREAMS_PACKAGE_CONTACT@  @now@
" @ONLY)
install(CODE "execute_process(
  COMMAND gzip --force --no-name --best --keep \"${PROJECT_BINARY_DIR}/debian/changelog\"
  COMMAND_ERROR_IS_FATAL ANY)" COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES "${PROJECT_BINARY_DIR}/debian/changelog.gz" RENAME changelog.Debian.gz
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/durable-streams-server" COMPONENT debian EXCLUDE_FROM_ALL)

include(CPack)
