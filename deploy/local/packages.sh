#!/usr/bin/env bash
# packages.sh python|run|ha|test|chaos|bench: adds the Debian packages that are missing for .venv, for `make up`,
# `make ha-up`, `make test`, `make chaos`, or `make bench`. Says first which ones; where all are there it changes nothing and is silent.
# Without root or sudo it lists what is missing and exits 2.
set -euo pipefail

readonly minimum=15
# A file of our own in a folder made for such files: the administrator's settings are not touched.
readonly no_cluster=/etc/postgresql-common/createcluster.d/saferoute-install.conf
# Says which services an installation may start. Where the administrator has one, that one holds.
readonly policy=/usr/sbin/policy-rc.d

fail() {
    echo "saferoute: $*" >&2
    exit 2
}

installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' 2>/dev/null \
    | sed -n 's/^installed //p') || true

# The newest PostgreSQL that is installed, otherwise the one of the distribution; empty if unknown.
postgresql_major() {
    local major
    major=$(sed -nE 's/^postgresql-([0-9]+)$/\1/p' <<<"$installed" | sort -n | tail -n 1)
    if [ "${major:-0}" -lt "$minimum" ]; then
        major=$(apt-cache depends postgresql 2>/dev/null \
            | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p' | head -n 1) || true
    fi
    echo "$major"
}

# What a target needs: wanted TARGET MAJOR
wanted() {
    echo python3 python3-venv
    [ "$1" = python ] && return
    echo "postgresql-$2" "postgresql-$2-postgis-3" "postgresql-$2-partman" "postgresql-$2-pgrouting"
    echo python3-psycopg2 # for pg_partman's scripts
    echo redis-server nginx pgbackrest
    [ "$1" = run ] && return
    echo etcd-server haproxy keepalived iproute2 procps curl
    [ "$1" = ha ] && return
    if [ "$1" = bench ]; then
        echo debootstrap
        # Where Node.js comes from elsewhere, npm came with it.
        command -v npm >/dev/null || echo npm
        return
    fi
    echo "postgresql-$2-pgtap" "postgresql-$2-plpgsql-check" faketime nftables
    [ "$1" != chaos ] || echo gcc libc6-dev
}

missing() {
    local package
    for package in $(wanted "$@"); do
        [[ $'\n'$installed$'\n' == *$'\n'$package$'\n'* ]] || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a server on port 5432 when PostgreSQL is installed for the first time. Nobody asked for
# that one: for the length of this installation it is told not to.
without_main_cluster() {
    echo "saferoute: Debian's own server (port 5432) is not created; the profile runs its own."
    temporary+=("$no_cluster")
    as_root mkdir -p "${no_cluster%/*}"
    as_root tee "$no_cluster" >/dev/null <<<'create_main_cluster = false'
}

# Debian starts a Redis on port 6379 and an nginx on port 80 when they are installed, and at every boot.
without_services() {
    echo "saferoute: Debian's own $(joined "$@") is not started; the profile runs its own."
    [ ! -e "$policy" ] || return 0
    temporary+=("$policy")
    as_root tee "$policy" >/dev/null <<'END'
#!/bin/sh
# of saferoute, for the length of an installation
case " $* " in *" redis-server "* | *" nginx "* | *" etcd "* | *" haproxy "* | *" keepalived "*) exit 101 ;; esac
END
    as_root chmod 755 "$policy"
}

joined() {
    local words=$*
    echo "${words// / and }"
}

# What an installation has left that was killed.
remove_leftovers() {
    [ ! -e "$no_cluster" ] || as_root rm -f "$no_cluster"
    [[ $(cat "$policy" 2>/dev/null) != *saferoute* ]] || as_root rm -f "$policy"
}

add() {
    local -a packages=("$@") services=()
    local package
    temporary=()
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        fail "packages are missing and neither root nor sudo is there to add them: ${packages[*]}"
    fi
    echo "saferoute: adding with apt-get: ${packages[*]}"
    trap '[ ${#temporary[@]} = 0 ] || as_root rm -f "${temporary[@]}"' EXIT
    case " ${packages[*]} " in *" postgresql-$major "*) without_main_cluster ;; esac
    for package in redis-server nginx etcd-server haproxy keepalived; do
        case " ${packages[*]} " in *" $package "*) services+=("$package") ;; esac
    done
    [ ${#services[@]} = 0 ] || without_services "${services[@]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "${packages[@]}" \
        || fail "apt-get could not add: ${packages[*]}"
    for package in "${services[@]}"; do as_root update-rc.d "${package/etcd-server/etcd}" disable; done
}

target=${1:?python, run, ha, test, chaos or bench}
remove_leftovers
command -v apt-get >/dev/null || fail "this system has no apt-get; docs/how-to/run-it-on-one-machine.md says what to install"

major=$(postgresql_major)
mapfile -t needed < <(missing "$target" "${major:-NN}")
[ ${#needed[@]} -gt 0 ] || exit 0

# The package lists may be absent or old on a fresh machine.
if [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; then
    as_root apt-get update --quiet -o DPkg::Lock::Timeout=300 \
        || echo "saferoute: apt-get update failed; trying with the lists that are here" >&2
    major=$(postgresql_major)
    mapfile -t needed < <(missing "$target" "${major:-NN}")
fi
if [ "$target" != python ] && [ "${major:-0}" -lt "$minimum" ]; then
    fail "this system offers PostgreSQL ${major:-in no version}; $minimum or newer is needed"
fi
add "${needed[@]}"
