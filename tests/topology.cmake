# topology/: its pieces alone (unit), and the whole engine on the simulated log (sim).
foreach(name builder describe)
  millrace_test(topology_${name}_test LABEL unit LIBS topology)
endforeach()
