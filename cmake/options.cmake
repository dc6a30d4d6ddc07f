# Everything that is true of every target in this repository, in one place.
option(MILLRACE_WERROR "Treat warnings as errors (our presets do)" OFF)
option(MILLRACE_COVERAGE "Instrument for gcov" OFF)
option(MILLRACE_FUZZ "Build the fuzz targets for libFuzzer (clang)" OFF)
set(MILLRACE_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

add_library(millrace_options INTERFACE)
target_compile_definitions(millrace_options INTERFACE _GNU_SOURCE)
target_compile_options(millrace_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wformat=2 -Wcast-align -Wundef -Wimplicit-fallthrough=5
  -Wswitch-enum -Wlogical-op -Wduplicated-cond -Wnull-dereference -Wvla
  $<$<C_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
  $<$<BOOL:${MILLRACE_WERROR}>:-Werror>
  -UNDEBUG # Our assertions ship, whatever CMake's or a packager's flags say.
  -fno-omit-frame-pointer -fno-common)
if(MILLRACE_SANITIZE)
  target_compile_options(millrace_options INTERFACE
    -fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(millrace_options INTERFACE -fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_FUZZ)
  target_compile_options(millrace_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MILLRACE_COVERAGE)
  target_compile_options(millrace_options INTERFACE --coverage)
  target_link_options(millrace_options INTERFACE --coverage)
endif()

# Position-independent code everywhere: the library is shared, and addresses of programs are random.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
include(cmake/hardening.cmake)
