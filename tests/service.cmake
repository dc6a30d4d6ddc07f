millrace_test(service_test LABEL unit LIBS service)
