millrace_test(view_catalog_test LABEL unit LIBS views)
millrace_test(view_cart_test LABEL unit LIBS views)
millrace_test(view_command_test LABEL unit LIBS views)
millrace_test(view_order_test LABEL unit LIBS views)
