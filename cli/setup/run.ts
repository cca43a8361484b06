/** From the first question to the first preview. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../clients/userError";
import { declaredState } from "../../components/declaredState";
import { hasItems, isMap, SecretText } from "../../components/settings";
import { readProject, readStack, settingsFromStackFile } from "../../components/settings/fromStackFile";
import { settingsOfConfig, withFolders } from "../../components/zotConfig";
import { type Json, type JsonMap, valueAt } from "../../components/zotJson";
import { groupsInStackFile } from "../config/stackFile";
import { takenOverText } from "../config/takenOverText";
import { type Groups, type Suggestion, suggestionFor, withGroups } from "../config/takeOver";
import { onInterrupt } from "../shared/interrupt";
import {
    changedSettings,
    composedFile,
    isYamlConfig,
    lostSettings,
    settingsOfAnswers,
    textOf,
    withoutDefaults,
} from "./compose";
import { decideCaches, decideIdentity, decideRegistry, type Known } from "./decisions";
import { type FoundHost, findHost } from "./findHost";
import { asGroups, merged, settingsFromHost } from "./fromHost";
import { type Interview, optionOf } from "./interview";
import { type QuestionName, questions } from "./questions";
import { applyChange, LOCAL_BACKEND, logIn, needsPassphrase, preview, readBackend, secretInStack } from "./stack";

export interface SetUpOptions {
    folder: string;
    /** Whether a preview ends it. */
    withPreview: boolean;
}

/** @returns the exit code of the preview; 0 without one */
export async function setUp(interview: Interview, { folder, withPreview }: SetUpOptions): Promise<number> {
    // Until the stack is made there is nothing to clean up.
    const asking = onInterrupt(() => undefined);
    const stack = await theStack(interview, folder);
    const { env } = stack;
    refuseMachines(stack.name, stack.given);
    const found = await findHost(interview, {
        host: stack.given.host ?? {},
        zot: stack.given.zot ?? {},
        secret: (name) => secretInStack(folder, stack.name, name, env),
    });
    const known: Known = {
        given: (name) => {
            const [group, key] = name.split(".") as [string, string];
            return stack.given[group]?.[key];
        },
        config: found.config,
        authentikUrl: stack.authentikUrl ?? process.env.AUTHENTIK_URL,
        token: async () => (stack.hasToken ? secretInStack(folder, stack.name, "authentik:token", env) : undefined),
    };
    await decideRegistry(interview, known);
    const token = await decideIdentity(interview, known);
    await decideCaches(interview, known);

    const composed = await compose(interview, folder, stack, found);
    asking.forget();
    const { isChanged } = await applyChange({
        folder,
        stack: stack.name,
        isNew: stack.isNew,
        env,
        secrets: {
            ...found.secrets,
            ...(stack.hasToken && !interview.isAnswered("authentikToken") ? {} : { "authentik:token": token }),
        },
        text: (text) => composedFile(text, composed),
    });
    interview.asker.say(
        isChanged
            ? `Pulumi.${stack.name}.yaml is written${stack.isNew ? `, and the stack ${stack.name} made` : ""}.`
            : `Pulumi.${stack.name}.yaml is as it was.`,
    );
    if (!withPreview) return 0;
    const watching = onInterrupt(() => undefined);
    const code = await preview(folder, stack.name, env).finally(() => watching.forget());
    interview.asker.say(code === 0 ? whatNext(stack.name) : notYet(stack.name));
    return code;
}

/** Refuses a stack with several machines: setup handles one, and would write it beside the list. */
function refuseMachines(stack: string, given: Groups): void {
    if (!hasItems(given.host?.members)) return;
    throw new UserError(
        `Pulumi.${stack}.yaml lists the machines of its registry (host.members), but setup handles only one machine: ` +
            `change the file itself, and then: pulumi preview --stack ${stack}`,
    );
}

const whatNext = (stack: string) =>
    `Nothing is changed yet. To put it into force: pulumi up --stack ${stack}\n` +
    `Who will be able to do what: npm run --silent matrix -- --stack ${stack}`;
const notYet = (stack: string) =>
    `The stack's file is written, but the preview found obstacles. Correct them, and then: pulumi preview --stack ${stack}`;

interface TheStack {
    name: string;
    isNew: boolean;
    /** The content of its file, by group. */
    given: Groups;
    authentikUrl: string | undefined;
    hasToken: boolean;
    /** Environment for Pulumi. */
    env: Record<string, string>;
}

/** The stack, new or existing, and the encryption of its secrets. */
async function theStack(interview: Interview, folder: string): Promise<TheStack> {
    const name = await interview.answer("stack", { fallback: "site" });
    let backend = await readBackend(folder);
    if (backend.url === undefined) {
        await logIn(folder, await interview.answer("backend", { fallback: LOCAL_BACKEND }));
        backend = await readBackend(folder);
    }
    const isNew = !backend.stacks.includes(name);
    const hasFile = existsSync(join(folder, `Pulumi.${name}.yaml`));
    const file = hasFile ? readStack(folder, name) : {};
    const config = isMap(file.config) ? file.config : {};
    const isByPassphrase =
        file.secretsprovider === undefined || file.secretsprovider === "passphrase" || file.secretsprovider === "";
    const env: Record<string, string> = {};
    if (
        needsPassphrase(backend.url ?? "") &&
        isByPassphrase &&
        process.env.PULUMI_CONFIG_PASSPHRASE === undefined &&
        !process.env.PULUMI_CONFIG_PASSPHRASE_FILE
    ) {
        const isKnown = file.encryptionsalt !== undefined;
        env.PULUMI_CONFIG_PASSPHRASE = await interview.answer("passphrase", {
            isConfirmed: !isKnown,
            help: isKnown
                ? "The one with which it was made."
                : "You will need it for every pulumi command: keep it, or set PULUMI_CONFIG_PASSPHRASE.",
        });
    }
    return {
        name,
        isNew,
        given: hasFile ? groupsInStackFile(folder, name) : {},
        authentikUrl: textOf(config["authentik:url"]),
        hasToken: "authentik:token" in config && !isNew,
        env,
    };
}

/** All settings, checked as the program will check them; takes over the rest of the host's config. */
async function compose(
    interview: Interview,
    folder: string,
    { name: stack, given }: TheStack,
    found: FoundHost,
): Promise<{ project: string; stack: string; settings: Groups; authentikUrl: string }> {
    const { facts, zot } = found;
    const onHost: JsonMap = found.config ?? {};
    const config = interview.answers.cacheFolders === "yes" ? withFolders(onHost) : onHost;
    const fromHost = settingsFromHost(facts, zot);
    const ofConfig =
        found.config === undefined ? { settings: new Map<string, unknown>(), untaken: [] } : settingsOfConfig(config);
    const isDeployed = given.host?.address !== undefined;
    if (fromHost.obstacles.length > 0 && !isDeployed) throw new UserError(fromHost.obstacles.join("\n"));
    for (const note of fromHost.notes) interview.asker.say(note);
    for (const { path, onHost, setting, allowed } of ofConfig.untaken)
        interview.asker.say(
            `${path} is ${words(onHost)} on the host, which ${setting} does not accept: give ${allowed}.`,
        );

    const rootDirectory = valueAt(config, ["storage", "rootDirectory"]);
    const places: Groups = {
        zot: {
            configFile: zot.config,
            ...(zot.binary && zot.binaryThere ? { binary: zot.binary } : {}),
            ...(typeof rootDirectory === "string" ? { rootDirectory } : {}),
        },
    };
    await askWhatHostCannotTell(interview, [given, places, fromHost.settings]);

    const { url: authentikUrl, issuer } = identityOf(interview, given, config);
    const answered = settingsOfAnswers(interview.answers);
    // What the stack already sets stays, unless it was answered now.
    const base = merged(asGroups(ofConfig.settings), places, fromHost.settings, given, found.settings, answered, {
        identity: { issuer },
    });
    const project = String(readProject(folder).name);
    const settings = withoutDefaults(base, given);
    const { raw, suggestion } = withScratch(folder, (scratch) => {
        const file = join(scratch, `Pulumi.${stack}.yaml`);
        writeFileSync(file, composedFile("", { project, stack, settings, authentikUrl }));
        const raw = settingsFromStackFile(scratch, stack);
        const suggestion = suggestionFor(config, { raw, given: settings, where: `Pulumi.${stack}.yaml` }, zot.version);
        return { raw, suggestion };
    });
    const lost = isDeployed ? [] : lostSettings(suggestion, isYamlConfig(zot.config ?? ""));
    interview.asker.say(
        takenOverText({ ...suggestion, file: `Pulumi.${stack}.yaml` }, { withMeanings: true }).trimEnd(),
    );
    if (lost.length > 0) await agreeToLoss(interview, lost, suggestion);
    const all = merged(
        settings,
        suggestion.settings,
        lost.length > 0 && interview.answers.drop === "yes" ? { zot: { dropSettings: lost } } : {},
    );
    // The host's key and the token belong to this site: with them, the check is the same as Pulumi's.
    declaredState(
        {
            ...withGroups(raw, merged(all, { host: { privateKey: new SecretText(undefined) } })),
            site: { hasAuthentikUrl: true, hasAuthentikToken: true, sshAgentSocket: undefined },
        },
        `Pulumi.${stack}.yaml`,
    );
    return { project, stack, settings: changedSettings(all, given), authentikUrl };
}

const words = (value: Json) => (typeof value === "object" ? "a list or a map" : JSON.stringify(value));

/** The issuer at the given Authentik: the present one, if it is at that address. */
function identityOf(interview: Interview, given: Groups, config: JsonMap): { url: string; issuer: string } {
    const url = interview.answers.authentikUrl!;
    const before = [given.identity?.issuer, valueAt(config, ["http", "auth", "openid", "providers", "oidc", "issuer"])];
    const slug = String(given.identity?.applicationSlug ?? "zot");
    const issuer = before.find((one) => one === `${url}/application/o/${slug}/`);
    return { url, issuer: String(issuer ?? `${url}/application/o/${slug}/`) };
}

/** @param known known settings; the first one that has a value counts */
async function askWhatHostCannotTell(interview: Interview, known: readonly Groups[]): Promise<void> {
    const first = (group: string, key: string) =>
        known.map((groups) => groups[group]?.[key]).find((value) => value !== undefined);
    for (const name of ["binary", "rootDirectory"] as const)
        if (interview.isAnswered(name) || first("zot", name) === undefined) await interview.answer(name);
    const isByCommand = first("host", "serviceManager") === "command";
    const isWanted = isByCommand && first("host", "restartCommand") === undefined;
    if (interview.isAnswered("restartCommand") || isWanted)
        await interview.answer("restartCommand", {
            help: "No service manager was found that started zot, so the host does not tell.",
        });
}

/** A person has to decide about what the first deployment removes. */
async function agreeToLoss(interview: Interview, lost: readonly string[], { logins }: Suggestion): Promise<void> {
    const what = lost[0] === "*" ? "everything in the config that the settings do not hold" : lost.join(", ");
    const answer = await interview.answer("drop", {
        message: "Continue without what is replaced and not kept?",
        help: `The first pulumi up removes: ${what}.${logins.length > 0 ? " It also ends the logins above." : ""}`,
        fallback: "yes",
        choices: [
            { value: "yes", label: "yes", hint: "it is named in zot.dropSettings" },
            { value: "no", label: "no", hint: "the preview will refuse until you decide" },
        ],
    });
    if (answer === "no") interview.asker.say("Then the preview will name it again, and pulumi up will refuse.");
}

/** A folder with the project's file, for a stack that does not exist yet. */
function withScratch<T>(folder: string, work: (scratch: string) => T): T {
    const scratch = mkdtempSync(join(tmpdir(), "zot-hardening-setup-"));
    try {
        writeFileSync(join(scratch, "Pulumi.yaml"), readFileSync(join(folder, "Pulumi.yaml")));
        return work(scratch);
    } finally {
        rmSync(scratch, { recursive: true, force: true });
    }
}

/** The questions that options answer, with the options' names. */
export const optionsOfQuestions = (Object.keys(questions) as QuestionName[])
    .filter((name) => questions[name].secret === undefined)
    .map((name) => ({ name, option: optionOf(name) }));
