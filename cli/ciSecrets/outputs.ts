/** What a stack says of CI's credential. Pure. */
import { UserError } from "../../clients/userError";
import type { OutputName, SecretNames } from "../../components/settings/ciSecretNames";
import { isMap } from "../../components/settings/setting";

/** Outputs that cannot be used, to the person who can correct it. */
export class OutputsError extends UserError {}

/** One thing to hand over. */
export interface Item {
    output: OutputName;
    /** What it is called in the store. */
    name: string;
    value: string;
    /**
     * The key is; the others may be seen by whoever reads a job's log, and masking them there would only hide what went
     * wrong.
     */
    secret: boolean;
}

export interface Credential {
    /** The key first: what describes it is not to be newer than it is. */
    items: Item[];
    registryUrl: string | undefined;
    userName: string | undefined;
    key: string;
    /** RFC 3339. */
    expires: string | undefined;
    uuid: string | undefined;
}

/** Days before the end of a key from which on it is warned of. */
const WARNING_DAYS = 14;
const DAY = 86_400_000;

/**
 * @param text what `pulumi stack output --json --show-secrets` prints
 * @param names of what is handed over
 * @param workload one of `ci.workloads`; default: the identity that a site always has
 * @throws OutputsError where something is missing, or the key has expired. No value is in its message.
 */
export function credentialFrom(text: string, names: SecretNames, now: Date, workload?: string): Credential {
    let outputs: unknown;
    try {
        outputs = JSON.parse(text);
    } catch {
        throw new OutputsError(
            "The stack's outputs are not JSON; give what `pulumi stack output --json --show-secrets` prints.",
        );
    }
    if (!isMap(outputs))
        throw new OutputsError(
            "The stack's outputs are not a JSON object; give what `pulumi stack output --json --show-secrets` prints.",
        );
    const read = (name: string): string | undefined => {
        const value = outputOf(outputs as Record<string, unknown>, name, workload);
        return typeof value === "string" && value !== "" ? value : undefined;
    };
    const key = read("ciApiKey");
    const called = (name: string) => calledOutput(name, workload);
    if (key === undefined)
        throw new OutputsError(
            `The stack has no output ${called("ciApiKey")}: run pulumi up, which makes CI's key, and then this again.`,
        );
    if (key === "[secret]")
        throw new OutputsError("The stack's outputs were printed without their secrets; add --show-secrets.");
    if (!/^[\x21-\x7e]+$/.test(key))
        throw new OutputsError(
            `The stack's output ${called("ciApiKey")} holds spaces, line breaks or characters that no API key has.`,
        );
    const expires = read("ciApiKeyExpires");
    if (expires !== undefined && Number.isNaN(Date.parse(expires)))
        throw new OutputsError(
            `The stack's output ${called("ciApiKeyExpires")} is not a time: ${JSON.stringify(expires)}.`,
        );
    if (expires !== undefined && Date.parse(expires) <= now.getTime()) {
        throw new OutputsError(
            `CI's key expired at ${expires} and was not handed over: ` +
                "run pulumi up, which makes its successor, and then this again.",
        );
    }
    const items = (Object.entries(names) as [OutputName, string][]).map(([output, name]): Item => {
        const value = read(output);
        if (value === undefined)
            throw new OutputsError(
                `The stack has no output ${called(output)}, which is to be handed over as ${name}: ` +
                    "run pulumi up, or leave it out of the names.",
            );
        if (/[\0-\x1f\x7f]/.test(value))
            throw new OutputsError(
                `The stack's output ${called(output)} has more than one line, which cannot be handed over.`,
            );
        return { output, name, value, secret: output === "ciApiKey" };
    });
    items.sort((left, right) => Number(right.secret) - Number(left.secret));
    return {
        items,
        registryUrl: read("registryUrl"),
        userName: read("ciUserName"),
        key,
        expires,
        uuid: read("ciApiKeyUuid"),
    };
}

/** Outputs that each identity of CI has its own of. */
const OF_EACH = ["ciUserName", "ciApiKey", "ciApiKeyExpires", "ciApiKeyUuid"];

/** Where an output stands for one of `ci.workloads`: beside the keys, which are secret as a whole. */
const placeOf = (name: string) => (name === "ciApiKey" ? "workloadApiKeys" : "workloads");

/**
 * A stack's output as an identity of CI has it.
 *
 * @param workload one of `ci.workloads`; undefined for the identity that a site always has
 */
export function outputOf(outputs: Record<string, unknown>, name: string, workload: string | undefined): unknown {
    if (workload === undefined || !OF_EACH.includes(name)) return outputs[name];
    const all = outputs[placeOf(name)];
    // The outputs were printed without their secrets.
    if (typeof all === "string") return all;
    const own = isMap(all) && Object.hasOwn(all, workload) ? all[workload] : undefined;
    return name === "ciApiKey" ? own : isMap(own) ? own[name] : undefined;
}

/** What it is called, for people. */
const calledOutput = (name: string, workload: string | undefined): string =>
    workload === undefined || !OF_EACH.includes(name)
        ? name
        : `${placeOf(name)}.${workload}${name === "ciApiKey" ? "" : `.${name}`}`;

/** A sentence for a key that ends soon. */
export function expiryWarning(expires: string | undefined, now: Date): string | undefined {
    if (expires === undefined) return undefined;
    const days = (Date.parse(expires) - now.getTime()) / DAY;
    if (days > WARNING_DAYS) return undefined;
    return (
        `CI's key expires at ${expires}, in ` +
        `${days < 1 ? "less than a day" : `${Math.floor(days)} day${Math.floor(days) === 1 ? "" : "s"}`}; ` +
        "pulumi up makes its successor once it is due."
    );
}
