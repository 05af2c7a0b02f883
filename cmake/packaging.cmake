# What `cmake --install` puts where, and the Debian package (`make package`). An installed obsctl finds its stacks and
# scenarios in ../share/obsctl beside its folder.
include(GNUInstallDirs)
install(TARGETS obsctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY stacks/http-api DESTINATION ${CMAKE_INSTALL_DATADIR}/obsctl/stacks)
install(DIRECTORY scenarios/library DESTINATION ${CMAKE_INSTALL_DATADIR}/obsctl/scenarios)
# The completions and the manual page come from the binary itself.
set(obsctl_written)
foreach(written bash:obsctl.bash zsh:_obsctl fish:obsctl.fish man:obsctl.1)
  string(REPLACE ":" ";" written ${written})
  list(GET written 0 what)
  list(GET written 1 file)
  add_custom_command(OUTPUT written/${file} DEPENDS obsctl
    COMMAND ${CMAKE_COMMAND} -E make_directory written
    COMMAND obsctl completion ${what} > written/${file})
  list(APPEND obsctl_written ${CMAKE_BINARY_DIR}/written/${file})
endforeach()
add_custom_target(written ALL DEPENDS ${obsctl_written})
install(FILES ${CMAKE_BINARY_DIR}/written/obsctl.bash RENAME obsctl
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_BINARY_DIR}/written/_obsctl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${CMAKE_BINARY_DIR}/written/obsctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${CMAKE_BINARY_DIR}/written/obsctl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME obsctl)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "proves that alerts work: load, faults, and the way of an alert to its receiver")
set(CPACK_PACKAGE_HOMEPAGE_URL "https://github.com/obsctl/obsctl")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "the obsctl authors <obsctl@users.noreply.github.com>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
# The libraries by what the binary links; the programs of the bundled stack are only recommended.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "prometheus, prometheus-alertmanager, prometheus-node-exporter, prometheus-blackbox-exporter")
set(CPACK_STRIP_FILES ON)
include(CPack)
