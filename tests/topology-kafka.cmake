millrace_test(kafka_edges_test LABEL kafka TIMEOUT 120 LIBS topology base)
millrace_test(kafka_group_test LABEL kafka TIMEOUT 180 LIBS topology base)
millrace_test(kafka_log_test LABEL kafka TIMEOUT 120 LIBS topology base dep::rdkafka)
millrace_test(kafka_txn_test LABEL kafka TIMEOUT 120 LIBS topology base)
