#!/bin/sh
# format.sh - every C file as .clang-format wants it, run by ctest as "format".
#
# Each version of clang-format lays some lines out differently, so one version decides: 14, Debian 12's. With another
# one, Debian 13's, the test is skipped: it could only complain about lines that are right.
set -eu
cd "$(dirname "$0")/.."
program=$(command -v clang-format-14 || command -v clang-format) || { echo "skipped: this needs clang-format 14"; exit 77; }
case $("$program" --version) in
*" version 14."*) ;;
*)
    echo "skipped: this needs clang-format 14, and $program is $("$program" --version)"
    exit 77
    ;;
esac
bad=0
for file in $(find . \( -path ./build -o -path "./.*" \) -prune -o -name "*.[ch]" -print); do
    "$program" --dry-run --Werror "$file" >/dev/null 2>&1 || { echo "$file: clang-format -i $file"; bad=1; }
done
exit $bad
