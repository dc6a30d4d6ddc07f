millrace_test(program_test LABEL unit LIBS program)
