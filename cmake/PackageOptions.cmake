# Read by CPack for each kind of package: what goes into it.
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)

if(CPACK_GENERATOR STREQUAL "TGZ")
  set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_ALL server stable_libraries unstable_libraries)
  set(CPACK_PACKAGING_INSTALL_PREFIX "/")
  string(TOLOWER "${CPACK_SYSTEM_NAME}" system)
  set(CPACK_PACKAGE_FILE_NAME
    "${CPACK_PACKAGE_NAME}_${CPACK_PACKAGE_VERSION}_${system}_${CPACK_DURABLE_STREAMS_MACHINE}")
  # The file's name, and that of the one directory in it.
  set(CPACK_ARCHIVE_FILE_NAME "${CPACK_PACKAGE_FILE_NAME}")
  set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
endif()

if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_ALL server unstable_libraries debian)
  set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
  set(CPACK_SET_DESTDIR ON)
  set(CPACK_INSTALL_PREFIX "/usr")
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SECTION net)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  # What Debian 13 renamed (libssl3t64, libuv1t64) provides the old names.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, procps")
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  set(debian "${CPACK_DURABLE_STREAMS_SOURCE_DIR}/deploy/debian")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles;${debian}/postinst;${debian}/prerm;${debian}/postrm")
endif()
