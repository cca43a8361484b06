/** What a check has to work with. */

import type { Transport } from "../../clients/http/outgoing";
import { sendOne } from "../../clients/http/request";
import { KeyHolder } from "../../clients/zot/apiKeys";
import { evaluate, type Who } from "../../components/accessPolicy";
import { nthTag } from "../../components/settings/tagForms";
import { CircuitBreaker } from "./circuitBreaker";
import { type Control, RunEnded } from "./control";
import type { Recorder } from "./exchanges";
import type { WalkOptions } from "./integrity/walk";
import { isLeftOver, newRunId, PREFIX, repositoryUnder, timeInRepository } from "./names";
import { messageOf, notApplicable, notPossible, Skipped } from "./outcome";
import { type Image, newImage, Registry } from "./registry";
import type { Subject } from "./subject";
import type { Tier } from "./testAccounts";
import { type TestUser, TestUsers, tierNames } from "./testUsers";

/** What a check cannot do without. If it is missing, the check is skipped with the reason. */
export type Need =
    /** The possibility to log in as users made for this run: an API token of Authentik, and no --read-only. */
    | "test users"
    /** Someone with CI's rights: a user made for this run, or CI's own API key. */
    | "ci"
    /** A user made for this run in the group of the admins. */
    | "admin"
    /** A user made for this run in no group. */
    | "groupless"
    /** A repository to push to, and an admin who can remove what was pushed. */
    | "scratch";

/** The parts of a walk through versions that a run decides. */
export type VersionWalk = Omit<WalkOptions, "isCache" | "movesTag">;

export class Context {
    readonly run = newRunId(new Date());
    readonly anonymous: Registry;
    /** Absent if no user may be made, or none can be. */
    readonly testUsers: TestUsers | undefined;
    /** The repository of this run. */
    readonly scratch: string;
    /** Whether anything was pushed, or an attempt was made. */
    private touched = false;
    /** Repositories with tags that a cache stored because of this run. */
    readonly pulledThrough = new Map<string, Set<string>>();
    /** Every request to Authentik goes through it. */
    readonly breaker = new CircuitBreaker();
    /** Which versions are checked. Default: a few, and different ones each time. */
    readonly walk: VersionWalk;

    constructor(
        readonly subject: Subject,
        readonly readOnly: boolean,
        readonly transport: Transport,
        readonly recorder: Recorder,
        readonly control: Control,
        walk?: VersionWalk,
    ) {
        this.walk = walk ?? { sample: 20, seed: this.run, signed: false };
        this.anonymous = new Registry(subject.registryUrl, "anonymous", transport, recorder, control);
        this.testUsers =
            !readOnly && subject.authentik
                ? new TestUsers(subject, this.run, transport, recorder, control, subject.authentik)
                : undefined;
        this.scratch = scratchRepository(subject, this.run);
    }

    /** @throws Skipped if something is missing that a check needs */
    async meet(needs: readonly Need[]): Promise<void> {
        for (const need of needs) {
            switch (need) {
                case "test users":
                    this.testUsersOrSkip();
                    break;
                case "ci":
                    await this.ci();
                    break;
                case "admin":
                case "groupless":
                    await this.as(need);
                    break;
                case "scratch":
                    await this.removable();
                    break;
            }
        }
    }

    testUsersOrSkip(): TestUsers {
        if (this.readOnly) throw new Skipped("read-only", "With --read-only no user is made and nothing is stored.");
        if (!this.testUsers) throw notPossible(this.subject.withoutAuthentik);
        return this.testUsers;
    }

    async as(tier: Tier): Promise<TestUser> {
        const testUsers = this.testUsersOrSkip();
        try {
            return await this.breaker.run(() => testUsers.as(tier));
        } catch (error) {
            if (error instanceof Skipped || error instanceof RunEnded) throw error;
            throw notPossible(`Nobody could be logged in as ${tierNames[tier]}: ${messageOf(error)}`);
        }
    }

    /** Someone with CI's rights: a user of this run, or the holder of CI's own key. */
    async ci(): Promise<{ registry: Registry; username: string }> {
        const { ciKey: key, ciUser: username, registryUrl } = this.subject;
        if (this.testUsers) return this.as("ci");
        if (key)
            return {
                username,
                registry: new Registry(registryUrl, `CI (${username})`, this.transport, this.recorder, this.control, {
                    username,
                    key,
                }),
            };
        if (this.readOnly)
            throw new Skipped(
                "read-only",
                "With --read-only this needs CI's own key: " +
                    "the stack's output ciApiKey, or ZOT_CI_API_KEY in the environment.",
            );
        throw notPossible(this.subject.withoutAuthentik);
    }

    /** CI's own keys, listed with its own key. */
    ciKeys(): KeyHolder | undefined {
        const { ciKey, ciUser, registryUrl } = this.subject;
        return ciKey === undefined ? undefined : new KeyHolder(this.transport, registryUrl, ciUser, ciKey);
    }

    private removableSeen = false;
    /** Ensures that whatever is pushed can be removed again. */
    private async removable(): Promise<void> {
        if (this.removableSeen) return;
        const admin = await this.as("admin");
        if ((await admin.registry.unrecorded().mayDelete(this.scratch)).granted !== true)
            throw notPossible(
                "Nothing is pushed, for the admin of this run could not remove it again (see admin-delete).",
            );
        this.removableSeen = true;
    }

    /** A new tag with a new image, pushed by CI; by the admin if CI may not. */
    async pushedTag(): Promise<{ tag: string; image: Image }> {
        await this.removable();
        const tag = this.newTag();
        const image = newImage();
        const statuses: number[] = [];
        for (const tier of ["ci", "admin"] as const) {
            const { registry } = await this.as(tier);
            this.touched = true;
            const { status } = await registry.push(this.scratch, tag, image);
            if (status === 201) return { tag, image };
            statuses.push(status);
        }
        throw notPossible(
            `There is no tag to try it on: CI's push was answered ${statuses[0]}, ` +
                `the admin's ${statuses[1]} (see api-key-push).`,
        );
    }

    /** Call this before something is pushed to the scratch repository. */
    willPush(): void {
        this.touched = true;
    }

    private tags = 0;
    /** A tag that was not pushed before, in a form that CI may push. */
    newTag(): string {
        const { tagScheme } = this.subject;
        const n = ++this.tags;
        if (tagScheme.length === 0) return `v${n}`;
        const [tag] = tagScheme.flatMap((form) => nthTag(form, n) ?? []);
        if (tag === undefined)
            throw notPossible(
                `The tags that CI may push are ${tagScheme.join(" and ")} alone, and no form for others.`,
            );
        return tag;
    }

    /** What was pushed outside of this run's repository: tags by repository. */
    private readonly pushedBeside = new Map<string, Set<string>>();
    /** Call this before a tag is pushed outside of this run's repository: it is removed at the end. */
    willPushTo(repository: string, tag: string): void {
        this.pushedBeside.set(repository, (this.pushedBeside.get(repository) ?? new Set()).add(tag));
    }

    /** Any existing tag: one of this run or, if nothing is pushed, one that anyone can see. */
    async anyTag(): Promise<{ repository: string; tag: string; digest: string }> {
        let without = notApplicable("There is no image here yet that anyone may read, and none is pushed.");
        if (this.testUsers) {
            try {
                const { tag, image } = await this.pushedTag();
                return { repository: this.scratch, tag, digest: image.digest };
            } catch (error) {
                if (!(error instanceof Skipped)) throw error;
                without = error;
            }
        }
        const reader = this.anonymous.unrecorded();
        for (const repository of (await reader.catalog()).slice(0, 50)) {
            const [tag] = (await reader.tags(repository)) ?? [];
            // A cache would ask upstream, and store what has changed there.
            if (tag === undefined || (await this.mirrors()).some((prefix) => repository.startsWith(`${prefix}/`)))
                continue;
            if (evaluate(this.subject.policy, ciOf(this.subject), "update", repository, tag)) continue;
            const digest = (await reader.request("HEAD", `/v2/${repository}/manifests/${tag}`)).headers.get(
                "docker-content-digest",
            );
            if (digest) return { repository, tag, digest };
        }
        throw without;
    }

    private guessedMirrors: string[] | undefined;
    /**
     * The prefixes of the pull-through caches. If none are declared: those in the catalog that look like the name of a
     * host.
     */
    async mirrors(): Promise<string[]> {
        if (this.subject.mirrors) return this.subject.mirrors;
        const repositories = this.guessedMirrors ? [] : await this.anonymous.unrecorded().catalog();
        this.guessedMirrors ??= [
            ...new Set(
                repositories
                    .map((repository) => repository.split("/")[0]!)
                    .filter((part) => /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/.test(part)),
            ),
        ].sort();
        return this.guessedMirrors;
    }

    /** Removes what an interrupted run left behind, and returns what it was. */
    async removeLeftOvers(): Promise<string[]> {
        const { testUsers } = this;
        if (!testUsers) return [];
        const removed = await this.breaker.run(() => testUsers.removeLeftOvers(new Date()));
        const old = (await this.anonymous.unrecorded().catalog()).filter((repository) =>
            isLeftOver(timeInRepository(repository), new Date()),
        );
        for (const repository of old) {
            const tags = (await this.anonymous.unrecorded().tags(repository)) ?? [];
            if (tags.length === 0) continue;
            const admin = (await this.as("admin")).registry.unrecorded();
            for (const tag of tags)
                if ((await admin.delete(repository, tag)).status === 202) removed.push(`${repository}:${tag}`);
        }
        return removed;
    }

    /** Removes everything of this run. It tries each part, whatever happened before. */
    async cleanUp(): Promise<{ removed: string[]; left: string[] }> {
        this.control.startCleaning();
        const removed: string[] = [];
        const left: string[] = [];
        const { testUsers } = this;
        if (!testUsers) return { removed, left };
        const attempt = async (what: string, work: () => Promise<unknown>) => {
            try {
                await work();
            } catch (error) {
                left.push(`${what}: ${messageOf(error)}`);
            }
        };
        const made = await testUsers.made();
        const admin = made.find(({ tier }) => tier === "admin")?.registry.unrecorded();
        if (admin && this.touched)
            await attempt(`tags of ${this.scratch}`, () => removeTags(admin, this.scratch, undefined, removed, left));
        for (const [repository, tags] of this.pushedBeside) {
            if (admin) await attempt(`tags of ${repository}`, () => removeTags(admin, repository, tags, removed, left));
        }
        for (const [repository, references] of this.pulledThrough) {
            if (admin)
                await attempt(`what was pulled through into ${repository}`, () =>
                    removeTags(admin, repository, references, removed, left),
                );
        }
        for (const { username, keys, keyUuid } of made) {
            await attempt(
                `API keys of ${username} at the registry, which end by themselves within 15 minutes`,
                async () => {
                    const records = await keys.list();
                    // The key in use goes last.
                    for (const { uuid } of records.filter((record) => record.uuid !== keyUuid)) await keys.revoke(uuid);
                    await keys.revoke(keyUuid);
                    removed.push(`${records.length} API key${records.length === 1 ? "" : "s"} of ${username}`);
                },
            );
        }
        removed.push(...(await testUsers.remove((what, error) => left.push(`${what}: ${messageOf(error)}`))));
        return { removed, left };
    }

    /** Whether the registry answers at all. */
    async reach(): Promise<void> {
        await sendOne(this.transport, `${this.subject.registryUrl}/v2/`);
    }
}

async function removeTags(
    admin: Registry,
    repository: string,
    only: Set<string> | undefined,
    removed: string[],
    left: string[],
): Promise<void> {
    const there = await admin.tags(repository);
    // Only existing tags are removed: if a repository has nothing, zot answers a deletion with 400.
    const present = only && there ? there.filter((tag) => only.has(tag)) : (only ?? there ?? []);
    for (const reference of present) {
        const { status } = await admin.delete(repository, reference);
        if (status === 202 || status === 404) removed.push(`${repository}:${reference}`);
        else left.push(`${repository}:${reference}: the registry answered ${status} to its deletion`);
    }
    for (const tag of (await admin.tags(repository)) ?? [])
        if (!only || only.has(tag)) left.push(`${repository}:${tag} is still there`);
}

/** Somebody with CI's rights. */
/**
 * CI, as the subject of questions to a policy.
 *
 * @param name the account that acts as CI. Default: its own
 */
export const ciOf = ({ ciUser, workloadsGroup }: Subject, name = ciUser): Who => ({
    kind: "user",
    name,
    groups: [workloadsGroup],
});

/** A repository to which CI may push and in which no tag moves, according to the declaration. */
function scratchRepository(subject: Subject, run: string): string {
    const usual = `${PREFIX}/${run}`;
    const ci = ciOf(subject);
    // In the form that newTag() uses: tags of other forms may move beside versions.
    const [version = "v1"] = subject.tagScheme.flatMap((form) => nthTag(form, 1) ?? []);
    const may = (action: "create" | "update", repository: string) =>
        evaluate(subject.policy, ci, action, repository, version);
    const candidates = [usual, ...subject.ciRepositories.flatMap((pattern) => repositoryUnder(pattern, run) ?? [])];
    return candidates.find((repository) => may("create", repository) && !may("update", repository)) ?? usual;
}
