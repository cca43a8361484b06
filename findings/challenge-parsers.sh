#!/usr/bin/env bash
# Two challenges in one WWW-Authenticate header, as RFC 9110 (11.6.1) allows and registries behind proxies send:
# auth-header 1.0.0 and www-authenticate 0.6.3 (npm) read them as one.
#
# auth-header makes the second scheme the first one's token and its realm a list; www-authenticate names a parameter
# "Basic realm". Neither has an error. And a challenge that is a scheme alone, as Negotiate is, both refuse.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund auth-header@1.0.0 www-authenticate@0.6.3
cat >seen.js <<'JS'
const { parse } = require("auth-header");
const { parsers } = require("www-authenticate");

const libraries = { "auth-header": parse, "www-authenticate": (text) => new parsers.WWW_Authenticate(text) };
for (const [name, read] of Object.entries(libraries)) {
    for (const header of ['Bearer realm="a"', 'Bearer realm="a", Basic realm="b"', "Negotiate"]) {
        let told;
        try {
            told = JSON.stringify(read(header));
        } catch {
            told = "an error is thrown";
        }
        console.log(`${name}: ${header}: ${told}`);
    }
}
JS
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = 'auth-header: Bearer realm="a": {"scheme":"Bearer","params":{"realm":"a"},"token":null}
auth-header: Bearer realm="a", Basic realm="b": {"scheme":"Bearer","params":{"realm":["a","b"]},"token":"Basic"}
auth-header: Negotiate: an error is thrown
www-authenticate: Bearer realm="a": {"scheme":"Bearer","parms":{"realm":"a"}}
www-authenticate: Bearer realm="a", Basic realm="b": {"scheme":"Bearer","parms":{"realm":"a","Basic realm":"b"}}
www-authenticate: Negotiate: an error is thrown' ] || {
    echo "This has changed." >&2
    exit 1
}
