// node safe-to-publish.cjs FILE [--hand-on]: ends with 1 where the file holds a secret of this environment, as it is or
// encoded; with --hand-on also where it is nothing that a job can hand on to the next.
"use strict";
const { isUtf8 } = require("node:buffer");
const fs = require("node:fs");
const path = require("node:path");

/** Every variable that the workflows, or the forge itself, give a secret in. */
const SECRET_VARIABLES = [
    ...fs.readFileSync(path.join(__dirname, "tokens.txt"), "utf8").trim().split("\n"),
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_BACKEND_URL",
    "AUTHENTIK_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "ZOT_SSH_PRIVATE_KEY",
];

/**
 * Base64 of any text that the secret is part of: by where in a group of three bytes it begins, without what its
 * neighbours decide.
 */
function inBase64(secret) {
    return [0, 1, 2].map((before) => {
        const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
        return bytes.toString("base64").slice(before === 0 ? 0 : before + 1, Math.floor((bytes.length * 8) / 6));
    });
}

function formsOf(secret) {
    // Each line of a key, since a text may break it otherwise.
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith("-----"));
    const encoded = inBase64(secret).flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
    const hex = Buffer.from(secret).toString("hex");
    return [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        ...encoded,
        hex,
        hex.toUpperCase(),
        ...lines,
    ];
}

/** Of an address only what stands before the @ is secret. */
function secretsIn(name) {
    const value = process.env[name]?.trim();
    if (!value) return [];
    if (name !== "PULUMI_BACKEND_URL") return [value];
    const [, password] = /:\/\/[^/@:]*:([^@]+)@/.exec(value) ?? [];
    return password ? [password, decodeURIComponent(password)] : [];
}

/** It becomes a variable of a step's environment; the kernel takes no longer one. In bytes, with its name. */
const LONGEST = 130_000;

const bytes = fs.readFileSync(process.argv[2]);
const text = bytes.toString("utf8");
const complain = (words) => {
    process.stderr.write(`${process.argv[2]} ${words}\n`);
    process.exitCode = 1;
};
const found = SECRET_VARIABLES.filter((name) =>
    secretsIn(name)
        .flatMap(formsOf)
        // Shorter ones are found everywhere, and are no secret.
        .some((form) => form.length >= 6 && text.includes(form)),
);
if (found.length > 0) complain(`holds what is in ${found.join(", ")}, and must not be published.`);
if (process.argv[3] === "--hand-on") {
    // A job with such an output does not end: the runner tries for ever to report it.
    if (!isUtf8(bytes)) complain("holds bytes that are no UTF-8, and cannot be handed on.");
    if (bytes.length > LONGEST)
        complain(`has ${bytes.length} bytes, and cannot be handed on: ${LONGEST} are the most.`);
}
