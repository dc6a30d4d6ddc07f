add_library(values STATIC ${CMAKE_CURRENT_SOURCE_DIR}/support/values.c) # Values of any record type, for tests only.
target_include_directories(values PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_link_libraries(values PUBLIC schemas dep::avro-c PRIVATE millrace_options)

millrace_test(codec_oracle_test LABEL unit LIBS values)
millrace_test(codec_corruption_test LABEL unit LIBS values)
millrace_test(codec_test LABEL unit LIBS values)
millrace_test(codec_wire_test LABEL unit LIBS schemas)
target_include_directories(codec_wire_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/../schemas/src)
millrace_test(codec_foreign_test LABEL unit LIBS values dep::jansson)
millrace_test(codec_compatibility_test LABEL unit LIBS schemas)
target_include_directories(codec_compatibility_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/../schemas/src)
millrace_test(codec_registry_test LABEL unit LIBS schemas dep::jansson Threads::Threads)
millrace_test(codec_golden_test LABEL unit LIBS values)
target_compile_definitions(codec_golden_test PRIVATE
  MILLRACE_GOLDEN_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/golden/codec")
millrace_test(codec_print_json_test LABEL unit LIBS values dep::jansson)

add_test(NAME unit.codegen_test COMMAND Python3::Interpreter -B
  ${CMAKE_CURRENT_SOURCE_DIR}/unit/codegen_test.py ${CMAKE_CURRENT_SOURCE_DIR}/../schemas)
set_tests_properties(unit.codegen_test PROPERTIES LABELS unit)

millrace_test(codec_past_test LABEL unit LIBS values dep::jansson)
target_compile_definitions(codec_past_test PRIVATE
  MILLRACE_PAST_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/golden/past")
