/**
 * The answer that a deployment must give. A command without an error is no proof of a deployment: a forced command
 * (`ForceCommand`, `command=` in authorized_keys) or an `exit 0` in a start-up file also ends without an error, and
 * does nothing. Therefore the payload holds a mark, and the script prints it together with what it has done.
 */
import * as pulumi from "@pulumi/pulumi";
import { outsideText } from "../clients/outsideText";
import { plainText } from "./liveNames";

/**
 * The words by which the script reports what it has done. `mended` is the word of version 0.1 for `repaired`, and still
 * stands in states of that time.
 */
const DONE = ["deployed", "unchanged", "repaired", "mended"];

const MARK = /^mark=([0-9a-f]+)$/m;

/** Why it is not certain that a deployment ran; undefined if its answer is there. */
export function answerProblem(
    { stdin, stdout, stderr }: { stdin: string; stdout: string; stderr: string },
    host: string,
): string | undefined {
    const mark = MARK.exec(stdin)?.[1];
    // An older program's payload has no mark. A start-up file may have printed text without an end of line.
    if (mark === undefined || stdout.split("\n").some((line) => DONE.some((word) => line.endsWith(`${word} ${mark}`))))
        return undefined;
    const said = outsideText(`${stdout} ${stderr}`, 500);
    return (
        `The registry's host ${host} ended the deployment without an error, but the script did not confirm that it ran. It is not known whether it did. [ZH-ANSWER-MISSING] ` +
        `Its output was ${said === "" ? "empty" : `"${said}"`}. ` +
        "Something else runs in place of the script: check ForceCommand in sshd_config, command= in authorized_keys, " +
        "and exit or exec in the start-up files of the user's shell. " +
        "Correct it, and run pulumi up again with the observation of the host on (host.observe, " +
        "and no ZOT_HARDENING_LOOK=off): it finds what was not deployed, and deploys it. " +
        "If it finds nothing to deploy, change a setting of the host, such as host.readyTimeout; " +
        "then the deployment is sent again."
    );
}

/**
 * Hooks of the command that deploys: without the answer the deployment fails, and nothing that depends on it starts.
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
 * Fails the program if the last deployment in the state has no answer: the engine counts it as done. If a look has
 * found that it did not run, it is about to be sent again, and its answer is not known yet.
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
