/** What must be true on a host after a fault, and what must not be left behind. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { falseClaims, holesIn } from "./claims";
import type { Deployed, FaultHost } from "./host";
import type { Injection } from "./injection";
import type { Ran } from "./overSsh";
import { DOWN, NONE, READ_ONLY } from "./watch";

/** What must be true when the deployment is over, whatever its result. */
export function afterwards(
    { fault, verb, step }: Injection,
    end: Ran | undefined,
    second: Ran | undefined,
    { served, disk }: { served: string; disk: string },
    { old, target, third }: { old: string; target: string; third: string },
): string[] {
    const ran = end && isKilled(fault, end) ? { ...end, exitCode: undefined } : end;
    const said = ran === undefined ? [] : problemsOfAnswer(ran, verb === "withdraw" ? "read-only" : "deployed");
    const where = `${served} served and ${disk} was on the disk`;
    const succeeded = ran?.exitCode === 0;
    if (fault.kind === "second deployment") {
        if (!succeeded || second?.exitCode !== 0)
            said.push(`of two deployments one failed: ${ran?.errors} ${second?.errors}`);
        if (served !== disk || ![target, third].includes(served)) said.push(`after two deployments ${where}`);
        return said;
    }
    const problems = [...said];
    const before = old === NONE ? DOWN : old;
    const allowedServed = [before, target, ...(fault.kind === "issuer" ? [READ_ONLY] : [])];
    if (!allowedServed.includes(served)) problems.push(`afterwards ${where}`);
    if (succeeded && (served !== target || disk !== target)) problems.push(`the deployment succeeded, and ${where}`);
    if (ran?.exitCode) {
        const kept = served === before && disk === old;
        const readOnly = fault.kind === "issuer" && served === READ_ONLY && disk === READ_ONLY;
        // If the disk has become read-only, nothing can be rolled back: the config in force is complete, and is served.
        const stuck = fault.kind === "disk read-only" && served === disk;
        if (!kept && !readOnly && !stuck) problems.push(`the deployment failed, and ${where}`);
        if (fault.kind !== "disk read-only") problems.push(...falseClaims(ran.errors, { old, served, disk }));
    }
    if (fault.kind === "none" && !succeeded) problems.push(`the deployment failed: ${ran?.errors}`);
    if (fault.kind === "connection cut" && step !== undefined && served !== target)
        problems.push(`the deployment was not carried to its end: ${where}`);
    return problems;
}

/** A killed script says nothing, except for messages of its shells, and of a tool whose reader was killed. */
const isKilled = ({ kind }: Injection["fault"], { errors }: Ran) =>
    ["script killed", "machine stops"].includes(kind) &&
    errors
        .trim()
        .split("\n")
        .every((line) => /^(Killed|\w+: write error: Broken pipe)$/.test(line));

/** What is wrong with the messages of a deployment, whatever its result. */
function problemsOfAnswer({ exitCode, output, errors }: Ran, done: string): string[] {
    const problems: string[] = [];
    if (exitCode === 0 && !output.includes(done) && !output.includes("unchanged"))
        problems.push(`the deployment said ${JSON.stringify(output)}`);
    if (exitCode && !/zot-hardening: |payload/.test(errors))
        problems.push(`the deployment failed without a reason: ${JSON.stringify(errors)}`);
    if (output.length > 200 || errors.length > 4000)
        problems.push(`the deployment said too much: ${output.length} and ${errors.length} characters`);
    if (exitCode !== undefined)
        problems.push(...holesIn(errors).map((hole) => `the deployment said something with a hole: ${hole}`));
    return problems;
}

/** Owner, mode and bytes of all files of the config in force. */
export function filesOf(host: FaultHost, { files }: Deployed): string[] {
    return [host.configFile, ...files.map(({ path }) => path)].map((path) => {
        const found = fs.lstatSync(path, { throwIfNoEntry: false });
        if (!found) return `${path}: missing`;
        const { size } = found;
        return (
            `${path}: owner ${found.uid}, mode ${(found.mode & 0o7777).toString(8)}, ${size} bytes, ` +
            `sha256 ${createHash("sha256").update(fs.readFileSync(path)).digest("hex")}`
        );
    });
}

/** What a deployment must not leave behind. */
export function leftOver(host: FaultHost, next: Deployed): string[] {
    const problems: string[] = [];
    const state = fs
        .readdirSync(host.state)
        .filter((name) => !["claims", "pushes", "original", "start", "serving", "deployed", "tried"].includes(name));
    if (state.length > 0) problems.push(`${state.join(", ")} was left in ${host.state}`);
    const claims = fs.existsSync(join(host.state, "claims")) ? fs.readdirSync(join(host.state, "claims")) : [];
    if (claims.length > 0) problems.push(`${claims.length} locks were left`);
    const deployments = fs.readdirSync(join(host.state, "pushes"));
    if (deployments.length > 5) problems.push(`${deployments.length} deployments were kept instead of 5`);
    for (const deployment of deployments) {
        const names = fs
            .readdirSync(join(host.state, "pushes", deployment))
            .filter((name) => !["config.json", "read-only.json", "replaced.json"].includes(name));
        if (names.length > 0) problems.push(`${names.join(", ")} was left of deployment ${deployment}`);
    }
    const payloads = fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"));
    if (payloads.length > 0) problems.push(`${payloads.length} payloads were left, with secrets`);
    const named = [
        host.configFile,
        ...deployments.flatMap((push) =>
            ["config.json", "replaced.json"].map((name) => join(host.state, "pushes", push, name)),
        ),
    ]
        .filter((file) => fs.existsSync(file))
        .map((file) => fs.readFileSync(file, "utf8"))
        .join();
    for (const name of fs.readdirSync(host.configFolder)) {
        const file = join(host.configFolder, name);
        if (file === host.configFile || file === host.state) continue;
        if (!named.includes(`"${file}"`)) problems.push(`${name} was left, which no config names`);
    }
    for (const { path } of next.files) {
        const mode = fs.statSync(path, { throwIfNoEntry: false })?.mode;
        if (mode === undefined || (mode & 0o777) !== 0o600) problems.push(`${path} has mode ${mode?.toString(8)}`);
    }
    return problems;
}
