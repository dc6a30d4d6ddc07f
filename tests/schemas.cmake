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
