# shellcheck shell=bash
# Sourced by run and nightly: the Debian packages, and a Go module, that the fuller tests use.

# sshd for the pushes to a host, the shells that the script on the host has to run in, its linter, the clients of
# registries that people have, and a browser.
packages=(openssh-server openssh-client busybox dash shellcheck skopeo buildah chromium)

install_packages() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        echo "No apt-get here: tests that need one of ${packages[*]} are skipped where it is missing."
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "Not root here: tests that need one of ${packages[*]} are skipped where it is missing."
            return
        fi
        as_root=(sudo -n)
    fi
    local missing=() package
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    # An index that cannot be refreshed may still do. `env`: sudo passes no variables on.
    "${as_root[@]}" apt-get -q update >/dev/null || echo "apt-get update failed; going on with the package lists that are there."
    # The tests start an sshd of their own on loopback: the machine's is not to be started by its package (101: not
    # allowed).
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then policy=""; else
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    # One at a time: one that cannot be had is no reason to go without the others.
    for package in "${missing[@]}"; do
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends "$package" >/dev/null ||
            echo "$package cannot be installed; the tests that need it are skipped."
    done
    [ -z "$policy" ] || "${as_root[@]}" rm -f "$policy"
}

# A client of registries that is a Go module, where there is Go.
install_crane() {
    command -v crane >/dev/null && return
    command -v go >/dev/null || return 0
    local place=${XDG_CACHE_HOME:-$HOME/.cache}/zot-hardening-clients
    GOBIN=$place go install github.com/google/go-containerregistry/cmd/crane@v0.22.1 2>/dev/null ||
        echo "crane cannot be built; the tests that need it are skipped."
    PATH=$PATH:$place
}

install_packages
install_crane
