#!/usr/bin/env bash
# One login of a .netrc, by netrc 0.1.4, netrc-parser 3.1.6 (npm), bgentry/go-netrc of April 2014, jdx/go-netrc 1.0.0
# (Go) and Python's own netrc of 3.11 and later.
#
# curl and Python take a `#` within a word for a character of it: both of npm's end the password there. A word in
# double quotes may hold spaces, for curl since 7.84 and for Python: bgentry/go-netrc refuses the file, and the others
# send the quote and the first word. A backslash without quotes is a character as any to all, curl too, but Python,
# which takes it away. netrc does not know `default`, and throws a TypeError where a file begins with it; netrc-parser
# and jdx/go-netrc give such a login to no host that asks by its name. Letters and digits alone are read alike by all.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund netrc@0.1.4 netrc-parser@3.1.6
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/bgentry/go-netrc v0.0.0-20140422174119-9fd32a8b3d3d
	github.com/jdx/go-netrc v1.0.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	bgentry "github.com/bgentry/go-netrc/netrc"
	jdx "github.com/jdx/go-netrc"
)

func main() {
	for _, file := range os.Args[1:] {
		told := "an error"
		if read, err := bgentry.ParseFile(file); err == nil {
			told = "none"
			if found := read.FindMachine("registry.example"); found != nil {
				told = found.Login + " " + found.Password
			}
		}
		fmt.Printf("%s: bgentry/go-netrc: %s\n", file, told)
		told = "an error"
		if read, err := jdx.Parse(file); err == nil {
			told = "none"
			if found := read.Machine("registry.example"); found != nil {
				told = found.Get("login") + " " + found.Get("password")
			}
		}
		fmt.Printf("%s: jdx/go-netrc: %s\n", file, told)
	}
}
GO
cat >seen.js <<'JS'
import netrc from "netrc";
import parser from "netrc-parser";

const libraries = {
    netrc: (file) => netrc(file)["registry.example"],
    "netrc-parser": (file) => {
        const read = new parser.Netrc(file);
        read.loadSync();
        return read.machines["registry.example"];
    },
};
for (const file of process.argv.slice(2)) {
    for (const [name, read] of Object.entries(libraries)) {
        let told;
        try {
            const found = read(file);
            told = found ? `${found.login} ${found.password}` : "none";
        } catch (error) {
            told = `an error (${error.name})`;
        }
        console.log(`${file}: ${name}: ${told}`);
    }
}
JS
cat >seen.py <<'PY'
import netrc
import sys

for file in sys.argv[1:]:
    login, _, password = netrc.netrc(file).authenticators("registry.example")
    print(f"{file}: Python: {login} {password}")
PY
echo 'machine registry.example login ci password pass#word' >sign
echo 'machine registry.example login ci password "two words"' >quotes
echo 'machine registry.example login ci password pass\word' >backslash
echo 'default login ci password secret' >default
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
seen=$(for file in sign quotes backslash default; do
    node seen.js $file && python3 -I seen.py $file && program/seen $file
done)
printf '%s\n' "$seen"
[ "$seen" = 'sign: netrc: ci pass
sign: netrc-parser: ci pass
sign: Python: ci pass#word
sign: bgentry/go-netrc: ci pass#word
sign: jdx/go-netrc: ci pass#word
quotes: netrc: ci "two
quotes: netrc-parser: ci "two
quotes: Python: ci two words
quotes: bgentry/go-netrc: an error
quotes: jdx/go-netrc: ci "two
backslash: netrc: ci pass\word
backslash: netrc-parser: ci pass\word
backslash: Python: ci password
backslash: bgentry/go-netrc: ci pass\word
backslash: jdx/go-netrc: ci pass\word
default: netrc: an error (TypeError)
default: netrc-parser: none
default: Python: ci secret
default: bgentry/go-netrc: ci secret
default: jdx/go-netrc: none' ] || {
    echo "This has changed." >&2
    exit 1
}
