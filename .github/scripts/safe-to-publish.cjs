// node safe-to-publish.cjs FILE: ends with 1 where the file holds a secret of this environment, as it is or encoded.
"use strict";
const fs = require("node:fs");

/** Every variable that the workflows give a secret in. */
const SECRET_VARIABLES = [
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_BACKEND_URL",
    "AUTHENTIK_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "FORGE_TOKEN",
    "GITHUB_TOKEN",
    "GIT_TOKEN",
    "ZOT_SSH_PRIVATE_KEY",
];

function formsOf(secret) {
    const base64 = Buffer.from(secret).toString("base64");
    // Each line of a key, since a text may break it otherwise.
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith("-----"));
    return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64, base64.replace(/=+$/, ""), Buffer.from(secret).toString("hex"), ...lines];
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
