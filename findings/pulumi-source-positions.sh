#!/usr/bin/env bash
# @pulumi/pulumi 3.259.0 with source-map-support 0.5.21, which Pulumi's runtime registers: the constructor of each resource
# makes a stack trace of unlimited length, and the first one reads and parses the source map of the program; an error
# that nobody has asked for. A program in one bundle pays for its whole map at every preview.
#
# A map that is not linked is not read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund --legacy-peer-deps @pulumi/pulumi@3.259.0 \
    source-map-support@0.5.21 esbuild@0.25.12
cat >program.js <<'JS'
const pulumi = require("@pulumi/pulumi");
exports.declare = (name) => new pulumi.ComponentResource("seen:index:Nothing", name, {});
JS
cat >seen.js <<'JS'
const fs = require("node:fs");
require("source-map-support/register");
const pulumi = require("@pulumi/pulumi");
pulumi.runtime.setMocks({ newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) });
let read = 0;
const readFileSync = fs.readFileSync;
fs.readFileSync = (file, ...rest) => {
    if (String(file).endsWith(`${process.argv[2]}.map`)) read++;
    return readFileSync(file, ...rest);
};
const { declare } = require(`./${process.argv[2]}`);
console.log(`${process.argv[2]}: read ${read} times when loaded,`);
const declared = [declare("one"), declare("two")];
console.log(`  and ${read} times once two resources are declared`);
pulumi.all(declared.map(({ urn }) => urn)).apply(() => process.exit());
JS
for map in linked external; do
    node_modules/.bin/esbuild program.js --bundle --platform=node --packages=external --sourcemap=$map \
        --outfile=$map.js --log-level=error
    NODE_NO_WARNINGS=1 node seen.js $map.js
done | tee seen.txt
[ "$(cat seen.txt)" = "linked.js: read 0 times when loaded,
  and 1 times once two resources are declared
external.js: read 0 times when loaded,
  and 0 times once two resources are declared" ] || {
    echo "This has changed." >&2
    exit 1
}
