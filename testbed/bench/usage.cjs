// Loaded into every Node process of a preview that is measured (`--require`): at its end it writes down what it took,
// as one line of JSON in the file that BENCH_USAGE names.
"use strict";
const { appendFileSync } = require("node:fs");
const file = process.env.BENCH_USAGE;
if (file)
    process.on("exit", () => {
        const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
        appendFileSync(
            file,
            `${JSON.stringify({ megabytes: maxRSS / 1024, seconds: (userCPUTime + systemCPUTime) / 1e6 })}\n`,
        );
    });
