#!/usr/bin/env bash
# The patterns of registries' rules mean other things to JavaScript's libraries than to Go's doublestar 4.10.0, which
# zot goes by: picomatch 4.0.7 and minimatch 11.0.9 differ from it, and from each other.
#
# `a/**` holds `a` itself for doublestar and picomatch, and not for minimatch. `[!b]` is "not b" for doublestar and
# minimatch, and "! or b" for picomatch. `{a}` is `a` for doublestar, and the three characters for the others. `+(a)` is
# text for doublestar. A part that begins with a dot is matched by `*` in doublestar alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund minimatch@11.0.9 picomatch@4.0.7
cat >go.mod <<'MOD'
module seen

go 1.21

require github.com/bmatcuk/doublestar/v4 v4.10.0
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/bmatcuk/doublestar/v4"
)

func main() {
	for index := 1; index+1 < len(os.Args); index += 2 {
		matches, err := doublestar.Match(os.Args[index], os.Args[index+1])
		if err != nil {
			panic(err)
		}
		fmt.Printf("doublestar %s %s %v\n", os.Args[index], os.Args[index+1], matches)
	}
}
GO
cat >seen.js <<'JS'
import { minimatch } from "minimatch";
import picomatch from "picomatch";

const args = process.argv.slice(2);
for (const [name, match] of [["minimatch", (pattern, text) => minimatch(text, pattern)], ["picomatch", (pattern, text) => picomatch(pattern)(text)]]) {
    for (let index = 0; index < args.length; index += 2) {
        console.log(name, args[index], args[index + 1], match(args[index], args[index + 1]));
    }
}
JS
GOFLAGS=-mod=mod GOPATH=$folder/go go mod tidy >/dev/null 2>&1
pairs=('a/**' a 'a/[!b]*' a/c '{a}' a '+(a)' aa '*' .cache)
seen=$(GOFLAGS=-mod=mod GOPATH=$folder/go go run . "${pairs[@]}" && node seen.js "${pairs[@]}")
printf '%s\n' "$seen"
[ "$seen" = "doublestar a/** a true
doublestar a/[!b]* a/c true
doublestar {a} a true
doublestar +(a) aa false
doublestar * .cache true
minimatch a/** a false
minimatch a/[!b]* a/c true
minimatch {a} a false
minimatch +(a) aa true
minimatch * .cache false
picomatch a/** a true
picomatch a/[!b]* a/c false
picomatch {a} a false
picomatch +(a) aa true
picomatch * .cache false" ] || {
    echo "This has changed." >&2
    exit 1
}
