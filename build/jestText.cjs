// Makes jest load files as text if the compiler does so (build/compile.cjs).
"use strict";
module.exports = {
    process: (text) => ({ code: `module.exports = { __esModule: true, default: ${JSON.stringify(text)} };` }),
};
