millrace_test(command_policy_test LABEL unit LIBS command_api)
millrace_test(command_login_delay_test LABEL unit LIBS command_api)
