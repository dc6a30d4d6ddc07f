# Each example prints the same as when its tutorial was written; on the driver, and then on Kafka.
foreach(example word_count running_total global_table http_store)
  add_test(NAME examples.${example} COMMAND ${CMAKE_COMMAND}
    -DPROGRAM=$<TARGET_FILE:example_${example}> -DEXPECTED=${CMAKE_CURRENT_SOURCE_DIR}/golden/examples/${example}.txt
    -P ${CMAKE_CURRENT_SOURCE_DIR}/support/compare_output.cmake)
  set_tests_properties(examples.${example} PROPERTIES LABELS sim)
endforeach()
if(NOT MILLRACE_SANITIZE MATCHES "thread")
  millrace_test(examples_test LABEL kafka LIBS topology base)
  target_compile_definitions(examples_test PRIVATE
    EXAMPLES_DIR="$<TARGET_FILE_DIR:example_word_count>")
  add_dependencies(examples_test example_word_count example_running_total example_global_table example_http_store)
endif()
