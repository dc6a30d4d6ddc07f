millrace_test(view_catalog_test LABEL unit LIBS views)
millrace_test(view_cart_test LABEL unit LIBS views)
millrace_test(view_command_test LABEL unit LIBS views)
millrace_test(view_order_test LABEL unit LIBS views)
millrace_test(view_words_test LABEL unit LIBS views)
millrace_test(query_api_test LABEL http LIBS query_api processors dep::libsodium Threads::Threads)
if(NOT MILLRACE_SANITIZE MATCHES "thread") # librdkafka starts its threads in a way that it does not know.
  millrace_test(query_api_kafka_test LABEL kafka LIBS query_api shop_registry dep::libsodium Threads::Threads)
endif()
