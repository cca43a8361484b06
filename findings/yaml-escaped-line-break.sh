#!/usr/bin/env bash
# A text in double quotes whose line ends with a backslash, with an empty line after it, has three readings: npm's yaml
# 2.9.1 says "one two", js-yaml 5.5.0 "onetwo", and PyYAML 6.0.4, ruamel.yaml 0.19.1 and Go's yaml.v3 3.0.1 and goccy's
# go-yaml 1.18.0 "one<line break>two".
#
# YAML 1.2 (7.3.1) has the backslash take its own line break away, and each empty line after it stand for one: the last
# four do so. Without the backslash all six agree, and so they do where no empty line follows it.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund yaml@2.9.1 js-yaml@5.5.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyyaml==6.0.4 ruamel.yaml==0.19.1
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/goccy/go-yaml v1.18.0
	gopkg.in/yaml.v3 v3.0.1
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	goccy "github.com/goccy/go-yaml"
	"gopkg.in/yaml.v3"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var first, second map[string]string
	if err := yaml.Unmarshal(text, &first); err != nil {
		panic(err)
	}
	if err := goccy.Unmarshal(text, &second); err != nil {
		panic(err)
	}
	for _, key := range []string{"escaped", "alone", "plain"} {
		fmt.Printf("%s: yaml.v3 %q, go-yaml %q\n", key, first[key], second[key])
	}
}
GO
cat >seen.js <<'JS'
import { readFileSync } from "node:fs";
import * as jsYaml from "js-yaml";
import { parse } from "yaml";

const text = readFileSync(process.argv[2], "utf8");
const [first, second] = [parse(text), jsYaml.load(text)];
for (const key of ["escaped", "alone", "plain"])
    console.log(`${key}: yaml ${JSON.stringify(first[key])}, js-yaml ${JSON.stringify(second[key])}`);
JS
cat >seen.py <<'PY'
import json, sys
import yaml
from ruamel.yaml import YAML

text = open(sys.argv[1]).read()
first, second = yaml.safe_load(text), YAML(typ="safe").load(text)
for key in ["escaped", "alone", "plain"]:
    print(f"{key}: PyYAML {json.dumps(first[key])}, ruamel.yaml {json.dumps(second[key])}")
PY
printf 'escaped: "one\\\n\n  two"\nalone: "one\\\n  two"\nplain: "one\n\n  two"\n' >text.yaml
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy && go build -o ../seen .) >/dev/null 2>&1
seen=$(node seen.js text.yaml && venv/bin/python seen.py text.yaml && ./seen text.yaml)
printf '%s\n' "$seen"
[ "$seen" = 'escaped: yaml "one two", js-yaml "onetwo"
alone: yaml "onetwo", js-yaml "onetwo"
plain: yaml "one\ntwo", js-yaml "one\ntwo"
escaped: PyYAML "one\ntwo", ruamel.yaml "one\ntwo"
alone: PyYAML "onetwo", ruamel.yaml "onetwo"
plain: PyYAML "one\ntwo", ruamel.yaml "one\ntwo"
escaped: yaml.v3 "one\ntwo", go-yaml "one\ntwo"
alone: yaml.v3 "onetwo", go-yaml "onetwo"
plain: yaml.v3 "one\ntwo", go-yaml "one\ntwo"' ] || {
    echo "This has changed." >&2
    exit 1
}
