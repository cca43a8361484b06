// Files that the compiler takes as text (build/compile.cjs) are text in the tests too.
"use strict";
module.exports = {
    process: (text) => ({ code: `module.exports = { __esModule: true, default: ${JSON.stringify(text)} };` }),
};
