/**
 * What a deployment has to answer. A command that ends well is not yet a deployment: a forced command (`ForceCommand`,
 * `command=` in authorized_keys) or an `exit 0` in a start-up file ends well, too, and does nothing. So what is sent
 * holds a mark, and the script says it back with what it has done.
 */
import * as pulumi from "@pulumi/pulumi";
import { outsideText } from "../clients/outsideText";
import { plainText } from "./liveNames";

/**
 * What the script says that it has done; `mended` is what it said for `repaired` up to 0.1, and is in states of then.
 */
const DONE = ["deployed", "unchanged", "repaired", "mended"];

const MARK = /^mark=([0-9a-f]+)$/m;

/** Why a deployment is not known to have happened; undefined where its answer is there. */
export function answerProblem(
    { stdin, stdout, stderr }: { stdin: string; stdout: string; stderr: string },
    host: string,
): string | undefined {
    const mark = MARK.exec(stdin)?.[1];
    // A payload of an older program has none. A start-up file may have printed something without an end of line.
    if (mark === undefined || stdout.split("\n").some((line) => DONE.some((word) => line.endsWith(`${word} ${mark}`))))
        return undefined;
    const said = outsideText(`${stdout} ${stderr}`, 500);
    return (
        `The registry's host ${host} ended the deployment without an error, and did not say that it has run it; whether it ran is not known. [ZH-ANSWER-MISSING] ` +
        `What came was ${said === "" ? "nothing" : `"${said}"`}. ` +
        "Something else runs in its place: check ForceCommand in sshd_config, command= in authorized_keys, " +
        "and exit or exec in the start-up files of the user's shell. " +
        "Correct it, and run pulumi up again with the observation of the host on (host.observe, " +
        "and no ZOT_HARDENING_LOOK=off): it finds what was not deployed, and deploys it. " +
        "Where it finds nothing, change a setting of the host, such as host.readyTimeout, " +
        "so that the deployment is sent again."
    );
}

/**
 * Hooks of the command that deploys: without the answer the deployment has failed, and nothing that waits for it
 * begins.
 */
export function requireAnswer(component: string, host: string): pulumi.ResourceHookBinding {
    const check = new pulumi.ResourceHook(`${component}-requires-answer`, async ({ newInputs, newOutputs }) => {
        const [stdin, stdout, stderr] = await Promise.all([
            textOf(newInputs, "stdin"),
            textOf(newOutputs, "stdout"),
            textOf(newOutputs, "stderr"),
        ]);
        const problem = answerProblem({ stdin, stdout, stderr }, host);
        if (problem !== undefined) throw new pulumi.RunError(problem);
    });
    return { afterCreate: [check], afterUpdate: [check] };
}

/**
 * Fails the program where the last deployment in the state had no answer, since the engine takes it for done. Where a
 * look has found that it was not run, it is sent again, and its answer is not there yet.
 */
export function refuseUnanswered(
    deployed: {
        stdin: pulumi.Output<string | undefined>;
        stdout: pulumi.Output<string>;
        stderr: pulumi.Output<string>;
    },
    host: string,
): void {
    pulumi.all([deployed.stdin, deployed.stdout, deployed.stderr]).apply(([stdin, stdout, stderr]) => {
        if (typeof stdin !== "string" || typeof stdout !== "string") return;
        const problem = answerProblem({ stdin, stdout, stderr: stderr ?? "" }, host);
        if (problem !== undefined) throw new pulumi.RunError(problem);
    });
}

async function textOf(properties: object | undefined, name: string): Promise<string> {
    return (await plainText((properties as Record<string, unknown> | undefined)?.[name])) ?? "";
}
