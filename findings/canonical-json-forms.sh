#!/usr/bin/env bash
# One value in "canonical JSON", of which a digest or a signature is made, by nine libraries: canonicalize 5.1.0,
# canonical-json 0.4.0, @tufjs/canonical-json 2.0.0 (npm), rfc8785 0.1.4, canonicaljson 2.0.0, securesystemslib 1.6.0
# (PyPI), gowebpki/jcs 1.0.2, gibson042/canonicaljson-go 1.0.3 and secure-systems-lab/go-securesystemslib 0.11.1 (Go).
#
# Three forms go by that name, and two libraries have one of their own. RFC 8785 writes numbers as JavaScript does.
# What TUF and in-toto sign by (OLPC's form) has a line break as it is, which no JSON parser takes back, and no
# fractions; canonicaljson, Matrix's, keeps what Python makes of a number. canonicaljson-go has `1.0E-7`.
# canonical-json sorts but for keys of digits alone, such as ports, which a JavaScript object hands out first and by
# their value. 2 to the 53rd and one keeps its last digit with two of them, is an error to rfc8785, and loses it with
# the rest. A text that is signed is therefore best kept, and verified, as the bytes that it came in: an envelope such
# as DSSE does so.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund @tufjs/canonical-json@2.0.0 canonical-json@0.4.0 \
    canonicalize@5.1.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install canonicaljson==2.0.0 rfc8785==0.1.4 securesystemslib==1.6.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.22

require (
	github.com/gibson042/canonicaljson-go v1.0.3
	github.com/gowebpki/jcs v1.0.2
	github.com/secure-systems-lab/go-securesystemslib v0.11.1
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/gibson042/canonicaljson-go"
	"github.com/gowebpki/jcs"
	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

func told(text []byte, err error) string {
	if err != nil {
		return "an error"
	}
	return string(text)
}

func main() {
	for _, text := range os.Args[1:] {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			panic(err)
		}
		fmt.Printf("jcs (Go): %s\n", told(jcs.Transform([]byte(text))))
		fmt.Printf("canonicaljson-go: %s\n", told(canonicaljson.Marshal(value)))
		fmt.Printf("go-securesystemslib: %s\n", told(cjson.EncodeCanonical(value)))
	}
}
GO
cat >seen.js <<'JS'
import { canonicalize as tuf } from "@tufjs/canonical-json";
import canonicalJson from "canonical-json";
import canonicalize from "canonicalize";

const libraries = { canonicalize, "canonical-json": canonicalJson, tufjs: tuf };
for (const text of process.argv.slice(2)) {
    for (const [name, write] of Object.entries(libraries)) {
        let told;
        try {
            told = write(JSON.parse(text));
        } catch {
            told = "an error";
        }
        console.log(`${name}: ${told}`);
    }
}
JS
cat >seen.py <<'PY'
import sys
from json import loads

import canonicaljson
import rfc8785
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical

libraries = {
    "rfc8785": lambda value: rfc8785.dumps(value).decode(),
    "canonicaljson": lambda value: canonicaljson.encode_canonical_json(value).decode(),
    "securesystemslib": encode_canonical,
}
for text in sys.argv[1:]:
    for name, write in libraries.items():
        try:
            told = write(loads(text))
        except (FormatError, rfc8785.CanonicalizationError):
            told = "an error"
        print(f"{name}: {told}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
texts=('{"443":1,"5000":2,"80":3}' '{"part":0.0000001}' '{"whole":1.0}' '{"line":"a\nb"}' '{"size":9007199254740993}')
seen=$(node seen.js "${texts[@]}" && venv/bin/python seen.py "${texts[@]}" && program/seen "${texts[@]}")
printf '%s\n' "$seen"
[ "$seen" = 'canonicalize: {"443":1,"5000":2,"80":3}
canonical-json: {"80":3,"443":1,"5000":2}
tufjs: {"443":1,"5000":2,"80":3}
canonicalize: {"part":1e-7}
canonical-json: {"part":1e-7}
tufjs: an error
canonicalize: {"whole":1}
canonical-json: {"whole":1}
tufjs: {"whole":1}
canonicalize: {"line":"a\nb"}
canonical-json: {"line":"a\nb"}
tufjs: {"line":"a
b"}
canonicalize: {"size":9007199254740992}
canonical-json: {"size":9007199254740992}
tufjs: {"size":9007199254740992}
rfc8785: {"443":1,"5000":2,"80":3}
canonicaljson: {"443":1,"5000":2,"80":3}
securesystemslib: {"443":1,"5000":2,"80":3}
rfc8785: {"part":1e-7}
canonicaljson: {"part":1e-07}
securesystemslib: an error
rfc8785: {"whole":1}
canonicaljson: {"whole":1.0}
securesystemslib: an error
rfc8785: {"line":"a\nb"}
canonicaljson: {"line":"a\nb"}
securesystemslib: {"line":"a
b"}
rfc8785: an error
canonicaljson: {"size":9007199254740993}
securesystemslib: {"size":9007199254740993}
jcs (Go): {"443":1,"5000":2,"80":3}
canonicaljson-go: {"443":1,"5000":2,"80":3}
go-securesystemslib: {"443":1,"5000":2,"80":3}
jcs (Go): {"part":1e-7}
canonicaljson-go: {"part":1.0E-7}
go-securesystemslib: an error
jcs (Go): {"whole":1}
canonicaljson-go: {"whole":1}
go-securesystemslib: {"whole":1}
jcs (Go): {"line":"a\nb"}
canonicaljson-go: {"line":"a\nb"}
go-securesystemslib: {"line":"a
b"}
jcs (Go): {"size":9007199254740992}
canonicaljson-go: {"size":9007199254740992}
go-securesystemslib: {"size":9007199254740992}' ] || {
    echo "This has changed." >&2
    exit 1
}
