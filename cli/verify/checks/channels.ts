/** Declarations besides immutable tags: repositories in which tags move, a scheme of tags, refusals that say why. */
import { evaluate } from "../../../components/accessPolicy";
import { hasTagForm } from "../../../components/settings/tagForms";
import type { Check } from "../check";
import { type Context, ciOf } from "../context";
import { repositoryUnder } from "../names";
import { DEPLOY_AGAIN, fail, notApplicable, pass } from "../outcome";
import { newImage, type Registry, type RegistryAnswer } from "../registry";

export const channels: Check[] = [
    {
        id: "channel-moves",
        title: "CI moves a tag in a channel, and deletes none there",
        needs: ["scratch", "ci"],
        async run(context) {
            if (context.subject.channels.length === 0) throw notApplicable("No channel is declared.");
            const { registry, username } = await context.as("ci");
            const repositories = repositoriesOfChannels(context, username);
            if (repositories.length === 0)
                throw notApplicable("Every channel is a single repository, in which this run pushes nothing.");
            for (const repository of repositories) {
                context.willPushTo(repository, "latest");
                for (const time of ["first", "second"]) {
                    const { status } = await registry.push(repository, "latest", newImage());
                    if (status !== 201)
                        return fail(
                            `The ${time} push of ${repository}:latest was answered with ${status}, ` +
                                "but access.channels lets CI move tags there.",
                            DEPLOY_AGAIN,
                        );
                }
                const { status } = await registry.delete(repository, "latest");
                if (status === 202) return fail(`CI deleted ${repository}:latest; also in channels, only admins may.`);
            }
            return pass(`201 twice, and 403 for the deletion, in ${repositories.join(", ")}.`);
        },
    },
    {
        id: "tag-scheme",
        title: "CI pushes new tags of the declared forms, and no others (403)",
        needs: ["scratch", "ci"],
        async run(context) {
            const { tagScheme } = context.subject;
            if (tagScheme.length === 0) throw notApplicable("No scheme of tags is declared.");
            const other = ["Other", "_other", "0.0.0.0.0"].find((tag) => !hasTagForm(tagScheme, tag));
            if (other === undefined) throw notApplicable("Any tag has one of the declared forms.");
            const { registry } = await context.as("ci");
            const { digest } = newImage();
            const tag = context.newTag();
            const wrong: string[] = [];
            for (const [reference, isOfScheme] of [
                [tag, true],
                [digest, true],
                [`${digest}?tag=${tag}`, true],
                [other, false],
                [`${digest}?tag=${other}`, false],
                [`${digest}?tag=${tag}&tag=${other}`, false],
            ] as const) {
                const { granted, answer } = await registry.mayPut(context.scratch, reference);
                if (granted !== isOfScheme) wrong.push(`${reference} was answered with ${answer.status}`);
            }
            return wrong.length > 0
                ? fail(`CI's tags must be like ${tagScheme.join(" or ")}, but ${wrong.join("; ")}.`, DEPLOY_AGAIN)
                : pass("It holds for pushes by tag, by digest, and by a digest with ?tag=.");
        },
    },
    {
        id: "refusal-reason",
        title: "A refused push and a refused deletion say why",
        needs: ["scratch", "ci"],
        async run(context) {
            if (!context.subject.explainsRefusals) throw notApplicable("access.explainRefusals is off.");
            const { registry } = await context.as("ci");
            const { tag } = await context.pushedTag();
            const refused: [string, RegistryAnswer][] = [
                ["a push to a tag that exists", (await registry.mayPut(context.scratch, tag)).answer],
                ["a deletion", await refusedDeletion(registry, context.scratch)],
            ];
            const silent = refused.filter(([, answer]) => reasonOf(answer) === undefined);
            return silent.length > 0
                ? fail(`zot gave no reason for refusing ${silent.map(([what]) => what).join(" and ")}.`, DEPLOY_AGAIN)
                : pass(refused.map(([what, answer]) => `${what}: ${reasonOf(answer)}`).join("; "));
        },
    },
];

const refusedDeletion = async (registry: Registry, repository: string) => (await registry.mayDelete(repository)).answer;

/** Why zot refused, as it says in the body of a 403; undefined if it gives no reason. */
function reasonOf({ status, text }: RegistryAnswer): string | undefined {
    if (status !== 403) return undefined;
    try {
        const { errors } = JSON.parse(text) as { errors?: { detail?: { reason?: unknown } }[] };
        const reason = errors?.[0]?.detail?.reason;
        return typeof reason === "string" && reason !== "" ? reason : undefined;
    } catch {
        return undefined;
    }
}

/** One repository of this run for each channel to which CI may push. */
function repositoriesOfChannels({ subject, run }: Context, username: string): string[] {
    const ci = ciOf(subject, username);
    const found = subject.channels.flatMap((pattern) => repositoryUnder(pattern, run) ?? []);
    return [...new Set(found)].filter((repository) => evaluate(subject.policy, ci, "create", repository, "latest"));
}
