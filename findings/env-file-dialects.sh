#!/usr/bin/env bash
# One line of an env file, up to four values: dotenv 18.0.10 (npm), python-dotenv 1.2.4 (PyPI), joho/godotenv 1.5.1,
# compose-spec/compose-go 2.16.2 and docker/cli 29.9.3 (Go; the last one reads `docker run --env-file`).
#
# docker/cli takes all after the first `=` to the letter, quotes too. A `#` without a space before it ends the value for
# dotenv alone. Single quotes do not keep python-dotenv from putting variables in. `$X` without braces is a variable for
# godotenv and compose-go even in double quotes, and they differ on where its name ends: godotenv's have no small
# letters. `\"` stays as it is for dotenv, and costs godotenv the last quote. Only letters, digits and `_@%+=:,./-`
# without quotes are read alike by all.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
unset X Xb
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund dotenv@18.0.10
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install python-dotenv==1.2.4
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.24

require (
	github.com/compose-spec/compose-go/v2 v2.16.2
	github.com/docker/cli v29.9.3+incompatible
	github.com/joho/godotenv v1.5.1
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
	"github.com/joho/godotenv"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	unset := func(string) (string, bool) { return "", false }
	for _, line := range os.Args[1:] {
		pairs := must(kvfile.ParseFromReader(strings.NewReader(line), nil))
		fmt.Printf("%s: godotenv [%s]\n", line, must(godotenv.Unmarshal(line))["K"])
		fmt.Printf("%s: compose-go [%s]\n", line, must(compose.ParseWithLookup(strings.NewReader(line), unset))["K"])
		fmt.Printf("%s: docker/cli [%s]\n", line, strings.TrimPrefix(pairs[0], "K="))
	}
}
GO
cat >seen.js <<'JS'
import { parse } from "dotenv";

for (const line of process.argv.slice(2)) console.log(`${line}: dotenv [${parse(line).K}]`);
JS
cat >seen.py <<'PY'
import io
import sys

from dotenv import dotenv_values

for line in sys.argv[1:]:
    print(f"{line}: python-dotenv [{dotenv_values(stream=io.StringIO(line))['K']}]")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1)
lines=('K=a@b.c/d' "K='a b'" 'K=ab#cd' "K='a\${X}c'" "K=\"a\$Xb\"" 'K="a \"b\""')
seen=$(node seen.js "${lines[@]}" && venv/bin/python seen.py "${lines[@]}" &&
    (cd program && go run -trimpath . "${lines[@]}" 2>/dev/null))
printf '%s\n' "$seen"
expected=$(
    cat <<'SEEN'
K=a@b.c/d: dotenv [a@b.c/d]
K='a b': dotenv [a b]
K=ab#cd: dotenv [ab]
K='a${X}c': dotenv [a${X}c]
K="a$Xb": dotenv [a$Xb]
K="a \"b\"": dotenv [a \"b\"]
K=a@b.c/d: python-dotenv [a@b.c/d]
K='a b': python-dotenv [a b]
K=ab#cd: python-dotenv [ab#cd]
K='a${X}c': python-dotenv [ac]
K="a$Xb": python-dotenv [a$Xb]
K="a \"b\"": python-dotenv [a "b"]
K=a@b.c/d: godotenv [a@b.c/d]
K=a@b.c/d: compose-go [a@b.c/d]
K=a@b.c/d: docker/cli [a@b.c/d]
K='a b': godotenv [a b]
K='a b': compose-go [a b]
K='a b': docker/cli ['a b']
K=ab#cd: godotenv [ab#cd]
K=ab#cd: compose-go [ab#cd]
K=ab#cd: docker/cli [ab#cd]
K='a${X}c': godotenv [a${X}c]
K='a${X}c': compose-go [a${X}c]
K='a${X}c': docker/cli ['a${X}c']
K="a$Xb": godotenv [ab]
K="a$Xb": compose-go [a]
K="a$Xb": docker/cli ["a$Xb"]
K="a \"b\"": godotenv [a "b\]
K="a \"b\"": compose-go [a "b"]
K="a \"b\"": docker/cli ["a \"b\""]
SEEN
)
[ "$seen" = "$expected" ] || {
    echo "This has changed." >&2
    exit 1
}
