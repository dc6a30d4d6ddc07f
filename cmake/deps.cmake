# Foreign libraries, each as dep::<name>. DESIGN.md says why each one.
find_package(PkgConfig REQUIRED)
foreach(dep rdkafka rocksdb avro-c libmicrohttpd libsodium jansson liblzma cmocka)
  pkg_check_modules(${dep} REQUIRED IMPORTED_TARGET ${dep})
  add_library(dep::${dep} ALIAS PkgConfig::${dep})
endforeach()
find_package(Threads REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
