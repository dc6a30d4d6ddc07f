#!/bin/sh
# install.sh - libtopology as a packager builds it and a stranger uses it, run by ctest as "install".
#
# A plain Release build, installed into an empty prefix; examples/word_count.c outside the tree, by pkg-config alone, as C,
# as C++, linked statically, and once by find_package.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
trap 'exit 1' INT TERM
complain() { echo "install: $1"; exit 1; }

# As packagers do: their own flags, NDEBUG among them.
CFLAGS='-O2 -DNDEBUG' cmake -G Ninja -S "$source" -B "$place/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF >"$place/log" 2>&1 &&
    cmake --build "$place/build" --target libtopology -j 2 >>"$place/log" 2>&1 &&
    cmake --install "$place/build" --component libtopology --prefix "$place/prefix" >>"$place/log" 2>&1 ||
    { tail -n 20 "$place/log"; complain "it does not build or install"; }
rm -rf "$place/build"
libs=$(dirname "$(find "$place/prefix" -name libtopology.so)")

for name in topology topology-test; do
    readelf -d "$libs/lib$name.so" | grep -q "SONAME.*lib$name\.so\.[0-9]*\.[0-9]*\]" || complain "lib$name.so has no versioned soname"
    others=$(nm -D --defined-only "$libs/lib$name.so" "$libs/lib$name.a" 2>/dev/null | awk 'NF == 3 && $3 !~ /^(topo|mr)_/ { print $3 }')
    others=$others$(nm --defined-only --extern-only "$libs/lib$name.a" | awk 'NF == 3 && $3 !~ /^(topo|mr)_/ { print $3 }')
    [ -z "$others" ] || complain "lib$name exports $others"
done
nm -D "$libs/libtopology.so" | grep -q __assert_fail || complain "the assertions are compiled out"
find "$place/prefix" -path '*include*' -name '*.h' | xargs grep -l '<base/' && complain "a header includes <base/...>"

mkdir "$place/outside"
cp "$source"/examples/word_count.c "$source"/examples/example.h "$place/outside"
cd "$place/outside"
PKG_CONFIG_PATH=$libs/pkgconfig
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$libs
export LD_LIBRARY_PATH
expect() { # PROGRAM
    "$1" | cmp - "$source/tests/golden/examples/word_count.txt" || complain "$1 does not count words"
}
strict="-Wall -Wextra -Werror -Wno-unused-parameter"
cc $strict $(pkg-config --cflags libtopology-test) word_count.c -o as_c $(pkg-config --libs libtopology-test)
expect ./as_c
static="$libs/libtopology-test.a $libs/libtopology.a"
cc $(pkg-config --cflags libtopology-test) word_count.c -o as_static $static \
    $(pkg-config --libs rdkafka rocksdb) -pthread
LD_LIBRARY_PATH= expect ./as_static
cat >writes.c <<'EOF'
#include <topology/engine.h>
void write_to_global(struct topo_engine *engine, struct mr_bytes key);
void write_to_global(struct topo_engine *engine, struct mr_bytes key)
{
    topo_store_delete(topo_engine_global(engine, "price"), key);
}
EOF
! cc $strict $(pkg-config --cflags libtopology) -c writes.c 2>/dev/null || complain "writing to a global store compiles"
if command -v c++ >/dev/null; then
    c++ -std=c++20 $strict -Wno-missing-field-initializers -x c++ $(pkg-config --cflags libtopology-test) word_count.c -o as_cpp $(pkg-config --libs libtopology-test)
    expect ./as_cpp
else
    echo "install: not as C++: there is no c++ here"
fi

cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)
find_package(libtopology 0.1 REQUIRED)
add_executable(by_cmake word_count.c)
target_link_libraries(by_cmake PRIVATE libtopology::topology-test)
EOF
cmake -G Ninja -S . -B by -DCMAKE_PREFIX_PATH="$place/prefix" >"$place/log" 2>&1 && cmake --build by >>"$place/log" 2>&1 ||
    { tail -n 20 "$place/log"; complain "find_package does not work"; }
expect by/by_cmake
echo "install: built, installed and used from outside"
