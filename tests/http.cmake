millrace_test(http_json_test LABEL unit LIBS http)
millrace_test(http_problem_test LABEL unit LIBS http)
millrace_test(http_token_test LABEL unit LIBS http dep::libsodium)
