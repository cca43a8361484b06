/** Reads CI's credential from a stack's outputs. Pure. */
import { UserError } from "../../clients/userError";
import type { OutputName, SecretNames } from "../../components/settings/ciSecretNames";
import { isMap } from "../../components/settings/setting";

/** Unusable outputs, worded for the person who can correct it. */
export class OutputsError extends UserError {}

/** One value to hand over. */
export interface Item {
    output: OutputName;
    /** Its name in the store. */
    name: string;
    value: string;
    /**
     * True for the key. Anyone who reads a job's log may see the others, and masking them there would only hide what
     * went wrong.
     */
    secret: boolean;
}

export interface Credential {
    /** The key first, so that what describes it is never newer than the key. */
    items: Item[];
    registryUrl: string | undefined;
    userName: string | undefined;
    key: string;
    /** RFC 3339. */
    expires: string | undefined;
    uuid: string | undefined;
}

/** How many days before its end a key causes a warning. */
const WARNING_DAYS = 14;
const DAY = 86_400_000;

/**
 * @param text what `pulumi stack output --json --show-secrets` prints
 * @param names names of what is handed over
 * @param workload one of `ci.workloads`; default: the identity that every site has
 * @throws OutputsError if something is missing, or the key has expired. Its message contains no value.
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
            `The stack has no output ${called("ciApiKey")}: run pulumi up, which makes CI's key, and then repeat this.`,
        );
    if (key === "[secret]")
        throw new OutputsError("The stack's outputs were printed without their secrets; add --show-secrets.");
    if (!/^[\x21-\x7e]+$/.test(key))
        throw new OutputsError(
            `The stack's output ${called("ciApiKey")} contains spaces, line breaks or characters that no API key has.`,
        );
    const expires = read("ciApiKeyExpires");
    if (expires !== undefined && Number.isNaN(Date.parse(expires)))
        throw new OutputsError(
            `The stack's output ${called("ciApiKeyExpires")} is not a time: ${JSON.stringify(expires)}.`,
        );
    if (expires !== undefined && Date.parse(expires) <= now.getTime()) {
        throw new OutputsError(
            `CI's key expired at ${expires} and was not handed over: ` +
                "run pulumi up, which makes a new one, and then repeat this.",
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

/** Outputs that each identity of CI has. */
const OF_EACH = ["ciUserName", "ciApiKey", "ciApiKeyExpires", "ciApiKeyUuid"];

/** Where an output of one of `ci.workloads` is. The keys have an output of their own, which is secret as a whole. */
const placeOf = (name: string) => (name === "ciApiKey" ? "workloadApiKeys" : "workloads");

/**
 * A stack's output for an identity of CI.
 *
 * @param workload one of `ci.workloads`; undefined for the identity that every site has
 */
export function outputOf(outputs: Record<string, unknown>, name: string, workload: string | undefined): unknown {
    if (workload === undefined || !OF_EACH.includes(name)) return outputs[name];
    const all = outputs[placeOf(name)];
    // The outputs were printed without their secrets.
    if (typeof all === "string") return all;
    const own = isMap(all) && Object.hasOwn(all, workload) ? all[workload] : undefined;
    return name === "ciApiKey" ? own : isMap(own) ? own[name] : undefined;
}

/** Its name for people. */
const calledOutput = (name: string, workload: string | undefined): string =>
    workload === undefined || !OF_EACH.includes(name)
        ? name
        : `${placeOf(name)}.${workload}${name === "ciApiKey" ? "" : `.${name}`}`;

/** A warning about a key that ends soon. */
export function expiryWarning(expires: string | undefined, now: Date): string | undefined {
    if (expires === undefined) return undefined;
    const days = (Date.parse(expires) - now.getTime()) / DAY;
    if (days > WARNING_DAYS) return undefined;
    return (
        `CI's key expires at ${expires}, in ` +
        `${days < 1 ? "less than a day" : `${Math.floor(days)} day${Math.floor(days) === 1 ? "" : "s"}`}; ` +
        "pulumi up makes a new one once it is due."
    );
}
