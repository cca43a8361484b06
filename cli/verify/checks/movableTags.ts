/** Tags that are declared to move beside versions: they can move, and nothing else can. */
import { evaluate } from "../../../components/accessPolicy";
import { nthTag } from "../../../components/settings/tagForms";
import type { Check } from "../check";
import { type Context, ciOf } from "../context";
import { repositoryUnder } from "../names";
import { DEPLOY_AGAIN, fail, notApplicable, notPossible, type Outcome, pass } from "../outcome";
import { newImage, type Registry } from "../registry";

export const movableTags: Check[] = [
    {
        id: "movable-tags",
        title: "CI moves the tags that are declared to move beside versions, and no other ones there",
        needs: ["scratch", "ci"],
        async run(context) {
            if (Object.keys(context.subject.movableTags).length === 0)
                throw notApplicable("No tag is declared to move beside versions.");
            const { registry, username } = await context.as("ci");
            const places = placesOf(context, username);
            if (places.length === 0)
                throw notApplicable("Each of these tags is in a single repository, in which this run pushes nothing.");
            for (const { repository, tag } of places) {
                const outcome = await moves(context, registry, repository, tag, context.newTag());
                if (outcome) return outcome;
            }
            return pass(
                `${places.map(({ repository, tag }) => `${repository}:${tag}`).join(", ")} moved, by the tag and by ` +
                    "a digest with ?tag=; versions beside them stay, and nothing is deleted. Whoever may move tags can " +
                    "make a platform or a signature of a version there unavailable (--integrity looks for that).",
            );
        },
    },
];

/** What differs from the declaration in one repository; undefined if nothing does. */
async function moves(
    context: Context,
    ci: Registry,
    repository: string,
    tag: string,
    version: string,
): Promise<Outcome | undefined> {
    context.willPushTo(repository, tag);
    context.willPushTo(repository, version);
    const first = await ci.push(repository, version, newImage());
    if (first.status !== 201)
        throw notPossible(`CI's push of ${repository}:${version} was answered with ${first.status}.`);
    const byDigest = newImage();
    for (const [how, push] of [
        ["The first push of", () => ci.push(repository, tag, newImage())],
        ["The second push of", () => ci.push(repository, tag, newImage())],
        [
            "A push by digest, with ?tag=, of",
            async () => {
                await ci.pushBlobs(repository, byDigest);
                return ci.putManifest(repository, `${byDigest.digest}?tag=${tag}`, byDigest);
            },
        ],
    ] as const) {
        const { status } = await push();
        if (status !== 201)
            return fail(
                `${how} ${repository}:${tag} was answered with ${status}, but access.movableTags lets CI move it.`,
                DEPLOY_AGAIN,
            );
    }
    for (const reference of [
        version,
        `${byDigest.digest}?tag=${version}`,
        `${byDigest.digest}?tag=${tag}&tag=${version}`,
    ]) {
        const { granted } = await ci.mayPut(repository, reference);
        if (granted)
            return fail(
                `CI may move ${repository}:${version} (tested with ${reference}), which is a version.`,
                DEPLOY_AGAIN,
            );
    }
    const { status } = await ci.delete(repository, tag);
    return status === 202 ? fail(`CI deleted ${repository}:${tag}; only admins may.`) : undefined;
}

/** A repository of this run, and a tag for each declared form, where CI may push. */
function placesOf({ subject, run }: Context, username: string): { repository: string; tag: string }[] {
    const ci = ciOf(subject, username);
    const may = (action: "create" | "update", repository: string, tag: string) =>
        evaluate(subject.policy, ci, action, repository, tag);
    return Object.entries(subject.movableTags).flatMap(([pattern, forms]) => {
        const repository = repositoryUnder(pattern, run);
        if (repository === undefined) return [];
        return forms
            .map((form) => ({ repository, tag: nthTag(form, 1) ?? form }))
            .filter(({ tag }) => may("create", repository, tag) && may("update", repository, tag));
    });
}
