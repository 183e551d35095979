# SPDX-License-Identifier: GPL-2.0-or-later
#
# packaging.cmake - what cpack makes of a build, for the Wireshark it was built on and no other minor version:
#
#     cpack -G DEB    a Debian package: plugin and profile into the system's folders, siptls-scan into /usr/bin
#     cpack -G TGZ    an archive with a script that installs for one user, or for all
#
# Who made the package is DEBFULLNAME and DEBEMAIL, as for Debian's own tools.
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
  set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
else()
  set(maintainer "siptls maintainers <siptls@example.org>")
endif()
set(wireshark_minor "${Wireshark_MAJOR_VERSION}.${Wireshark_MINOR_VERSION}")
set(made "${CMAKE_CURRENT_BINARY_DIR}/packaging")
set(here "${CMAKE_CURRENT_LIST_DIR}")
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)

set(CPACK_PACKAGE_NAME siptls)
set(CPACK_PACKAGE_VENDOR siptls)
set(CPACK_PACKAGE_CONTACT "${maintainer}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "tells whether SIP-over-TLS servers ask for a client certificate")
set(CPACK_STRIP_FILES ON)
set(CPACK_PROJECT_CONFIG_FILE "${here}/by-generator.cmake")
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_VERBATIM_VARIABLES ON)

# The package is named after the version of Wireshark, too: a newer system gets a newer one.
set(CPACK_DEBIAN_PACKAGE_VERSION "${PROJECT_VERSION}+wireshark${wireshark_minor}")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "tshark | wireshark")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Public CAs stop issuing certificates for TLS client authentication. A
server that asks its SIP-over-TLS peers for one may refuse their calls then.
This is a plugin for Wireshark and tshark ${wireshark_minor} that shows who asks, and
siptls-scan, which looks through folders of captures.")

set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_FILE_NAME "siptls-${PROJECT_VERSION}-wireshark-${wireshark_minor}-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_PACKAGE_FILE_NAME "${CPACK_ARCHIVE_FILE_NAME}")

# Documents of the package: Debian wants them compressed
configure_file("${here}/changelog.in" "${made}/changelog" @ONLY)
set(manuals siptls-scan ${cluster_scripts})
list(TRANSFORM manuals APPEND .1)
foreach(page IN LISTS manuals)
  configure_file("${PROJECT_SOURCE_DIR}/doc/${page}" "${made}/${page}" COPYONLY)
  install(FILES "${made}/${page}.gz" DESTINATION share/man/man1 COMPONENT documents EXCLUDE_FROM_ALL)
  install(FILES "doc/${page}" DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)
endforeach()
execute_process(COMMAND gzip -9nkf changelog ${manuals} WORKING_DIRECTORY "${made}" COMMAND_ERROR_IS_FATAL ANY)
install(FILES README.md doc/many-machines.md cluster/kubernetes-job.yaml "${here}/copyright" "${made}/changelog.gz" DESTINATION share/doc/siptls COMPONENT documents
        EXCLUDE_FROM_ALL)

# The archive
list(JOIN cluster_scripts " " cluster)
configure_file("${here}/install.in" "${made}/install" @ONLY)
install(TARGETS siptls LIBRARY DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)
install(TARGETS siptls-scan RUNTIME DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)
install(FILES README.md LICENSE completions/siptls-scan.bash DESTINATION . COMPONENT archive
        EXCLUDE_FROM_ALL)
foreach(script IN LISTS cluster_scripts)
  install(PROGRAMS cluster/${script} DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)
endforeach()
install(FILES doc/many-machines.md cluster/kubernetes-job.yaml DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)
install(DIRECTORY "profiles/SIP-TLS client auth" DESTINATION profiles COMPONENT archive EXCLUDE_FROM_ALL)
install(PROGRAMS "${made}/install" DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)

include(CPack)
