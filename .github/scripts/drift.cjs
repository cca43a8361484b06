// node drift.cjs STACK FILE: whether what runs is what is declared. A refreshed preview with a look at the host, and
// `verify` without writing; what differs is Markdown in FILE. Exit code: 0 nothing differs, 1 it could not be found
// out, 10 something differs.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const [stack, file] = process.argv.slice(2);
const root = path.resolve(__dirname, "../..");
const DIFFERS = 10;
/** A key whose time has come is replaced by the next `pulumi up`: that is its plan, not drift. */
const PLANNED = "zot:index/apiKey:ApiKey";

/** Type and name of a resource: `urn:pulumi:stack::project::parents$type::name`. */
function resourceOf(urn) {
    const [, , types = "", ...name] = urn.split("::");
    return { type: types.split("$").at(-1), name: name.join("::") };
}

function pulumi(...args) {
    const { stdout, stderr, status, error } = spawnSync("pulumi", args, {
        cwd: root,
        encoding: "utf8",
        maxBuffer: 1 << 28,
        // Several machines are looked at side by side.
        env: { ...process.env, PULUMI_PARALLEL_DIFF: "true", PULUMI_SKIP_UPDATE_CHECK: "true", NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"],
    });
    return { stdout: stdout ?? "", stderr: stderr ?? String(error), status };
}

/** The first JSON document of a text, around which a CLI may say more. */
function json(text) {
    try {
        return JSON.parse(text.slice(text.indexOf("{")));
    } catch {
        return undefined;
    }
}

function differences() {
    const { stdout, stderr, status } = pulumi("preview", "--refresh", "--json", "--non-interactive", "--stack", stack);
    const preview = json(stdout);
    const errors = (preview?.diagnostics ?? [])
        .filter(({ severity }) => severity === "error")
        .map(({ message }) => message.trim());
    if (!preview || status !== 0)
        return { failed: errors.join("\n") || stderr || `pulumi preview ended with exit code ${status}` };
    const isPlanned = ({ urn }) => resourceOf(urn).type === PLANNED;
    // By which token Authentik is asked, and by which key the host is reached, is nothing that could drift: a job has
    // its own.
    const isOwnWay = ({ op, urn, diffReasons }) =>
        resourceOf(urn).type.startsWith("pulumi:providers:") ||
        (op === "update" && diffReasons?.length > 0 && diffReasons.every((reason) => reason === "connection"));
    const steps = (preview.steps ?? []).filter(
        (step) => !["same", "read", "refresh"].includes(step.op) && !isOwnWay(step),
    );
    const warnings = (preview.diagnostics ?? []).filter(
        ({ severity, message }) => severity === "warning" && !/^warning: plugin|new version of Pulumi/i.test(message),
    );
    return {
        steps: steps.filter((step) => !isPlanned(step)),
        planned: steps.filter(isPlanned),
        warnings: warnings.map(({ message }) => message.trim()),
    };
}

function verified() {
    const { stdout, stderr, status, signal } = spawnSync(
        process.execPath,
        [path.join(root, "build", "run.cjs"), "cli/verify.ts", "--stack", stack, "--read-only"],
        {
            cwd: root,
            encoding: "utf8",
            maxBuffer: 1 << 28,
            timeout: 600_000,
        },
    );
    if (status === 0) return {};
    return status === 1
        ? { weak: stdout }
        : { failed: `${stderr}\n(npm run verify ended with ${signal ?? `exit code ${status}`})` };
}

const indented = (text) => text.trim().slice(0, 20_000).replace(/^/gm, "    ");

function main() {
    if (!stack || !file) {
        process.stderr.write("Usage: node drift.cjs STACK FILE\n");
        return 2;
    }
    const preview = differences();
    const registry = verified();
    const parts = [];
    if (preview.steps?.length) {
        parts.push(
            "`pulumi up` would change what is deployed. " +
                "Somebody changed it by hand, or a declared change was never applied:\n",
        );
        parts.push(
            ...preview.steps.map(
                ({ op, urn, diffReasons }) =>
                    `- ${op} \`${resourceOf(urn).type} ` +
                    `${resourceOf(urn).name}\`${diffReasons?.length ? `: ${diffReasons.join(", ")}` : ""}`,
            ),
            "",
        );
        if (preview.warnings.length) parts.push(indented(preview.warnings.join("\n")), "");
        parts.push(
            `What it would do: \`pulumi preview --refresh --diff --stack ${stack}\`. ` +
                `To bring back what is declared: \`pulumi up --refresh --stack ${stack}\`.\n`,
        );
    }
    if (registry.weak) parts.push("The registry does not answer as declared:\n", indented(registry.weak), "");
    for (const [what, { failed }] of Object.entries({
        "The refreshed preview": preview,
        "`npm run verify`": registry,
    })) {
        if (failed) parts.push(`${what} could not be carried out:\n`, indented(failed), "");
    }
    if (preview.planned?.length) parts.push("Not drift: CI's key is due to be replaced, by the next `pulumi up`.\n");
    const differs = Boolean(preview.steps?.length || registry.weak);
    const failed = Boolean(preview.failed || registry.failed);
    const heading = differs
        ? `Stack ${stack}: something differs from what is declared`
        : failed
          ? `Stack ${stack}: whether something differs is not known`
          : `Stack ${stack}: all is as declared`;
    fs.writeFileSync(file, `### ${heading}\n\n${parts.join("\n")}`);
    process.stdout.write(fs.readFileSync(file, "utf8"));
    return differs ? DIFFERS : failed ? 1 : 0;
}

process.exitCode = main();
