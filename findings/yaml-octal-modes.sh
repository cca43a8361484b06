#!/usr/bin/env bash
# One YAML file, two numbers: `0640` is 416 for Go's yaml.v3 3.0.1, which is octal as in YAML 1.1, and 640 for npm's
# yaml 2.9.1 and js-yaml 5.5.0, which is decimal as in YAML 1.2. `1_000` is a number for the first and a text for the
# others.
#
# yaml.v3 is what Go programs read their files with, Pulumi among them: a script in JavaScript that reads the same file
# sees other values. `0o640`, and a mode in quotes, mean the same to all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund yaml@2.9.1 js-yaml@5.5.0
cat >go.mod <<'MOD'
module seen

go 1.21

require gopkg.in/yaml.v3 v3.0.1
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"gopkg.in/yaml.v3"
)

func main() {
	for _, text := range os.Args[1:] {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			panic(err)
		}
		fmt.Printf("%s: yaml.v3 %T %v\n", text, value, value)
	}
}
GO
cat >seen.js <<'JS'
import * as jsYaml from "js-yaml";
import { parse } from "yaml";

for (const text of process.argv.slice(2)) {
    for (const [name, value] of [["yaml", parse(text)], ["js-yaml", jsYaml.load(text)]]) {
        console.log(`${text}: ${name} ${typeof value} ${value}`);
    }
}
JS
GOFLAGS=-mod=mod GOPATH=$folder/go go mod tidy >/dev/null 2>&1
texts=(0640 0o640 1_000)
seen=$(GOFLAGS=-mod=mod GOPATH=$folder/go go run . "${texts[@]}" && node seen.js "${texts[@]}")
printf '%s\n' "$seen"
[ "$seen" = "0640: yaml.v3 int 416
0o640: yaml.v3 int 416
1_000: yaml.v3 int 1000
0640: yaml number 640
0640: js-yaml number 640
0o640: yaml number 416
0o640: js-yaml number 416
1_000: yaml string 1_000
1_000: js-yaml string 1_000" ] || {
    echo "This has changed." >&2
    exit 1
}
