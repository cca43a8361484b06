// node shown.cjs [--block] [BYTES] <text: text from outside without what a terminal obeys, and without bytes that are
// no UTF-8, which a runner cannot hand on to the next job; at most BYTES of it, where they are given. With --block as a
// block of Markdown that is shown as it is, whatever it holds.
"use strict";
const fs = require("node:fs");

/** As in clients/outsideText.ts, which is not compiled yet where this runs. */
const OBEYED =
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb]|\p{Default_Ignorable_Code_Point}|(?<=\p{M}{4})\p{M}/gu;
const args = process.argv.slice(2);
const isBlock = args[0] === "--block";
const most = Number(args.at(isBlock ? 1 : 0) ?? Number.POSITIVE_INFINITY);
const REST = "\nThe rest is in the log of the run.\n";

const text = fs.readFileSync(0, "utf8").replaceAll("\r\n", "\n").replace(OBEYED, " ").replace(/\n$/, "");
const bytes = Buffer.from(`${isBlock ? text.replace(/^/gm, "    ") : text}\n`);
if (bytes.length <= most) process.stdout.write(bytes);
else {
    // In the middle of a character is no place to cut.
    const kept = bytes
        .subarray(0, most - REST.length - 1)
        .toString("utf8")
        .replace(/\ufffd$/, "");
    process.stdout.write(`${kept}\n${REST}`);
}
