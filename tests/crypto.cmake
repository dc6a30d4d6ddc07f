millrace_test(seal_test LABEL unit LIBS crypto)
millrace_test(password_test LABEL unit LIBS crypto)
millrace_test(secrets_test LABEL unit LIBS crypto)
