# SPDX-License-Identifier: BSD-2-Clause
# What `cmake --install` puts where: headers, both libraries, a pkg-config file and a CMake package, all of them relocatable.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libration)
install(TARGETS ration ration_static EXPORT librationTargets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT librationTargets NAMESPACE libration:: DESTINATION ${package_dir})
configure_package_config_file(cmake/librationConfig.cmake.in librationConfig.cmake INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(librationConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/librationConfig.cmake ${PROJECT_BINARY_DIR}/librationConfigVersion.cmake DESTINATION ${package_dir})

# The .pc file finds its prefix from where it lies, unless the installer chose an absolute directory.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" up ${up})
    set(pc_prefix "\${pcfiledir}/${up}")
    set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(pkgconfig/libration.pc.in libration.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libration.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
