# tools/bench runs, what both sides write is compared, and the comparison can fail. It holds no figure to a bound.
cmake_path(GET CMAKE_BINARY_DIR FILENAME preset)
add_test(NAME kafka.bench COMMAND ${Python3_EXECUTABLE} -E -s -B -X utf8 ${CMAKE_SOURCE_DIR}/bench/driver/main.py
  fold --quick --preset ${preset})
set_tests_properties(kafka.bench PROPERTIES LABELS kafka RUN_SERIAL ON TIMEOUT 300)
