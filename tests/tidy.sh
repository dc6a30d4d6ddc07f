#!/bin/sh
# tidy.sh - the style rules that a machine can check, run by ctest as "tidy".
set -eu
cd "$(dirname "$0")/.."
folders="base text schemas topology sealing http service processors api payment-connector command-api query-api tools tests bench examples"
sources=$(for folder in $folders; do find "$folder" -name "*.[ch]" 2>/dev/null || true; done)
bad=0
complain() { echo "$1"; bad=1; }

for file in $sources; do
    awk -v file="$file" '
        NR == 1 && !/^\/\*/        { print file ":1: say what this file is for"; bad = 1 }
        length($0) > 100           { print file ":" NR ": line over 100 columns"; bad = 1 }
        /^$/ && !start             { why = 0 }
        /\/\*/                     { why = NR }
        /^{/                       { start = NR }
        /^}/ && start              { if (NR - start > 70) { print file ":" start ": function over 70 lines"; bad = 1 }
                                     if (NR - start > 26 && !why && file !~ /^tests/) { print file ":" start ": a function of 28 lines or more has a line of why"; bad = 1 }
                                     start = 0; why = 0 }
        /^[ \t]*#define/          { macro = 1 }
        /\[\]\(\)/                { macro = 0 } # A lambda returns from itself.
        macro && /[^_a-zA-Z]return[^_a-zA-Z]/ { print file ":" NR ": a macro must not hide a return"; bad = 1 }
        !/\\$/                     { macro = 0 }
        /[^_a-z](strcpy|strcat|sprintf|gets|atoi|atol|strtok|gmtime|localtime|rand)\(/ { print file ":" NR ": banned function"; bad = 1 }
        END { if (NR > 800) { print file ": over 800 lines"; bad = 1 } exit bad }' "$file" || bad=1
done

# One pattern for environment variables: ours start with MILLRACE_; the program follows where several of one machine differ.
for line in $(grep -noE 'getenv\("[A-Z_]+"' $sources | grep -v '"MILLRACE_' | grep -v '^examples/' || true); do
    complain "$line: an environment variable starts with MILLRACE_"
done

# A return code has one name.
for line in $(grep -nE '^ +int (err|result|status_code|retval)( =|;)' $sources | grep -v '^tests/' | tr -d ' ' || true); do
    complain "$line: a return code is called rc"
done

# A header that the files of one folder share in private is called NAME_impl.h.
for file in $(echo "$sources" | tr ' ' '\n' | grep -E '_(internal|private|parts)\.h$' || true); do
    complain "$file: a private header of several files ends in _impl.h"
done

# A foreign library is known to one place only.
only() { # HEADER-PATTERN  WHERE-PATTERN...
    header=$1; shift
    for file in $(grep -lE "#include <$header" $sources || true); do
        for place in "$@" tests/; do
            case $file in $place*) continue 2 ;; esac
        done
        complain "$file: includes <$header>; only $* may"
    done
}
only librdkafka/ topology/src/kafka/
only rocksdb/ topology/src/store/store_rocksdb
only avro schemas/
only microhttpd http/ bench/query/bare_server.c
only lzma tools/
only curl/ tools/status_fetch.c
only utf8proc text/
only idn2 text/

# Dependencies point one way: what each folder may include of the others, as DESIGN.md has it.
may() { # FOLDER OTHER...
    own=$1
    allowed=$(echo "$@" | tr ' ' '|')
    for line in $(grep -rnoE '#include <(base|text|schemas|topology|sealing|http|service|processors|api|payment_connector|tools)/' \
        "$own" --include="*.[ch]" | grep -vE "<($allowed)/" | tr -d ' ' || true); do
        complain "$line: $own/ may include only $*"
    done
}
may base
may text base
may schemas base
may examples topology
may topology base
may sealing base text schemas
may http base topology
may service base schemas topology http
may processors base text schemas topology service
may payment-connector payment_connector base schemas topology sealing service processors
may api base schemas topology http processors
may command-api api base text schemas topology sealing http service processors
may query-api api base schemas topology http service processors

# It does not keep its time when a broker has died: rd_kafka_offsets_for_times does.
for line in $(grep -rnoE 'rd_kafka_query_watermark_offsets\(' $sources | tr -d ' ' || true); do
    complain "$line: banned, ask with kafka_query_watermarks"
done

# The rules know no protocol: a status, a problem or JSON is found for their reasons in http/.
for line in $(grep -rnoiE 'http|problem|\{\\"' processors --include="*.[ch]" | tr -d ' ' || true); do
    complain "$line: processors/ decides, http/shop_problem.h says it in HTTP"
done
exit $bad
