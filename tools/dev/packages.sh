# packages.sh - installs the Debian packages that are missing, and says which before; for the scripts in tools/.
#
# It may use nothing but bash and dpkg: on a bare machine there is not even a python3 yet.

packages_build="gcc libc6-dev cmake ninja-build pkg-config python3 librdkafka-dev librocksdb-dev
    libavro-dev libmicrohttpd-dev libsodium-dev libjansson-dev libcurl4-openssl-dev liblzma-dev libutf8proc-dev libidn2-dev libcmocka-dev"
packages_run="maven ca-certificates nginx-light" # and the release's Java
packages_test="clang-format g++ kcat python3-venv chromium fonts-inter" # and nodejs with npm (tools/test)

# As root: installs "$@" without starting a service that a package brings along (nginx would take port 80).
# A policy-rc.d that is already there, as in containers, is left alone.
packages_as_root='
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    trap "exit 130" INT TERM
    printf "#!/bin/sh\nexit 101\n" >$policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
for package in "$@"; do
    if [ "$package" = nginx-light ] && [ -d /run/systemd/system ]; then
        systemctl disable -q nginx
    fi
done'

fail() {
    echo "${0##*/}: $1" >&2
    exit 1
}

packages_java() { # the release's own long-term Java
    case $(. /etc/os-release && echo "${ID-}-${VERSION_ID-}") in
    debian-12) echo openjdk-17-jre-headless ;;
    debian-13) echo openjdk-21-jre-headless ;;
    esac
}

packages_jdk() { # the same Java with its compiler, for tools/bench
    local java
    java=$(packages_java)
    echo "${java/-jre-/-jdk-}"
}

# The list stands here once more in words, for systems whose packages have other names.
packages_refuse_system() {
    local system
    system=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME-}")
    cat >&2 <<EOF
${0##*/}: this installs its packages on Debian 12 and 13 only, and this is ${system:-another system}.
On another system install what it needs yourself and then set MILLRACE_PACKAGES=present:
  to build  gcc 12 or later, cmake 3.25, ninja, pkg-config, python3 3.11, and the headers of librdkafka 2.0,
            RocksDB 7.8, Avro C 1.11, libmicrohttpd 0.9.75, libsodium, jansson, libcurl, liblzma and cmocka
            (or later versions of each)
  to run    Java 17 or later (headless), Maven, CA certificates, nginx
  to test   clang-format 14 (the test \`format\` is skipped without it), kcat, python3 with venv, Node.js 18 with npm,
            Chromium as /usr/bin/chromium
EOF
    exit 1
}

installed() { # PACKAGE
    case $(dpkg-query -W -f='${db:Status-Status} ' "$1" 2>/dev/null) in
    *installed\ *) return 0 ;;
    esac
    return 1
}

install_packages() { # LOG PACKAGE...
    local log=$1 package as_root= java
    local -a missing=()
    shift
    [ "${MILLRACE_PACKAGES-}" != present ] || return 0
    java=$(packages_java)
    { [ -n "$java" ] && command -v dpkg-query >/dev/null; } || packages_refuse_system
    for package in "$@" "$java"; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    echo "Millrace needs these Debian packages: ${missing[*]}"
    [ -e /proc/self/exe ] || fail "/proc is not mounted, and Java needs it: mount -t proc proc /proc"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "install them as root; there is no sudo here"
        as_root=sudo
    fi
    echo "Installing them with ${as_root:+sudo }apt-get (its output: $log) ..."
    mkdir -p "$(dirname "$log")"
    if ! $as_root sh -c "$packages_as_root" apt-get "${missing[@]}" </dev/null >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        fail "apt-get could not install the packages; $log has all of it"
    fi
}
