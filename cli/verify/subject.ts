/** What is verified: a stack's registry, or any registry by its address; and what is declared about it. */

import { addressMistake, addressOf, slashAtMost } from "../../clients/http/address";
import { UserError } from "../../clients/userError";
import type { AccessPolicy } from "../../components/accessPolicy";
import { tieredPolicy } from "../../components/accessTiers";
import { declaredState } from "../../components/declaredState";
import { FIRST_WORKLOAD, isMap, workloadsOf } from "../../components/settings";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { type MovableTags, movableEntryMistakes } from "../../components/settings/movableTags";
import { channelMistake } from "../../components/settings/patterns";
import { tagFormMistake } from "../../components/settings/tagForms";
import { outputOf } from "../ciSecrets/outputs";
import { pulumi, tokenInStack } from "../shared/pulumi";
import { projectFolder } from "../shared/stack";
import { noSuchWorkload } from "../shared/workloads";

export interface Subject {
    /** For people: the stack, or the registry's address. */
    name: string;
    stack?: string;
    registryUrl: string;
    /** Who may do what, as declared. */
    policy: AccessPolicy;
    adminsGroup: string;
    workloadsGroup: string;
    ciUser: string;
    ciRepositories: string[];
    adminsMayUpdate: boolean;
    ciMayPushToMirrors: boolean;
    /** Patterns of the repositories in which CI may move tags. */
    channels: string[];
    /** Forms, one of which a new tag of CI must have; empty if any will do. */
    tagScheme: string[];
    /** Forms of tags that CI may move beside versions, by the pattern of their repositories. */
    movableTags: MovableTags;
    /** Whether refusals must carry their reasons. */
    explainsRefusals: boolean;
    metrics: "anonymous" | "users" | "off";
    metricsPath: string;
    /** A build of zot that the stack accepts on its host: zot.acceptVersion. */
    acceptVersion: string | undefined;
    /** Prefixes of the pull-through caches; undefined if nothing is declared, and then the catalog is used. */
    mirrors: string[] | undefined;
    /** `<prefix>/<repository>:<tag>` by prefix: what is pulled through each cache. */
    images: string[];
    issuer: string | undefined;
    clientId: string | undefined;
    authentik: { url: string; token: string } | undefined;
    /** Why Authentik cannot be used, as a sentence. */
    withoutAuthentik: string;
    /** Slug of the flow for the logins of this run; default: Authentik's choice. */
    loginFlow: string | undefined;
    /** Slug of the login flow of CI's service account. */
    ciLoginFlow: string | undefined;
    /** CI's own API key. Secret. */
    ciKey: string | undefined;
    /** The uuid of the key that the stack declares. */
    declaredKey: string | undefined;
    /** Whether to log in with a real browser too, and with which one; default: the machine's own. */
    browser: { program: string | undefined } | undefined;
    /** What could not be found out, for people. */
    remarks: string[];
}

export interface SubjectOptions {
    stack?: string;
    registry?: string;
    authentikUrl?: string;
    issuer?: string;
    clientId?: string;
    adminsGroup?: string;
    workloadsGroup?: string;
    ciUser?: string;
    metrics?: Subject["metrics"];
    metricsPath?: string;
    mirror?: string[];
    image?: string[];
    adminsMayUpdate?: boolean;
    ciRepositories?: string[];
    channels?: string[];
    tagScheme?: string[];
    /** Each `pattern=form,form`. */
    movableTags?: string[];
    explainRefusals?: boolean;
    loginFlow?: string;
    /** The one of the stack's `ci.workloads` that acts as CI. */
    workload?: string;
    /** A program, or `true` for the machine's own. */
    browser?: string | true;
    readOnly?: boolean;
}

/** @throws UserError, SettingsError, StackFileError for mistakes of the caller */
export async function subjectFrom(options: SubjectOptions, environment: NodeJS.ProcessEnv): Promise<Subject> {
    for (const [option, values, mistakeIn] of [
        ["--channels", options.channels, channelMistake],
        ["--tag-scheme", options.tagScheme, tagFormMistake],
    ] as const)
        for (const value of values ?? []) {
            const mistake = mistakeIn(value);
            if (mistake) throw new UserError(`${option} ${JSON.stringify(value)} is not allowed because ${mistake}.`);
        }
    const subject =
        options.stack === undefined
            ? fromOptions(options, environment)
            : await fromStack(options.stack, options, environment);
    const registryRule = { carries: "the keys of this run", path: slashAtMost };
    const withoutKeys = { ...registryRule, carries: undefined };
    const carriesKeys = !options.readOnly || subject.ciKey !== undefined;
    // If the address is wrong even without keys, another way of running does not help.
    const isOnlyForKeys = addressMistake(subject.registryUrl, withoutKeys) === undefined;
    subject.registryUrl = addressOf(
        subject.registryUrl,
        "The registry's address",
        carriesKeys ? registryRule : withoutKeys,
        `Give one such as https://registry.example.org${isOnlyForKeys ? `, or ${wayWithoutKeys(options, subject)}` : ""}.`,
    );
    if (subject.authentik)
        subject.authentik.url = addressOf(
            subject.authentik.url,
            "Authentik's address",
            { carries: "its token" },
            "Give one such as https://authentik.example.org.",
        );
    for (const image of subject.images) {
        const known = subject.mirrors?.some((prefix) => image.startsWith(`${prefix}/`));
        if (subject.mirrors && !known)
            throw new UserError(
                `The image ${image} is below none of the pull-through caches ` +
                    `(${subject.mirrors.join(", ") || "there are none"}).`,
            );
    }
    return subject;
}

/** How to run without sending a key to the registry, be it CI's own or one of a test user. */
function wayWithoutKeys({ readOnly }: SubjectOptions, { ciKey }: Subject): string {
    const noKey = "without CI's key (ZOT_CI_API_KEY, --stack)";
    return readOnly ? `run it ${noKey}` : `use --read-only${ciKey === undefined ? "" : `, ${noKey}`}`;
}

function fromOptions(options: SubjectOptions, environment: NodeJS.ProcessEnv): Subject {
    const {
        adminsGroup = "admins",
        workloadsGroup = "artifact-workloads",
        ciUser = "zot-ci",
        adminsMayUpdate = false,
        ciRepositories = ["**"],
        channels = [],
        tagScheme = [],
    } = options;
    const movableTags = movableTagsOf(options);
    const policy = tieredPolicy({
        access: {
            ciRepositories,
            ciMayPushToMirrors: false,
            adminsMayUpdate,
            channels,
            tagScheme,
            movableTags,
            acceptLossOfManifests: true,
            explainRefusals: false,
            rules: {},
        },
        identity: { adminsGroup, workloadsGroup, ciUser },
        ci: { workloads: {} },
        ciSecrets: {},
        zot: { mirrors: (options.mirror ?? []).map((prefix) => ({ url: "", prefix })) },
    } as unknown as Parameters<typeof tieredPolicy>[0]);
    return {
        name: options.registry!,
        registryUrl: options.registry!,
        policy,
        adminsGroup,
        workloadsGroup,
        ciUser,
        ciRepositories,
        adminsMayUpdate,
        ciMayPushToMirrors: false,
        channels,
        tagScheme,
        movableTags,
        explainsRefusals: options.explainRefusals ?? false,
        metrics: options.metrics ?? "off",
        metricsPath: options.metricsPath ?? "/metrics",
        acceptVersion: undefined,
        mirrors: options.mirror,
        images: options.image ?? [],
        issuer: options.issuer,
        clientId: options.clientId,
        ...authentikAccess(options.authentikUrl ?? environment.AUTHENTIK_URL, environment.AUTHENTIK_TOKEN),
        loginFlow: options.loginFlow,
        ciLoginFlow: options.loginFlow,
        ciKey: environment.ZOT_CI_API_KEY?.trim() || undefined,
        declaredKey: undefined,
        browser: browserOf(options),
        remarks: [],
    };
}

async function fromStack(stack: string, options: SubjectOptions, environment: NodeJS.ProcessEnv): Promise<Subject> {
    const folder = projectFolder();
    const raw = settingsFromStackFile(folder, stack);
    const { settings, policy } = declaredState(raw, `Pulumi.${stack}.yaml`);
    const remarks: string[] = [];
    const outputs = await outputsOf(stack, folder, remarks);
    const text = (name: string, workload?: string) => {
        const value = outputOf(outputs, name, workload);
        return typeof value === "string" && value !== "" ? value : undefined;
    };
    const { access, identity, zot, registry } = settings;
    const workloads = workloadsOf(settings);
    const asked = options.workload ?? FIRST_WORKLOAD;
    const names = workloads.map(({ name }) => name);
    const workload = workloads[names.indexOf(asked)];
    if (!workload) throw noSuchWorkload(asked, names);
    const own = workload.name === FIRST_WORKLOAD ? undefined : workload.name;
    const url = options.authentikUrl ?? environment.AUTHENTIK_URL ?? new URL(identity.issuer).origin;
    const token = environment.AUTHENTIK_TOKEN ?? (options.readOnly ? undefined : await tokenInStack(stack, folder));
    return {
        name: `the stack ${stack}${own ? `, as CI's identity ${own}` : ""}`,
        stack,
        registryUrl: options.registry ?? text("registryUrl") ?? registry.url,
        policy,
        adminsGroup: options.adminsGroup ?? identity.adminsGroup,
        workloadsGroup: options.workloadsGroup ?? workload.group,
        ciUser: options.ciUser ?? workload.user,
        ciRepositories: [...workload.repositories],
        adminsMayUpdate: access.adminsMayUpdate,
        ciMayPushToMirrors: access.ciMayPushToMirrors,
        channels: [...workload.channels],
        tagScheme: [...workload.tagScheme],
        movableTags: workload.movableTags,
        explainsRefusals: access.explainRefusals,
        metrics: options.metrics ?? (zot.metrics as Subject["metrics"]),
        metricsPath: zot.metricsPath,
        acceptVersion: zot.acceptVersion,
        mirrors: options.mirror ?? zot.mirrors.map(({ prefix }) => prefix),
        images: options.image ?? [],
        issuer: identity.issuer,
        clientId: identity.clientId,
        ...authentikAccess(url, token),
        loginFlow: options.loginFlow,
        ciLoginFlow:
            identity.ciLoginFlow === "default"
                ? undefined
                : identity.ciLoginFlow === "dedicated"
                  ? await dedicatedFlow(workload.user)
                  : identity.ciLoginFlow,
        ciKey: environment.ZOT_CI_API_KEY?.trim() || text("ciApiKey", own),
        declaredKey: text("ciApiKeyUuid", own),
        browser: browserOf(options),
        remarks,
    };
}

/** @throws UserError */
function movableTagsOf({ movableTags = [] }: SubjectOptions): Record<string, string[]> {
    return Object.fromEntries(
        movableTags.map((text) => {
            const [pattern = "", forms = ""] = text.split("=");
            const entry: [string, string[]] = [pattern, forms.split(",").filter(Boolean)];
            const mistakes = movableEntryMistakes(...entry);
            if (mistakes.length > 0)
                throw new UserError(
                    mistakes
                        .map((mistake) => `--movable-tags ${JSON.stringify(text)} is not allowed because ${mistake}.`)
                        .join("\n"),
                );
            return entry;
        }),
    );
}

/** The stack's outputs from Pulumi; without its state, only the settings are used. */
async function outputsOf(stack: string, folder: string, remarks: string[]): Promise<Record<string, unknown>> {
    try {
        const outputs: unknown = JSON.parse(
            await pulumi(
                ["stack", "output", "--json", "--show-secrets", "--stack", stack],
                `read the outputs of the stack ${stack}`,
                { folder },
            ),
        );
        return isMap(outputs) ? outputs : {};
    } catch (error) {
        remarks.push(
            "The stack's outputs are not known, so only its file says what is declared. " +
                `${(error as Error).message.split("\n")[0]}`,
        );
        return {};
    }
}

/** Imported on demand, because that file loads Pulumi's SDK. */
async function dedicatedFlow(ciUser: string): Promise<string> {
    const { ciLoginFlowSlug } = await import("../../components/ciLoginFlowNames.js");
    return ciLoginFlowSlug(ciUser);
}

function authentikAccess(
    url: string | undefined,
    token: string | undefined,
): Pick<Subject, "authentik" | "withoutAuthentik"> {
    const withoutAuthentik = !url
        ? "There is no address of Authentik: set AUTHENTIK_URL, or give --authentik-url."
        : !token
          ? "There is no API token for Authentik: set AUTHENTIK_TOKEN (it may make and delete users, " +
            "and set their passwords)."
          : "";
    return {
        authentik: url && token ? { url: url.trim(), token: token.trim() } : undefined,
        withoutAuthentik,
    };
}

const browserOf = ({ browser }: SubjectOptions): Subject["browser"] =>
    browser === undefined ? undefined : { program: browser === true ? undefined : browser };
