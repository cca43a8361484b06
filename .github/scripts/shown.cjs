// node shown.cjs [BYTES] <text: text from outside as a block of Markdown that is shown as it is, whatever it holds, at
// most BYTES long; without BYTES all of it. What a terminal obeys, and bytes that are no UTF-8, are left out: a runner
// cannot hand on such bytes to the next job.
"use strict";
const fs = require("node:fs");

/** As in clients/outsideText.ts, which is not compiled yet where this runs. */
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
const most = process.argv[2] === undefined ? Number.POSITIVE_INFINITY : Number(process.argv[2]);
const REST = "\nThe rest is in the log of the run.\n";

const text = fs.readFileSync(0, "utf8").replaceAll("\r\n", "\n").replace(OBEYED, " ").replace(/\n$/, "");
const block = Buffer.from(`${text.replace(/^/gm, "    ")}\n`);
if (block.length <= most) process.stdout.write(block);
else {
    // In the middle of a character is no place to cut.
    const kept = block
        .subarray(0, most - REST.length - 1)
        .toString("utf8")
        .replace(/\ufffd$/, "");
    process.stdout.write(`${kept}\n${REST}`);
}
