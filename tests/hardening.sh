#!/bin/sh
# hardening.sh - what an optimised build adds to programs, run by ctest as "hardening" on each PROGRAM.
set -eu
bad=0
complain() { echo "$1"; bad=1; }
for program in "$@"; do
    readelf -h "$program" | grep -q 'Type: *DYN' || complain "$program: not position-independent"
    readelf -lW "$program" | grep -q GNU_RELRO || complain "$program: no relro"
    readelf -dW "$program" | grep -qE 'FLAGS(_1)?\).*NOW' || complain "$program: relro is not full, without -z now"
    readelf -lW "$program" | grep -qE 'GNU_STACK.* RWE ' && complain "$program: its stack is executable"
    readelf -lW "$program" | grep -q GNU_STACK || complain "$program: nothing says that its stack is not executable"
    symbols=$(readelf --dyn-syms -W "$program")
    echo "$symbols" | grep -q __stack_chk_fail || complain "$program: no stack protector"
    echo "$symbols" | grep -qE '__(v?snprintf|memcpy|fprintf|printf|vfprintf|read|recv|memset)_chk' || complain "$program: not fortified"
    case $(uname -m) in
    x86_64) objdump -d --disassemble=main "$program" | grep -q endbr64 || complain "$program: no branch targets marked" ;;
    esac
done
[ "$bad" -eq 0 ] && echo "hardening: $# programs"
exit $bad
