add_test(NAME format COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/format.sh)
set_tests_properties(format PROPERTIES SKIP_RETURN_CODE 77)

# The tools that run the shop: tests/dev/, in Python like them.
add_test(NAME dev COMMAND ${Python3_EXECUTABLE} -B -m unittest discover -v
  -s ${CMAKE_CURRENT_SOURCE_DIR}/dev -p "*_test.py")
