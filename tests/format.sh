#!/bin/sh
# format.sh - every C file as .clang-format wants it, run by ctest as "format".
set -eu
cd "$(dirname "$0")/.."
bad=0
for file in $(find . \( -path ./build -o -path "./.*" \) -prune -o -name "*.[ch]" -print); do
    clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || { echo "$file: clang-format -i $file"; bad=1; }
done
exit $bad
