# librdkafka starts its threads through C11, which this thread sanitizer does not know: not there.
if(NOT MILLRACE_SANITIZE MATCHES "thread")
  millrace_test(kafka_crash_test LABEL kafka LIBS topology base)
  millrace_test(kafka_edges_test LABEL kafka LIBS topology base)
  millrace_test(kafka_group_test LABEL kafka LIBS topology base)
  millrace_test(kafka_log_test LABEL kafka LIBS topology base dep::rdkafka)
  millrace_test(kafka_txn_test LABEL kafka LIBS topology base)

  # Looks inside the adapter, and injects what a real broker does not do on demand.
  millrace_test(kafka_mock_test LABEL adapter LIBS topology base dep::rdkafka)
  target_include_directories(kafka_mock_test PRIVATE $<TARGET_PROPERTY:topology,SOURCE_DIR>/src)
  millrace_test(kafka_config_test LABEL adapter LIBS topology base)
  target_include_directories(kafka_config_test PRIVATE $<TARGET_PROPERTY:topology,SOURCE_DIR>/src)
  millrace_test(kafka_brokers_test LABEL adapter LIBS topology base dep::rdkafka)
  target_include_directories(kafka_brokers_test PRIVATE $<TARGET_PROPERTY:topology,SOURCE_DIR>/src)
endif()

# Writes into a topic as somebody else does; for the end-to-end tests.
add_executable(stray_record support/stray_record.c)
target_link_libraries(stray_record PRIVATE millrace_options topology base)
