// Node 22.1 and newer keep compiled code between runs, which saves a third of the start-up time. They write it when the
// process exits normally; the engine may kill a provider before that.
"use strict";
const path = require("node:path");
const nodeModule = require("node:module");

if (nodeModule.enableCompileCache) {
    nodeModule.enableCompileCache(path.join(__dirname, "..", "node_modules", ".cache", "node"));
    setTimeout(() => nodeModule.flushCompileCache?.(), 300).unref();
}
