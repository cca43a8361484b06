"use strict";
module.exports = require("../lateModules.cjs").lateModule("@npmcli/arborist");
