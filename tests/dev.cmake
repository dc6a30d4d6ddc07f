add_test(NAME format COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/format.sh)
set_tests_properties(format PROPERTIES SKIP_RETURN_CODE 77)

# The tools that run the shop: tests/dev/, in Python like them.
add_test(NAME dev COMMAND ${Python3_EXECUTABLE} -B -m unittest discover -v
  -s ${CMAKE_CURRENT_SOURCE_DIR}/dev -p "*_test.py")

# libtopology as a stranger uses it, and what an optimised build adds to the five programs.
add_test(NAME install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install.sh)
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT MILLRACE_SANITIZE)
  add_test(NAME hardening COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/hardening.sh
    $<TARGET_FILE:millrace> $<TARGET_FILE:millrace-processors> $<TARGET_FILE:millrace-command-api>
    $<TARGET_FILE:millrace-query-api> $<TARGET_FILE:millrace-payments>)
endif()
