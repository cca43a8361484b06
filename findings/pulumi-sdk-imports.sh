#!/usr/bin/env bash
# @pulumi/pulumi 3.259.0: importing it reads the TypeScript compiler, whichever the project has, and npm's resolver of
# packages (@npmcli/arborist), though a program without dynamic providers calls neither: more than half of all modules.
#
# A package that is there for development alone is so read at every preview; without one, the SDK reads a compiler of
# its own, 3.8.3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >seen.js <<'JS'
require("@pulumi/pulumi");
const files = Object.keys(require.cache);
const compiler = files.find((file) => /\/typescript\.js$/.test(file));
const own = compiler && compiler.includes("/@pulumi/pulumi/vendor/");
console.log(`compiler: ${own ? "the SDK's own" : "the project's"}, ${require(compiler).version}`);
console.log(`arborist: ${files.some((file) => file.includes("/@npmcli/arborist/")) ? "read" : "not read"}`);
const { size } = require("node:fs").statSync(compiler);
console.log(`bytes of the compiler: ${size > 5e6 ? "more than 5,000,000" : size}`);
process.exit();
JS
for others in "" "typescript@5.9.3"; do
    rm -rf node_modules package-lock.json
    printf '{"private":true}\n' >package.json
    # shellcheck disable=SC2086 # none, or one
    npm install --silent --ignore-scripts --no-audit --no-fund --legacy-peer-deps @pulumi/pulumi@3.259.0
    # shellcheck disable=SC2086 # none, or one
    [ -z "$others" ] || npm install --silent --ignore-scripts --no-audit --no-fund --legacy-peer-deps --save-dev $others
    echo "with ${others:-no compiler} in the project:"
    NODE_NO_WARNINGS=1 node seen.js
done | tee seen.txt
[ "$(cat seen.txt)" = "with no compiler in the project:
compiler: the SDK's own, 3.8.3
arborist: read
bytes of the compiler: more than 5,000,000
with typescript@5.9.3 in the project:
compiler: the project's, 5.9.3
arborist: read
bytes of the compiler: more than 5,000,000" ] || {
    echo "This has changed." >&2
    exit 1
}
