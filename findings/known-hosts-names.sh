#!/usr/bin/env bash
# Whom a known_hosts file knows: paramiko 5.1.0, asyncssh 2.24.1 (PyPI), golang.org/x/crypto 0.59.0 and
# skeema/knownhosts 1.3.3 (Go) find fewer hosts in it than OpenSSH does.
#
# OpenSSH compares without regard to case, and `ssh-keygen -H` hashes a name in small letters. The libraries compare to
# the letter: a host that is written with a capital is known to them by the capital as long as the file is plain, and by
# small letters once it is hashed. paramiko knows no patterns: `*.example`, and `[*.example]:2222` of another port, hold
# no host for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
command -v ssh-keygen >/dev/null || { echo "This needs OpenSSH's ssh-keygen." >&2 && exit 2; }
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install paramiko==5.1.0 asyncssh==2.24.1
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/skeema/knownhosts v1.3.3
	golang.org/x/crypto v0.59.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"

	skeema "github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	file, hosts := os.Args[1], os.Args[2:]
	public, _, err := ed25519.GenerateKey(nil)
	other := must(ssh.NewPublicKey(must(public, err)))
	check, known := must(knownhosts.New(file)), must(skeema.NewDB(file))
	for _, host := range hosts {
		// Another key is refused either way, and the error names those that are known.
		var refused *knownhosts.KeyError
		errors.As(check(host, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}, other), &refused)
		inCrypto, inSkeema := len(refused.Want) > 0, len(known.HostKeys(host)) > 0
		fmt.Printf("%s: %s: x/crypto %v, skeema/knownhosts %v\n", file, host, inCrypto, inSkeema)
	}
}
GO
cat >seen.py <<'PY'
import sys

import asyncssh
import paramiko

file, *hosts = sys.argv[1:]
for host in hosts:
    name, port = host.split(":")
    keys, *_ = asyncssh.read_known_hosts(file).match(name, "", None if port == "22" else int(port))
    known = paramiko.HostKeys(file).lookup(name if port == "22" else f"[{name}]:{port}")
    print(f"{file}: {host}: paramiko {str(known is not None).lower()}, asyncssh {str(len(keys) > 0).lower()}")
PY
ssh-keygen -q -t ed25519 -N '' -C '' -f key
read -r type text <key.pub
for host in Registry.example '*.wild.example' '[*.wild.example]:2222'; do echo "$host $type $text"; done >plain
cp plain hashed
ssh-keygen -H -f hashed >/dev/null 2>&1
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1 && go build -trimpath .)
look() {
    venv/bin/python seen.py "$@" && program/seen "$@"
    # ssh asks by a name in small letters.
    for host in "${@:2}"; do
        name=${host,,}
        name=${name%:22}
        case $name in *:*) name="[${name%:*}]:${name##*:}" ;; esac
        echo "$1: $host: OpenSSH $(ssh-keygen -F "$name" -f "$1" >/dev/null && echo true || echo false)"
    done
}
seen=$(look plain Registry.example:22 registry.example:22 a.wild.example:22 a.wild.example:2222 &&
    look hashed Registry.example:22 registry.example:22)
printf '%s\n' "$seen"
[ "$seen" = 'plain: Registry.example:22: paramiko true, asyncssh true
plain: registry.example:22: paramiko false, asyncssh false
plain: a.wild.example:22: paramiko false, asyncssh true
plain: a.wild.example:2222: paramiko false, asyncssh true
plain: Registry.example:22: x/crypto true, skeema/knownhosts true
plain: registry.example:22: x/crypto false, skeema/knownhosts false
plain: a.wild.example:22: x/crypto true, skeema/knownhosts true
plain: a.wild.example:2222: x/crypto true, skeema/knownhosts true
plain: Registry.example:22: OpenSSH true
plain: registry.example:22: OpenSSH true
plain: a.wild.example:22: OpenSSH true
plain: a.wild.example:2222: OpenSSH true
hashed: Registry.example:22: paramiko false, asyncssh false
hashed: registry.example:22: paramiko true, asyncssh true
hashed: Registry.example:22: x/crypto false, skeema/knownhosts false
hashed: registry.example:22: x/crypto true, skeema/knownhosts true
hashed: Registry.example:22: OpenSSH true
hashed: registry.example:22: OpenSSH true' ] || {
    echo "This has changed." >&2
    exit 1
}
