# packages.sh - installs the Debian packages that are missing, and says which before; for the scripts in tools/.
#
# It may use nothing but bash and dpkg: on a bare machine there is not even a python3 yet.

packages_build="gcc libc6-dev cmake ninja-build pkg-config python3 librdkafka-dev librocksdb-dev
    libavro-dev libmicrohttpd-dev libsodium-dev libjansson-dev liblzma-dev libcmocka-dev"
packages_run="maven openjdk-17-jre-headless ca-certificates nginx-light"
packages_test="clang-format"

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

installed() { # PACKAGE
    case $(dpkg-query -W -f='${db:Status-Status} ' "$1" 2>/dev/null) in
    *installed\ *) return 0 ;;
    esac
    return 1
}

install_packages() { # LOG PACKAGE...
    local log=$1 package as_root=
    local -a missing=()
    shift
    command -v dpkg-query >/dev/null || fail "this needs Debian 12: there is no dpkg here"
    for package in "$@"; do
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
