// jest's reporter for npm run clients: a line for each client on each registry, once it has been through its workflows.
"use strict";

const began = Date.now();

module.exports = class {
    /** @param {{ ancestorTitles: string[], title: string, status: string }} result of one workflow */
    onTestCaseResult(/** @type {unknown} */ _test, { ancestorTitles: [group = ""], title, status }) {
        if (group !== this.group) this.end();
        this.group = group;
        if (status === "failed") this.failed = [...(this.failed ?? []), title];
        this.count = (this.count ?? 0) + (status === "passed" || status === "failed" ? 1 : 0);
    }

    onRunComplete() {
        this.end();
    }

    end() {
        if (this.group !== undefined && this.count) {
            const seconds = String(Math.round((Date.now() - began) / 1000)).padStart(4);
            const failed = this.failed ? `; not as documented: ${this.failed.join(", ")}` : "";
            process.stderr.write(`${seconds} s  ${this.group}: ${this.count} workflows${failed}\n`);
        }
        this.failed = undefined;
        this.count = 0;
    }
};
