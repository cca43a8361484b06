#!/usr/bin/env bash
# An ssh_config that `ssh -G` takes, read by ssh-config 5.3.0 (npm), paramiko 5.1.0 (PyPI) and kevinburke/ssh_config
# 1.6.0 (Go).
#
# A keyword is of any case. ssh-config's `compute` has `user` beside `User`, where the first of both counts, and two
# lists of identities instead of one; its option ignoreCase is off. A comment at the end of a line becomes a part of
# the value for paramiko, so that a number is none. kevinburke/ssh_config refuses a whole file for `Match originalhost`.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund ssh-config@5.3.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install paramiko==5.1.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require github.com/kevinburke/ssh_config v1.6.0
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/kevinburke/ssh_config"
)

func main() {
	for _, name := range os.Args[1:] {
		file, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		config, err := ssh_config.Decode(file)
		if err != nil {
			fmt.Printf("%s: kevinburke/ssh_config: refused\n", name)
			continue
		}
		user, _ := config.Get("registry", "User")
		timeout, _ := config.Get("registry", "ConnectTimeout")
		identities, _ := config.GetAll("registry", "IdentityFile")
		fmt.Printf("%s: kevinburke/ssh_config: User=%s ConnectTimeout=%s IdentityFile=%q\n", name, user, timeout, identities)
	}
}
GO
cat >seen.js <<'JS'
import { readFileSync } from "node:fs";
import config from "ssh-config";

for (const name of process.argv.slice(2)) {
    const { Host: _, ...values } = config.parse(readFileSync(name, "utf8")).compute("registry");
    console.log(`${name}: ssh-config: ${JSON.stringify(values)}`);
}
JS
cat >seen.py <<'PY'
import json
import sys

import paramiko

for name in sys.argv[1:]:
    values = paramiko.SSHConfig.from_path(name).lookup("registry")
    print(f"{name}: paramiko: {json.dumps({key: values[key] for key in sorted(values) if key != 'hostname'})}")
PY
cat >case <<'CONFIG'
Host registry
    User ci
    IdentityFile /etc/keys/a
Host *
    user root
    identityfile /etc/keys/b
CONFIG
cat >comment <<'CONFIG'
Host registry
    ConnectTimeout 5 # seconds
CONFIG
cat >match <<'CONFIG'
Match originalhost registry
    User ci
CONFIG
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1 && go build -trimpath .)
files=(case comment match)
seen=$(node seen.js "${files[@]}" && venv/bin/python seen.py "${files[@]}" && program/seen "${files[@]}")
printf '%s\n' "$seen"
[ "$seen" = 'case: ssh-config: {"User":"ci","IdentityFile":["/etc/keys/a"],"user":"root","identityfile":["/etc/keys/b"]}
comment: ssh-config: {"ConnectTimeout":"5"}
match: ssh-config: {"User":"ci"}
case: paramiko: {"identityfile": ["/etc/keys/a", "/etc/keys/b"], "user": "ci"}
comment: paramiko: {"connecttimeout": "5 # seconds"}
match: paramiko: {"user": "ci"}
case: kevinburke/ssh_config: User=ci ConnectTimeout= IdentityFile=["/etc/keys/a" "/etc/keys/b"]
comment: kevinburke/ssh_config: User= ConnectTimeout=5 IdentityFile=[]
match: kevinburke/ssh_config: refused' ] || {
    echo "This has changed." >&2
    exit 1
}
