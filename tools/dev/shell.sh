# shell.sh - the start of every script in tools/: standard descriptors, the checkout, the Python tools.
#
# $tools is the script's own path with symbolic links followed. No `cd` in a substitution: with CDPATH it prints.

# A closed descriptor 0, 1 or 2 would be given to the next file that is opened, such as a lock.
{ true <&0; } 2>/dev/null || exec </dev/null
{ true >&1; } 2>/dev/null || exec >/dev/null
{ true >&2; } 2>/dev/null || exec 2>/dev/null

root=${tools%/*/*}

# Python ignores PYTHON* variables and the user's own packages, and uses UTF-8 under any locale.
run_tool() { # NAME ARGUMENT...
    local name=$1
    shift
    exec /usr/bin/python3 -E -s -B -X utf8 "$root/tools/dev/$name.py" "$@"
}
