millrace_test(payments_simulator_test LABEL unit LIBS payments processors)
