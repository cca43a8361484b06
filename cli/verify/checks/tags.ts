/** Tags that must stay as they are: what CI pushes, and what nobody may overwrite. */
import { evaluate } from "../../../components/accessPolicy";
import { hasTagForm } from "../../../components/settings/tagForms";
import type { Check } from "../check";
import { type Context, ciOf } from "../context";
import { DEPLOY_AGAIN, fail, notApplicable, notPossible, type Outcome, pass, warning } from "../outcome";
import { race } from "../race";
import { type Image, newImage, type Registry, type RegistryAnswer } from "../registry";

const UPDATE_GRANTED = "the right update is granted where it must not be";
const WITHOUT_UPDATE =
    "CI's policies have to have the actions read and create, and no more; " +
    "look at every pattern that matches, and at adminPolicy and defaultPolicy.";

interface Attempt {
    registry: Registry;
    repository: string;
    tag: string;
    /** The image behind the tag. */
    image: Image;
}

/** A check that an existing tag cannot be changed. */
function tagStays(
    id: string,
    title: string,
    tier: "ci" | "admin",
    attempt: (attempt: Attempt) => Promise<RegistryAnswer>,
    whenAccepted: (context: Context, attempt: Attempt) => Promise<Outcome>,
): Check {
    return {
        id,
        title,
        needs: ["scratch", tier],
        async run(context) {
            const { registry } = await context.as(tier);
            const pushed = await context.pushedTag();
            return judged(context, { registry, repository: context.scratch, ...pushed }, attempt, whenAccepted);
        },
    };
}

async function judged(
    context: Context,
    attempt: Attempt,
    send: (attempt: Attempt) => Promise<RegistryAnswer>,
    whenAccepted: (context: Context, attempt: Attempt) => Promise<Outcome>,
): Promise<Outcome> {
    const answer = await send(attempt);
    const now = await digestAt(context, attempt.repository, attempt.tag);
    if (answer.status >= 200 && answer.status < 300) return whenAccepted(context, attempt);
    if (now !== attempt.image.digest)
        return fail(
            `It was answered with ${answer.status}, ` +
                `and yet the tag names ${now ?? "nothing"} now instead of ${attempt.image.digest}.`,
        );
    if (answer.status === 403) return pass("Refused with 403, and the tag still names the same image.");
    return warning(`It was not carried out, but answered with ${answer.status} instead of 403.`);
}

async function digestAt(context: Context, repository: string, tag: string): Promise<string | undefined> {
    const { registry } = await context.as("admin");
    const answer = await registry.request("HEAD", `/v2/${repository}/manifests/${tag}`);
    return answer.status === 200 ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined;
}

const overwritten = async (_context: Context, { tag }: Attempt) =>
    fail(`The tag ${tag} was overwritten: ${UPDATE_GRANTED}, to CI.`, WITHOUT_UPDATE);

/** If a plain overwrite is refused, the rules are not what let this through. */
async function unlessByRules({ registry, repository, tag }: Attempt, otherwise: Outcome): Promise<Outcome> {
    const plain = await registry.mayPut(repository, tag);
    return plain.granted ? fail(`The tag ${tag} was moved: ${UPDATE_GRANTED}, to CI.`, WITHOUT_UPDATE) : otherwise;
}

export const tags: Check[] = [
    {
        id: "api-key-push",
        title: "CI pushes a new tag with an API key",
        needs: ["scratch", "ci"],
        async run(context) {
            const { registry } = await context.as("ci");
            const image = newImage();
            const tag = context.newTag();
            context.willPush();
            const answer = await registry.push(context.scratch, tag, image);
            if (answer.status !== 201)
                return fail(
                    `CI's push of a new tag was answered with ${answer.status}: CI can no longer publish.`,
                    `The group ${context.subject.workloadsGroup} needs read and create for ${context.scratch}; ` +
                        "see groups-mapped.",
                );
            const now = await digestAt(context, context.scratch, tag);
            return now === image.digest
                ? pass("201, and the tag names the pushed image.")
                : fail(`201, and yet the tag names ${now ?? "nothing"}.`);
        },
    },
    {
        id: "existing-tag-probe",
        title: "CI is refused at a tag that exists, asked without storing anything",
        needs: ["ci"],
        async run(context) {
            const { registry } = await context.ci();
            const { repository, tag, digest } = await context.anyTag();
            const byTag = await registry.mayPut(repository, tag);
            const byDigest = await registry.mayPut(repository, `${digest}?tag=${tag}`);
            if (byTag.granted)
                return fail(`CI may overwrite ${repository}:${tag}: ${UPDATE_GRANTED}, to CI.`, WITHOUT_UPDATE);
            if (byDigest.granted)
                return fail(
                    `CI may move ${repository}:${tag} by a digest with ?tag=, as zot before 2.1.19 allows.`,
                    "Upgrade zot to 2.1.19 or newer.",
                );
            if (byTag.granted === undefined || byDigest.granted === undefined)
                throw notPossible(
                    `The probes were answered with ${byTag.answer.status} and ${byDigest.answer.status}, ` +
                        "which says nothing about the rights.",
                );
            return pass("Refused, both by the tag and by a digest with ?tag=.");
        },
    },
    tagStays(
        "tag-other-content",
        "CI cannot overwrite a tag with other content (403)",
        "ci",
        ({ registry, repository, tag }) => registry.push(repository, tag, newImage()),
        overwritten,
    ),
    tagStays(
        "tag-same-content",
        "CI cannot push an existing tag again, not even the very same content (403)",
        "ci",
        ({ registry, repository, tag, image }) => registry.push(repository, tag, image),
        async (_context, { tag }) =>
            fail(`The same image was pushed to ${tag} again: ${UPDATE_GRANTED}, to CI.`, WITHOUT_UPDATE),
    ),
    tagStays(
        "tag-by-digest",
        "CI cannot move a tag by pushing a digest with ?tag= (403)",
        "ci",
        async ({ registry, repository, tag }) => {
            const other = newImage();
            const blobs = await registry.pushBlobs(repository, other);
            return blobs.status === 201 ? registry.putManifest(repository, `${other.digest}?tag=${tag}`, other) : blobs;
        },
        async (_context, attempt) =>
            unlessByRules(
                attempt,
                fail(
                    `A digest moved the tag ${attempt.tag}, which a plain push may not: ` +
                        "this zot is older than 2.1.19, or behaves like it.",
                    "Upgrade zot to 2.1.19 or newer.",
                ),
            ),
    ),
    tagStays(
        "tag-by-own-digest",
        "CI cannot push an existing tag's own digest with ?tag= again (403)",
        "ci",
        ({ registry, repository, tag, image }) => registry.putManifest(repository, `${image.digest}?tag=${tag}`, image),
        async (_context, attempt) =>
            unlessByRules(
                attempt,
                fail(
                    `A digest with ?tag=${attempt.tag} was accepted, although a plain push is refused: ` +
                        "this zot is older than 2.1.19, or behaves like it.",
                    "Upgrade zot to 2.1.19 or newer.",
                ),
            ),
    ),
    {
        id: "tag-latest",
        title: "latest is no exception: CI pushes it once, and not again, other or the same (403)",
        needs: ["scratch", "ci"],
        async run(context) {
            const { registry, username } = await context.as("ci");
            if (evaluate(context.subject.policy, ciOf(context.subject, username), "update", context.scratch, "latest"))
                throw notApplicable("latest is declared to move here (access.movableTags); see movable-tags.");
            const image = newImage();
            context.willPush();
            const first = await registry.push(context.scratch, "latest", image);
            const { tagScheme } = context.subject;
            if (tagScheme.length > 0 && !hasTagForm(tagScheme, "latest")) {
                if (first.status === 403) return pass("Refused with 403: latest has none of the declared forms.");
                return fail(
                    `latest has none of the declared forms, but was answered with ${first.status}.`,
                    DEPLOY_AGAIN,
                );
            }
            if (first.status !== 201)
                throw notPossible(`The first push of latest was answered with ${first.status} (see api-key-push).`);
            const attempt = { registry, repository: context.scratch, tag: "latest", image };
            const whenAccepted = async () => {
                const plain = await registry.mayPut(context.scratch, (await context.pushedTag()).tag);
                if (plain.granted) return fail(`latest was overwritten: ${UPDATE_GRANTED}, to CI.`, WITHOUT_UPDATE);
                return fail(
                    "latest was overwritten, which other tags cannot be: " +
                        "this zot is older than 2.1.15 (CVE-2026-31801), or a rule lets latest move.",
                    "Upgrade zot to 2.1.19 or newer, and look for a condition on latest in the rules.",
                );
            };
            const withOther = await judged(
                context,
                attempt,
                () => registry.push(context.scratch, "latest", newImage()),
                whenAccepted,
            );
            return withOther.verdict === "pass"
                ? judged(context, attempt, () => registry.push(context.scratch, "latest", image), whenAccepted)
                : withOther;
        },
    },
    {
        id: "tag-race",
        title: "How many pushes of one new tag at the same moment are accepted (zot has a race)",
        needs: ["scratch", "ci"],
        run: race,
    },
    {
        id: "ci-delete",
        title: "CI cannot delete a tag or a digest (403)",
        needs: ["scratch", "ci"],
        async run(context) {
            const { registry } = await context.as("ci");
            const { tag, image } = await context.pushedTag();
            for (const reference of [tag, image.digest]) {
                const { status } = await registry.delete(context.scratch, reference);
                if (status === 202)
                    return fail(
                        `CI deleted ${reference === tag ? "a tag" : "a digest"}: ` +
                            "the right delete is granted to CI, " +
                            "with which it replaces a tag by deleting it and pushing it again.",
                        WITHOUT_UPDATE,
                    );
                if (status !== 403) return warning(`It was answered with ${status} instead of 403.`);
            }
            return (await digestAt(context, context.scratch, tag)) === image.digest
                ? pass("Both are refused with 403, and the tag is still there.")
                : fail("Refused, and yet the tag is gone.");
        },
    },
    {
        id: "admin-overwrite",
        title: "An admin overwrites a tag only where that is declared",
        needs: ["scratch", "admin"],
        async run(context) {
            const { registry } = await context.as("admin");
            const { tag, image } = await context.pushedTag();
            const declared = context.subject.adminsMayUpdate;
            const answer = await registry.push(context.scratch, tag, newImage());
            if (answer.status === 201)
                return declared
                    ? pass("201, as declared (access.adminsMayUpdate).")
                    : fail(
                          "An admin overwrote a tag: update is granted to admins, which is not declared.",
                          "Remove update from the admins' policies, or declare it: access.adminsMayUpdate.",
                      );
            if (declared)
                return fail(
                    `It was answered with ${answer.status}, although access.adminsMayUpdate is declared.`,
                    "Deploy the declared config again (pulumi up).",
                );
            return (await digestAt(context, context.scratch, tag)) === image.digest
                ? pass(`Refused with ${answer.status}; an admin can delete a tag and push it again.`)
                : fail("Refused, and yet the tag names something else now.");
        },
    },
    {
        id: "admin-delete",
        title: "An admin deletes a tag (202), and CI may then push it again",
        needs: ["admin"],
        async run(context) {
            const { registry } = await context.as("admin");
            const right = await registry.mayDelete(context.scratch);
            if (right.granted !== true)
                return fail(
                    `Admins may not delete (${right.answer.status}): a bad image cannot be removed.`,
                    `The group ${context.subject.adminsGroup} needs the action delete; see groups-mapped.`,
                );
            const { tag } = await context.pushedTag();
            const answer = await registry.delete(context.scratch, tag);
            if (answer.status !== 202)
                return fail(`The deletion of a tag by an admin was answered with ${answer.status}.`);
            const gone = await registry.getManifest(context.scratch, tag);
            if (gone.status !== 404)
                return fail(`The deletion was answered with 202, but the tag is still answered with ${gone.status}.`);
            const again = await (await context.as("ci")).registry.push(context.scratch, tag, newImage());
            return again.status === 201
                ? pass("202, then 404; and the tag could be pushed again.")
                : warning(`202, then 404; CI's push of that tag afterwards was answered with ${again.status}.`);
        },
    },
];
