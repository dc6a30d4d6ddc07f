millrace_test(arena_test LABEL unit LIBS base)
millrace_test(bytes_test LABEL unit LIBS base)
millrace_test(descriptors_test LABEL unit LIBS base)
millrace_test(options_test LABEL unit LIBS base)
