// What Pulumi's nodejs runtime loads (`main` in package.json): index.ts, compiled first if a source is newer.
"use strict";
const { compiled } = require("./compile.cjs");
require("./nodeVersion.cjs").warnWhereTooOld();
module.exports = require(compiled("index.ts"));
