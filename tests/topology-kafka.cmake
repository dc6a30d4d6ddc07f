millrace_test(kafka_txn_test LABEL kafka TIMEOUT 120 LIBS topology base)
