millrace_test(seal_test LABEL unit LIBS sealing)
millrace_test(password_test LABEL unit LIBS sealing)
millrace_test(secrets_test LABEL unit LIBS sealing)
