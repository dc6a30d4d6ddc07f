millrace_test(shop_ids_test LABEL unit LIBS processors)
