/** Checks every version of a registry, or a sample of them, for missing parts. It reads as anyone may. */
import { UnreachableError } from "../../../clients/http/failures";
import { timeInRepository } from "../names";
import type { Registry } from "../registry";
import { type Looked, type Missing, partsOf, subjectOfTag } from "./parts";
import { Repository, Unread } from "./repository";
import { someRepositories, someVersions, type Version } from "./sample";

/** What to check, and how. */
export interface WalkOptions {
    /** The maximum number of versions. Default: all. */
    sample?: number;
    /** Determines the sample: the same seed gives the same sample of the same registry. */
    seed: string;
    /** Whether a missing signature counts as a missing part; not where tags move. */
    signed: boolean;
    /** Repositories to skip: a pull-through cache would ask upstream about a tag. */
    isCache(repository: string): boolean;
    /** Whether CI may move a tag: that is known to lose parts. */
    movesTag(version: Version): boolean;
    /** Reports progress. */
    progress?(done: number, all: number, at: string): void;
    /** Reports a version with a missing part as soon as it is found. */
    found?(broken: Broken): void;
}

/** A version with its missing parts. */
export interface Broken extends Version {
    digest: string;
    missing: Missing[];
    /** Whether its tag may move. */
    moves: boolean;
}

export interface Walked {
    repositories: number;
    /** How many versions were checked. */
    versions: number;
    /** Whether there are more of them. */
    isSample: boolean;
    broken: Broken[];
    /** Repositories whose signatures and attachments could not be listed. */
    unlisted: string[];
    /** cosign's tags for digests that do not exist: `repository:tag`. */
    leftOver: string[];
    /** Versions that could not be checked, each with the reason. */
    unread: string[];
    passedOver: string[];
}

/** How many repositories, and versions of each, are checked in parallel. */
const AT_ONCE = { repositories: 3, versions: 4 };
/** The missing part of an unsigned version. */
export const NO_SIGNATURE: Missing = { what: "a signature", digest: "", fault: "gone" };

/** @throws UnreachableError if the catalog cannot be read, RunEnded if the run has to end */
export async function walk(registry: Registry, options: WalkOptions): Promise<Walked> {
    const { sample, seed } = options;
    // Another run of this command may remove its repositories meanwhile.
    const all = (await repositoriesOf(registry)).filter((name) => timeInRepository(name) === undefined);
    const walked: Walked = {
        ...{ repositories: 0, versions: 0, isSample: false },
        ...{ broken: [], unlisted: [], leftOver: [], unread: [], passedOver: all.filter(options.isCache) },
    };
    const own = all.filter((repository) => !options.isCache(repository));
    const chosen = someRepositories(own, seed, sample);
    const tags = new Map<string, string[]>();
    await side(AT_ONCE.repositories, chosen, async (name) => {
        options.progress?.(0, 0, `the tags of ${name}`);
        await unlessUnread(walked, name, async () => {
            tags.set(name, await new Repository(registry, name).tags());
        });
    });
    // A tag that belongs to another digest is checked together with that digest.
    const candidates = new Map([...tags].map(([name, own]) => [name, own.filter((tag) => !subjectOfTag(tag))]));
    const versions = someVersions(candidates, seed, sample);
    const known = [...candidates.values()].reduce((sum, { length }) => sum + length, 0);
    walked.isSample = chosen.length < own.length || versions.length < known;
    const byRepository = new Map<string, Version[]>();
    for (const version of versions)
        byRepository.set(version.repository, [...(byRepository.get(version.repository) ?? []), version]);
    walked.repositories = byRepository.size;
    let done = 0;
    await side(AT_ONCE.repositories, [...byRepository], async ([name, some]) => {
        const repository = new Repository(registry, name);
        await side(AT_ONCE.versions, some, async (version) => {
            await unlessUnread(walked, `${name}:${version.tag}`, () => inspect(version, repository));
            options.progress?.(++done, versions.length, `${name}:${version.tag}`);
        });
        if (sample === undefined) await unlessUnread(walked, name, () => leftOvers(repository, tags.get(name)!));
    });
    return walked;

    async function inspect(version: Version, repository: Repository): Promise<void> {
        const moves = options.movesTag(version);
        const missingOf = ({ missing, signatures }: Looked) =>
            options.signed && !moves && signatures === 0 && !missing.some(({ what }) => /signature/.test(what))
                ? [...missing, NO_SIGNATURE]
                : missing;
        let looked = await partsOf(repository, version.tag, new Set(tags.get(version.repository)));
        if (missingOf(looked).length > 0 || !looked.isListed) {
            // Meanwhile tags may be deleted, or moved in channels, so a finding is checked once more.
            const anew = new Repository(registry, version.repository);
            const now = await anew.tags();
            if (!now.includes(version.tag)) return;
            looked = await partsOf(anew, version.tag, new Set(now));
        }
        walked.versions++;
        if (!looked.isListed && !walked.unlisted.includes(version.repository)) walked.unlisted.push(version.repository);
        const missing = missingOf(looked);
        if (missing.length === 0) return;
        const broken = { ...version, digest: looked.digest, missing, moves };
        walked.broken.push(broken);
        options.found?.(broken);
    }

    async function leftOvers(repository: Repository, own: readonly string[]): Promise<void> {
        for (const tag of own) {
            const subject = subjectOfTag(tag);
            if (subject !== undefined && (await repository.manifest(subject)).fault !== undefined)
                walked.leftOver.push(`${repository.name}:${tag}`);
        }
    }
}

/** The catalog. @throws UnreachableError if it is not returned */
async function repositoriesOf(registry: Registry): Promise<string[]> {
    const all = await registry.catalog();
    const { status } = all.length > 0 ? { status: 200 } : await registry.request("GET", "/v2/_catalog");
    if (status === 200) return all;
    throw new UnreachableError(`The registry ${registry.url} answered ${status} to GET /v2/_catalog.`);
}

/** Notes what could not be asked, and continues. */
async function unlessUnread({ unread }: Walked, what: string, work: () => Promise<void>): Promise<void> {
    try {
        await work();
    } catch (error) {
        if (!(error instanceof Unread)) throw error;
        unread.push(`${what}: ${error.message}`);
    }
}

/** Processes items, so many at a time. */
async function side<Item>(atOnce: number, items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
    const rest = items.values();
    const worker = async () => {
        for (const item of rest) await work(item);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
}
