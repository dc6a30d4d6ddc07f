millrace_test(amount_test LABEL unit LIBS retail)
millrace_test(import_csv_test LABEL unit LIBS retail)
millrace_test(import_source_test LABEL unit LIBS retail dep::liblzma)
millrace_test(import_retail_test LABEL unit LIBS retail)
millrace_test(import_match_test LABEL unit LIBS retail)
millrace_test(import_file_test LABEL unit LIBS retail)
target_compile_definitions(import_file_test PRIVATE
  RETAIL_FILE="${CMAKE_SOURCE_DIR}/data/online-retail.csv.xz")
