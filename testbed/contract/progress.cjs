// jest's reporter for npm run contract: one line for each file of tests that has ended, and each case that failed. On
// standard output: on the other are the remarks of whatever the cases start.
"use strict";
const path = require("node:path");

const began = Date.now();

module.exports = class {
    onRunStart(/** @type {{ numTotalTestSuites: number }} */ { numTotalTestSuites }) {
        this.total = numTotalTestSuites;
        this.ended = 0;
    }

    /**
     * @param {{ path: string }} test @param {{ numPassingTests: number, numFailingTests: number, testExecError?:
     * object, testResults: { status: string, fullName: string }[] }} result
     */
    onTestResult(test, { numPassingTests, numFailingTests, testExecError, testResults }) {
        this.ended++;
        const seconds = String(Math.round((Date.now() - began) / 1000)).padStart(4);
        const failing = numFailingTests > 0 ? `, ${numFailingTests} failed` : "";
        const file = path.relative(process.cwd(), test.path);
        process.stdout.write(
            `${seconds} s  ${this.ended}/${this.total}  ${file}: ` +
                `${testExecError ? "could not be run" : `${numPassingTests} passed${failing}`}\n`,
        );
        for (const { status, fullName } of testResults)
            if (status === "failed") process.stdout.write(`          failed: ${fullName}\n`);
    }
};
