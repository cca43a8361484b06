#!/usr/bin/env bash
# Is a build that `git describe` calls 2.1.21-3-gabc1234 at least 2.1.19? semver 7.8.6 (npm), semver 3.1.2 (PyPI),
# Masterminds/semver 3.5.0, hashicorp/go-version 1.9.0 and blang/semver 4.0.0 (Go) do not agree.
#
# To SemVer what git appends is a pre-release: three commits after 2.1.21 are older than 2.1.21, and ten are older than
# nine, since `9-g…` is compared as text. `>=2.1.19` leaves such a build out for npm's, Masterminds' and hashicorp's
# library, and takes it in for blang's and Python's. `>=2.1.19-0` opens Masterminds' range to pre-releases of every
# version, and npm's and hashicorp's to those of 2.1.19 alone. To packaging 26.4 (PyPI) `2.1.21-3` is younger than
# 2.1.21, a post-release, and the name that git gives is no version.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund semver@7.8.6
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install semver==3.1.2 packaging==26.4
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/Masterminds/semver/v3 v3.5.0
	github.com/blang/semver/v4 v4.0.0
	github.com/hashicorp/go-version v1.9.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	masterminds "github.com/Masterminds/semver/v3"
	blang "github.com/blang/semver/v4"
	hashicorp "github.com/hashicorp/go-version"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	build, ranges := os.Args[1], os.Args[2:]
	for _, text := range ranges {
		constraint := must(masterminds.NewConstraint(text))
		fmt.Printf("Masterminds: %s: %v\n", text, constraint.Check(masterminds.MustParse(build)))
		constraints := must(hashicorp.NewConstraint(text))
		fmt.Printf("hashicorp: %s: %v\n", text, constraints.Check(hashicorp.Must(hashicorp.NewVersion(build))))
		fmt.Printf("blang: %s: %v\n", text, must(blang.ParseRange(text))(blang.MustParse(build)))
	}
}
GO
cat >seen.js <<'JS'
import semver from "semver";

const [build, ...ranges] = process.argv.slice(2);
for (const range of ranges) console.log(`npm's semver: ${range}: ${semver.satisfies(build, range)}`);
const order = semver.sort(["2.1.21", "2.1.21-9-gabc1234", "2.1.21-10-gabc1234"]);
console.log(`npm's semver: ${order.join(" < ")}`);
JS
cat >seen.py <<'PY'
import sys

import semver
from packaging.version import InvalidVersion, Version

build, *ranges = sys.argv[1:]
for text in ranges:
    print(f"Python's semver: {text}: {str(semver.Version.parse(build).match(text)).lower()}")
for version in ("2.1.21-3", build):
    for name, parse in (("Python's semver", semver.Version.parse), ("packaging", Version)):
        try:
            told = "younger" if parse(version) > parse("2.1.21") else "older"
        except InvalidVersion:
            told = "an error is raised"
        print(f"{name}: {version} than 2.1.21: {told}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1)
asked=(2.1.21-3-gabc1234 '>=2.1.19' '>=2.1.19-0')
seen=$(node seen.js "${asked[@]}" && venv/bin/python seen.py "${asked[@]}" &&
    (cd program && go run -trimpath . "${asked[@]}"))
printf '%s\n' "$seen"
[ "$seen" = "npm's semver: >=2.1.19: false
npm's semver: >=2.1.19-0: false
npm's semver: 2.1.21-10-gabc1234 < 2.1.21-9-gabc1234 < 2.1.21
Python's semver: >=2.1.19: true
Python's semver: >=2.1.19-0: true
Python's semver: 2.1.21-3 than 2.1.21: older
packaging: 2.1.21-3 than 2.1.21: younger
Python's semver: 2.1.21-3-gabc1234 than 2.1.21: older
packaging: 2.1.21-3-gabc1234 than 2.1.21: an error is raised
Masterminds: >=2.1.19: false
hashicorp: >=2.1.19: false
blang: >=2.1.19: true
Masterminds: >=2.1.19-0: true
hashicorp: >=2.1.19-0: false
blang: >=2.1.19-0: true" ] || {
    echo "This has changed." >&2
    exit 1
}
