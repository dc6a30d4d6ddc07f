# topology/: its pieces alone (unit), and the whole engine on the simulated log (sim).
foreach(name builder describe queue)
  millrace_test(topology_${name}_test LABEL unit LIBS topology)
endforeach()
# What only the engine knows: its private headers.
target_include_directories(topology_queue_test PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)

add_library(sim_counter STATIC sim/counter.c)
target_link_libraries(sim_counter PUBLIC topology PRIVATE millrace_options)
millrace_test(crash_test LABEL sim TIMEOUT 300 LIBS sim_counter)
millrace_test(engine_test LABEL sim LIBS topology)
millrace_test(aggregate_test LABEL sim LIBS topology)
millrace_test(members_test LABEL sim TIMEOUT 120 LIBS sim_counter)
target_include_directories(members_test PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)
millrace_test(threads_test LABEL sim TIMEOUT 120 LIBS sim_counter)
millrace_test(log_test LABEL sim LIBS sim_counter)
millrace_test(rewind_test LABEL sim LIBS topology)
millrace_test(global_test LABEL sim LIBS topology)
target_include_directories(global_test PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)
millrace_test(workers_test LABEL sim LIBS sim_counter)
target_include_directories(workers_test PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)
# Measured by hand, never as a test: cmake --build build/release --target fold_bench
add_executable(fold_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/fold_bench.c)
target_link_libraries(fold_bench PRIVATE millrace_options topology)
