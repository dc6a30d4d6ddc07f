#!/bin/sh
# format.sh - every C file as .clang-format wants it, run by ctest as "format".
set -eu
cd "$(dirname "$0")/.."
folders="base schemas topology processors http payments command-api query-api tools tests bench"
bad=0
for file in $(for folder in $folders; do find "$folder" -name "*.[ch]" 2>/dev/null || true; done); do
    clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || { echo "$file: clang-format -i $file"; bad=1; }
done
exit $bad
