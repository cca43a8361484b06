#!/usr/bin/env bash
# One image, one package URL, and three canonical spellings of it: packageurl-js 2.0.1 (npm), packageurl-python
# 0.17.6 (PyPI) and packageurl-go 0.1.7 (Go), by which SBOMs name what is in a registry.
#
# A registry with a port and a path is `repository_url`, and of its `:` and `/` the first library encodes both, the
# second neither, the third the slash alone. Texts of two libraries are therefore unequal where the packages are one:
# compare what is parsed. The `+` of a Go module's version is another such character, and packageurl-go leaves capitals
# in a name of type oci, which the type has small.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund packageurl-js@2.0.1
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install packageurl-python==0.17.6
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require github.com/package-url/packageurl-go v0.1.7
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/package-url/packageurl-go"
)

func main() {
	for _, text := range os.Args[1:] {
		purl, err := packageurl.FromString(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: Go: %s\n", text, purl.ToString())
	}
}
GO
cat >seen.js <<'JS'
import { PackageURL } from "packageurl-js";

for (const text of process.argv.slice(2)) console.log(`${text}: JavaScript: ${PackageURL.fromString(text)}`);
JS
cat >seen.py <<'PY'
import sys

from packageurl import PackageURL

for text in sys.argv[1:]:
    print(f"{text}: Python: {PackageURL.from_string(text).to_string()}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1)
purls=('pkg:oci/app@sha256%3Aab?repository_url=registry.example:5000/team/app' pkg:oci/App@sha256%3Aab
    pkg:golang/github.com/docker/cli@v29.9.3+incompatible)
seen=$(node seen.js "${purls[@]}" && venv/bin/python seen.py "${purls[@]}" &&
    (cd program && go run -trimpath . "${purls[@]}"))
printf '%s\n' "$seen"
[ "$seen" = 'pkg:oci/app@sha256%3Aab?repository_url=registry.example:5000/team/app: JavaScript: pkg:oci/app@sha256:ab?repository_url=registry.example%3A5000%2Fteam%2Fapp
pkg:oci/App@sha256%3Aab: JavaScript: pkg:oci/app@sha256:ab
pkg:golang/github.com/docker/cli@v29.9.3+incompatible: JavaScript: pkg:golang/github.com/docker/cli@v29.9.3+incompatible
pkg:oci/app@sha256%3Aab?repository_url=registry.example:5000/team/app: Python: pkg:oci/app@sha256:ab?repository_url=registry.example:5000/team/app
pkg:oci/App@sha256%3Aab: Python: pkg:oci/app@sha256:ab
pkg:golang/github.com/docker/cli@v29.9.3+incompatible: Python: pkg:golang/github.com/docker/cli@v29.9.3%2Bincompatible
pkg:oci/app@sha256%3Aab?repository_url=registry.example:5000/team/app: Go: pkg:oci/app@sha256:ab?repository_url=registry.example:5000%2Fteam%2Fapp
pkg:oci/App@sha256%3Aab: Go: pkg:oci/App@sha256:ab
pkg:golang/github.com/docker/cli@v29.9.3+incompatible: Go: pkg:golang/github.com/docker/cli@v29.9.3%2Bincompatible' ] || {
    echo "This has changed." >&2
    exit 1
}
