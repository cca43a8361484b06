// Runs a program of the project, compiled first if a source is newer: node build/run.cjs cli/matrix.ts [arguments]
"use strict";
const fs = require("node:fs");
const path = require("node:path");
require("./codeCache.cjs");

if (!fs.existsSync(path.join(__dirname, "..", "node_modules", "esbuild"))) {
    process.stderr.write(`The project's packages are not installed. In ${path.resolve(__dirname, "..")} run: npm ci\n`);
    process.exit(1);
}

require("./nodeVersion.cjs").warnWhereTooOld();
const [source] = process.argv.splice(2, 1);
const { compiled } = require("./compile.cjs");
let program;
try {
    program = compiled(source);
} catch (error) {
    // esbuild has printed a mistake in a source, with file and line.
    if (!Array.isArray(error.errors)) process.stderr.write(`${error.message}\n`);
    process.exit(1);
}
require(program);
