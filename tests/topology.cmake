# topology/: its pieces alone (unit), and the whole engine on the simulated log (sim).
foreach(name builder describe)
  millrace_test(topology_${name}_test LABEL unit LIBS topology)
endforeach()

add_library(sim_counter STATIC sim/counter.c)
target_link_libraries(sim_counter PUBLIC topology PRIVATE millrace_options)
millrace_test(crash_test LABEL sim TIMEOUT 300 LIBS sim_counter)
