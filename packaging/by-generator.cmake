# SPDX-License-Identifier: GPL-2.0-or-later
# Read by cpack once for each kind of package: what goes into it.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_COMPONENTS_ALL plugin scanner documents)
else()
  set(CPACK_COMPONENTS_ALL archive)
  set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
endif()
