# The stores of topology/, tested through its private headers.
foreach(test store_set_test store_model_test store_rocksdb_test store_threads_test store_gap_test)
  millrace_test(${test} LABEL unit LIBS topology Threads::Threads)
  target_include_directories(${test} PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)
endforeach()
# Takes away from a database what only RocksDB itself can.
target_link_libraries(store_rocksdb_test PRIVATE dep::rocksdb)
