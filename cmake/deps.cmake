# Foreign libraries, each as dep::<name>. DESIGN.md says why each one.
find_package(PkgConfig REQUIRED)
foreach(dep rdkafka rocksdb avro-c libmicrohttpd libsodium jansson libcurl liblzma libutf8proc libidn2 cmocka)
  pkg_check_modules(${dep} REQUIRED IMPORTED_TARGET ${dep})
  add_library(dep::${dep} ALIAS PkgConfig::${dep})
endforeach()
find_package(Threads REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# RocksDB 8 and later have a logger that calls back; 7 is silenced by its log level.
include(CMakePushCheckState)
include(CheckSymbolExists)
cmake_push_check_state(RESET)
set(CMAKE_REQUIRED_INCLUDES ${rocksdb_INCLUDE_DIRS})
set(CMAKE_REQUIRED_LIBRARIES ${rocksdb_LINK_LIBRARIES})
check_symbol_exists(rocksdb_logger_create_callback_logger rocksdb/c.h STORE_ROCKSDB_HAS_CALLBACK_LOGGER)
cmake_pop_check_state()
