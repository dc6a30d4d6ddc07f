# libtopology as others use it: cmake --install BUILD --component libtopology.
#
# The same objects make the folders' static libraries, which our own programs link, and these two installed pairs:
#   libtopology.{so,a}       exports what public headers declare: topo_* and mr_*
#   libtopology-test.{so,a}  the driver and the simulated log
# An installed archive is one object in which all other names are local, so that they cannot collide with a program's.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/include/topology/version.h version_line REGEX "define TOPO_VERSION +\"")
if(NOT version_line MATCHES "\"${PROJECT_VERSION}\"")
  message(FATAL_ERROR "topology/version.h has ${version_line}, and the project is ${PROJECT_VERSION}")
endif()

set(objects_topology $<TARGET_OBJECTS:topology> $<TARGET_OBJECTS:base>)
set(objects_topology-test $<TARGET_OBJECTS:topology_test>)
foreach(name topology topology-test)
  string(REPLACE - _ target shared_${name})
  add_library(${target} SHARED ${objects_${name}})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name} LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/libtopology>)
  set(archive ${CMAKE_BINARY_DIR}/lib/lib${name}.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_LINKER} -r -o ${name}.o ${objects_${name}}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${name}.o
    COMMAND ${CMAKE_AR} rcs ${archive} ${name}.o
    DEPENDS ${objects_${name}} topology topology_test base
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} COMMAND_EXPAND_LISTS VERBATIM)
  list(APPEND archives ${archive})
endforeach()
target_link_libraries(shared_topology PRIVATE $<BUILD_INTERFACE:millrace_options>
  $<BUILD_INTERFACE:dep::rdkafka> $<BUILD_INTERFACE:dep::rocksdb> $<BUILD_INTERFACE:Threads::Threads>)
target_link_libraries(shared_topology_test PUBLIC shared_topology PRIVATE $<BUILD_INTERFACE:millrace_options>
  $<BUILD_INTERFACE:Threads::Threads>)
add_custom_target(libtopology ALL DEPENDS ${archives} shared_topology shared_topology_test)

# base/ is installed inside topology/, by another include path and other guards: <base/error.h> may be anybody's.
set(public_base alloc api_begin api_end arena buffer bytes clock error log murmur2)
foreach(header ${public_base})
  list(APPEND public_headers base/${header}.h ${CMAKE_SOURCE_DIR}/base/include/base/${header}.h)
endforeach()
file(GLOB own_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/topology/*.h)
foreach(header ${own_headers})
  get_filename_component(file ${header} NAME)
  list(APPEND public_headers ${file} ${header})
endforeach()
while(public_headers)
  list(POP_FRONT public_headers to from)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
  file(READ ${from} text)
  string(REPLACE "<base/" "<topology/base/" text "${text}")
  string(REGEX REPLACE "(#ifndef|#define) BASE_" "\\1 TOPOLOGY_BASE_" text "${text}")
  file(CONFIGURE OUTPUT installed/topology/${to} CONTENT "${text}" @ONLY)
endwhile()

# Relative to the .pc file, so that --prefix and a moved tree are right.
file(RELATIVE_PATH pc_to_include
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(name topology topology-test)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/lib${name}.pc.in ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.pc @ONLY)
endforeach()
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/libtopologyConfig.cmake.in libtopologyConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libtopology)
write_basic_package_version_file(libtopologyConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS shared_topology shared_topology_test EXPORT libtopologyTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libtopology)
install(FILES ${archives} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libtopology)
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/installed/topology
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/libtopology COMPONENT libtopology)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libtopology.pc ${CMAKE_CURRENT_BINARY_DIR}/libtopology-test.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libtopology)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libtopologyConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/libtopologyConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libtopology COMPONENT libtopology)
install(EXPORT libtopologyTargets NAMESPACE libtopology::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/libtopology COMPONENT libtopology)
