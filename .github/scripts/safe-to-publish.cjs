// node safe-to-publish.cjs FILE: ends with 1 where the file holds a secret of this environment, as it is or encoded.
"use strict";
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

const text = fs.readFileSync(process.argv[2], "utf8");
const found = SECRET_VARIABLES.filter((name) =>
    secretsIn(name)
        .flatMap(formsOf)
        // Shorter ones are found everywhere, and are no secret.
        .some((form) => form.length >= 6 && text.includes(form)),
);
if (found.length > 0) {
    process.stderr.write(`${process.argv[2]} holds what is in ${found.join(", ")}, and must not be published.\n`);
    process.exitCode = 1;
}
