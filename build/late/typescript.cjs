"use strict";
module.exports = require("../lateModules.cjs").lateModule("typescript");
