// node inlineOperation.cjs FOLDER STACK preview|up|destroy [--refresh]: testbed/operation of the program in a project's
// folder. Prints what the CLI prints; the exit code says how it ended.
"use strict";
const path = require("node:path");
const { compiled } = require(path.join(__dirname, "..", "..", "build", "compile.cjs"));

const [folder, ...operation] = process.argv.slice(2);
process.argv.splice(2, Number.POSITIVE_INFINITY, compiled("index.ts"), folder, "zot-hardening", ...operation);
require(compiled("testbed/operation/main.ts"));
