/** The pull-through caches. */

import { digestOf } from "../../../clients/zot/registry";
import type { Check } from "../check";
import type { Context } from "../context";
import { fail, notApplicable, notPossible, type Outcome, pass, Skipped, warning } from "../outcome";
import { parsed } from "../registry";

/** Small public images, by the usual prefixes of caches. */
const SMALL_IMAGES: Record<string, string> = {
    "docker.io": "docker.io/library/hello-world:latest",
    "quay.io": "quay.io/podman/hello:latest",
    "registry.k8s.io": "registry.k8s.io/pause:3.10",
};

/** A first part of a name in the catalog that is certainly the prefix of a cache. */
const WELL_KNOWN = new Set([
    "docker.io",
    "registry-1.docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "registry.k8s.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
    "registry.gitlab.com",
]);

/** Upstream may be far away, and an image is fetched completely before the first answer. In milliseconds. */
const PATIENCE = 120_000;

export const mirrors: Check[] = [
    {
        id: "mirror-push",
        title: "CI cannot push under the prefix of a pull-through cache (403)",
        needs: ["ci"],
        async run(context) {
            const prefixes = await prefixesOf(context);
            const { registry } = await context.ci();
            const open: string[] = [];
            for (const prefix of prefixes) {
                const { granted, answer } = await registry.mayPut(`${prefix}/${context.scratch}`, "v0");
                if (granted) open.push(prefix);
                else if (granted === undefined)
                    throw notPossible(
                        `The probe under ${prefix} was answered with ${answer.status}, ` +
                            "which says nothing about the rights.",
                    );
            }
            const declared = context.subject.ciMayPushToMirrors;
            if (open.length === 0)
                return pass(
                    `Refused under ${prefixes.join(", ")}.${
                        declared ? " By access.ciMayPushToMirrors CI may push there." : ""
                    }`,
                );
            if (declared) return pass(`CI may push under ${open.join(", ")}, as declared (access.ciMayPushToMirrors).`);
            if (!context.subject.mirrors && !open.some((prefix) => WELL_KNOWN.has(prefix))) {
                return warning(
                    `CI may push under ${open.join(", ")}, which look like prefixes of pull-through caches.`,
                    "Name the caches with --mirror PREFIX, or exclude them from the rules for CI.",
                );
            }
            return fail(
                `CI may push under the mirrored prefix ${open.join(", ")}, and so replace upstream's images.`,
                "Give each of these a rule of its own, in which CI has only read: " +
                    `${open.map((prefix) => JSON.stringify(`${prefix}/**`)).join(", ")} (zot.mirrors declares it).`,
            );
        },
    },
    {
        id: "pull-through",
        title: "A pull-through cache fetches, stores and serves",
        needs: [],
        async run(context) {
            const prefixes = await prefixesOf(context);
            if (context.readOnly)
                throw new Skipped(
                    "read-only",
                    "With --read-only nothing is pulled through, because the cache would store it.",
                );
            const isAsked = context.subject.images.length > 0;
            const images = isAsked ? context.subject.images : prefixes.flatMap((prefix) => SMALL_IMAGES[prefix] ?? []);
            // Nothing was requested that could not be done.
            if (images.length === 0)
                throw notApplicable(
                    `No image is known to try ${prefixes.join(", ")} with. ` +
                        `Name an image to pull through, for example --image ${prefixes[0]}/REPOSITORY:TAG.`,
                );
            const outcomes: Outcome[] = [];
            for (const image of images) outcomes.push(await pullThrough(context, image));
            const failed = outcomes.find(({ verdict }) => verdict === "fail");
            const notFetched = outcomes.find(({ verdict }) => verdict === "warning");
            // A requested image could not be checked. If we chose the image, nobody said that it exists.
            if (!failed && notFetched && isAsked) throw notPossible(`${notFetched.meaning} ${notFetched.remedy}`);
            const without = prefixes.filter((prefix) => !images.some((image) => image.startsWith(`${prefix}/`)));
            const untried = without.length > 0 ? ` Not tried: ${without.join(", ")} (--image).` : "";
            const meaning = outcomes.map((outcome) => outcome.meaning).join(" ") + untried;
            return failed ?? (notFetched ? warning(meaning, notFetched.remedy) : pass(meaning));
        },
    },
];

async function prefixesOf(context: Context): Promise<string[]> {
    const prefixes = await context.mirrors();
    if (prefixes.length === 0)
        throw notApplicable(
            context.subject.stack
                ? "The stack declares no pull-through cache."
                : "No pull-through cache is known; name each with --mirror PREFIX.",
        );
    return prefixes;
}

/**
 * Warns if the image does not arrive: from here it is not visible whether upstream has it and answers the host, so the
 * cache itself was not tested.
 */
async function pullThrough(context: Context, image: string): Promise<Outcome> {
    const [, repository, tag] = /^(.+):([^:/]+)$/.exec(image) ?? [];
    if (repository === undefined || tag === undefined)
        throw notPossible(`${image} is not the name of an image; give PREFIX/REPOSITORY:TAG.`);
    const before = await context.anonymous.tags(repository);
    const isNew = !before?.includes(tag);
    // What was not there before is removed again, by a user who may do so.
    if (isNew && context.testUsers) {
        const known = context.pulledThrough.get(repository) ?? new Set();
        context.pulledThrough.set(repository, known.add(tag));
        await context.as("admin");
    }
    const manifest = await context.anonymous.getManifest(repository, tag, PATIENCE);
    if (manifest.status === 401 || manifest.status === 403)
        return fail(`${image} is answered with ${manifest.status}: not everyone may read below the cache's prefix.`);
    if (manifest.status !== 200)
        return warning(
            `${image} is answered with ${manifest.status}: it is not fetched from upstream, so the cache is not tested.`,
            "Look for sync in zot's log: does upstream have this image, and does it answer the host?",
        );
    const broken = await brokenBlob(context, repository, manifest.text);
    if (broken) return fail(`${image} arrives, but ${broken}.`, "Look for sync in zot's log.");
    const stored = await context.anonymous.tags(repository);
    if (!stored?.includes(tag))
        return fail(
            `${image} arrives, but is not stored: its tag is not listed afterwards.`,
            "Check that sync is on demand, and that the host has room left.",
        );
    return pass(
        isNew
            ? `${image} was not there; an anonymous pull fetched, stored and served it.`
            : `${image} is stored already, and served; whether upstream answers was not tested.`,
    );
}

/** What is wrong with the first layer of an image, or of its first platform; undefined if nothing is. */
async function brokenBlob(context: Context, repository: string, text: string): Promise<string | undefined> {
    const manifest = parsed<{ manifests?: { digest: string }[]; layers?: { digest: string; size: number }[] }>({
        text,
    });
    const child = manifest?.manifests?.[0]?.digest;
    if (child) {
        const answer = await context.anonymous.getManifest(repository, child, PATIENCE);
        if (answer.status !== 200) return `its manifest ${child} is answered with ${answer.status}`;
        if (digestOf(answer.text) !== child) return `its manifest ${child} does not match its digest`;
        return brokenBlob(context, repository, answer.text);
    }
    const layer = manifest?.layers?.[0];
    if (!layer) return undefined;
    const answer = await context.anonymous.request("HEAD", `/v2/${repository}/blobs/${layer.digest}`, {
        timeout: PATIENCE,
    });
    return answer.status === 200 ? undefined : `its layer ${layer.digest} is answered with ${answer.status}`;
}
