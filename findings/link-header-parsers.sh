#!/usr/bin/env bash
# The Link header by which a registry names its next page, read by http-link-header 1.1.4, parse-link-header 2.0.0
# (npm), requests 2.34.2 (PyPI), peterhellberg/link 1.2.0 and tomnomnom/linkheader of August 2025 (Go). Only the first
# one reads each as RFC 8288 has it.
#
# A comma or a semicolon is an ordinary character of an address in angle brackets. peterhellberg/link drops the comma
# and asks for another page, linkheader finds no link at all, requests ends the address at the semicolon and loses what
# follows. The name of a parameter is of any case, and may have spaces before its `=`: only http-link-header takes both.
# None of it is an error to any of them: a client takes the first page for the last.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund http-link-header@1.1.4 parse-link-header@2.0.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install requests==2.34.2
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.21

require (
	github.com/peterhellberg/link v1.2.0
	github.com/tomnomnom/linkheader v0.0.0-20250811210735-e5fe3b51442e
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/peterhellberg/link"
	"github.com/tomnomnom/linkheader"
)

func main() {
	for _, header := range os.Args[1:] {
		told := "none"
		if next, ok := link.Parse(header)["next"]; ok {
			told = next.URI
		}
		fmt.Printf("peterhellberg/link: %s: %s\n", header, told)
		told = "none"
		for _, next := range linkheader.Parse(header).FilterByRel("next") {
			told = next.URL
		}
		fmt.Printf("linkheader: %s: %s\n", header, told)
	}
}
GO
cat >seen.js <<'JS'
import httpLinkHeader from "http-link-header";
import parseLinkHeader from "parse-link-header";

const libraries = {
    "http-link-header": (header) => httpLinkHeader.parse(header).rel("next")[0]?.uri,
    "parse-link-header": (header) => parseLinkHeader(header)?.next?.url,
};
for (const [name, next] of Object.entries(libraries)) {
    for (const header of process.argv.slice(2)) console.log(`${name}: ${header}: ${next(header) ?? "none"}`);
}
JS
cat >seen.py <<'PY'
import sys

from requests.utils import parse_header_links

for header in sys.argv[1:]:
    links = [link["url"] for link in parse_header_links(header) if link.get("rel") == "next"]
    print(f"requests: {header}: {links[0] if links else 'none'}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go mod tidy >/dev/null 2>&1)
headers=('</v2/_catalog?n=1&last=a>; rel="next"' '</next?of=a,b>; rel="next"' '</next?of=a;b>; rel="next"'
    '</next>; REL="next"' '</next>; rel = "next"')
seen=$(node seen.js "${headers[@]}" && venv/bin/python seen.py "${headers[@]}" &&
    (cd program && go run -trimpath . "${headers[@]}"))
printf '%s\n' "$seen"
[ "$seen" = 'http-link-header: </v2/_catalog?n=1&last=a>; rel="next": /v2/_catalog?n=1&last=a
http-link-header: </next?of=a,b>; rel="next": /next?of=a,b
http-link-header: </next?of=a;b>; rel="next": /next?of=a;b
http-link-header: </next>; REL="next": /next
http-link-header: </next>; rel = "next": /next
parse-link-header: </v2/_catalog?n=1&last=a>; rel="next": /v2/_catalog?n=1&last=a
parse-link-header: </next?of=a,b>; rel="next": /next?of=a,b
parse-link-header: </next?of=a;b>; rel="next": /next?of=a;b
parse-link-header: </next>; REL="next": none
parse-link-header: </next>; rel = "next": none
requests: </v2/_catalog?n=1&last=a>; rel="next": /v2/_catalog?n=1&last=a
requests: </next?of=a,b>; rel="next": /next?of=a,b
requests: </next?of=a;b>; rel="next": none
requests: </next>; REL="next": none
requests: </next>; rel = "next": /next
peterhellberg/link: </v2/_catalog?n=1&last=a>; rel="next": /v2/_catalog?n=1&last=a
linkheader: </v2/_catalog?n=1&last=a>; rel="next": /v2/_catalog?n=1&last=a
peterhellberg/link: </next?of=a,b>; rel="next": /next?of=ab
linkheader: </next?of=a,b>; rel="next": none
peterhellberg/link: </next?of=a;b>; rel="next": /next?of=a;b
linkheader: </next?of=a;b>; rel="next": none
peterhellberg/link: </next>; REL="next": none
linkheader: </next>; REL="next": /next
peterhellberg/link: </next>; rel = "next": /next
linkheader: </next>; rel = "next": none' ] || {
    echo "This has changed." >&2
    exit 1
}
