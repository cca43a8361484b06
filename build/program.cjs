// The file that Pulumi's nodejs runtime loads (`main` in package.json): runs index.ts, compiled first if a source is
// newer.
"use strict";
require("./codeCache.cjs");
const { compiled } = require("./compile.cjs");
const { withLateModules } = require("./lateModules.cjs");
require("./nodeVersion.cjs").warnWhereTooOld();
require("./stackTraces.cjs").mapErrorsOnly();
const program = compiled("index.ts");
module.exports = withLateModules(() => require(program));
