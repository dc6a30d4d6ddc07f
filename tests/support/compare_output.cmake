# Runs PROGRAM and compares what it prints with the file EXPECTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE code)
file(READ ${EXPECTED} expected)
string(REPLACE "\r" "" printed "${printed}")
if(NOT code EQUAL 0 OR NOT printed STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM}: exit code ${code}\n--- printed\n${printed}\n--- expected (${EXPECTED})\n${expected}")
endif()
