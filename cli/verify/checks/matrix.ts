/** The declared access matrix, tested cell by cell with probes that store nothing. */
import { digestOf } from "../../../clients/zot/registry";
import { type Action, ANONYMOUS, evaluate, ruleFor, type Who } from "../../../components/accessPolicy";
import type { Check } from "../check";
import type { Context } from "../context";
import { repositoryUnder } from "../names";
import { fail, notApplicable, pass, Skipped } from "../outcome";
import type { Registry } from "../registry";

interface Person {
    called: string;
    registry: Registry;
    who: Who;
}

/** What is requested, since a condition may depend on it: a list of tags, or a missing tag. */
const REFERENCES: Partial<Record<Action, string>> = { read: "", delete: "absent" };

type Probe = { action: Action; ask: () => ReturnType<Registry["mayRead"]> };

function probesOf(registry: Registry, repository: string, absent: string, isCache: boolean): Probe[] {
    const changes: Probe[] = [
        { action: "create", ask: () => registry.mayPut(repository, absent) },
        { action: "delete", ask: () => registry.mayDelete(repository) },
    ];
    // A cache would ask upstream for what it lacks.
    return isCache ? changes : [{ action: "read", ask: () => registry.mayRead(repository) }, ...changes];
}

export const matrix: Check[] = [
    {
        id: "access-matrix",
        title: "Every pattern gives the rights that are declared for it",
        needs: [],
        async run(context) {
            const { policy } = context.subject;
            const people = await peopleOf(context);
            const caches = await context.mirrors();
            // A scheme of tags does not apply to a digest.
            const absent =
                context.subject.tagScheme.length === 0 ? `absent-${context.run}` : digestOf(`absent ${context.run}`);
            const wrong: string[] = [];
            let asked = 0;
            for (const { pattern } of policy.rules) {
                const repository = repositoryUnder(pattern, context.run) ?? pattern;
                // Another rule may take precedence there.
                if (ruleFor(policy, repository)?.pattern !== pattern) continue;
                const isCache = caches.some((prefix) => repository.startsWith(`${prefix}/`));
                const probes = people.flatMap(({ called, registry, who }) =>
                    probesOf(registry, repository, absent, isCache).map((probe) => ({ called, who, ...probe })),
                );
                for (const { called, who, action, ask } of probes) {
                    const { granted, answer } = await ask();
                    const declared = evaluate(policy, who, action, repository, REFERENCES[action] ?? absent);
                    asked++;
                    if (granted === undefined)
                        wrong.push(`${called}, ${action} on ${pattern}: answered with ${answer.status}`);
                    else if (granted !== declared)
                        wrong.push(`${called} ${granted ? "may" : "may not"} ${action} on ${pattern}`);
                }
            }
            if (asked === 0) throw notApplicable("There is nothing to test.");
            if (wrong.length > 0)
                return fail(
                    `${wrong.length} of ${asked} cells are not as declared: ${wrong.join("; ")}.`,
                    "Deploy the declared config again (pulumi up), and make sure that zot was restarted.",
                );
            return pass(
                `${asked} cells tested, for ${people.map(({ called }) => called).join(", ")}: ` +
                    `read, create and delete on ${policy.rules.length} patterns.`,
            );
        },
    },
];

async function peopleOf(context: Context): Promise<Person[]> {
    const people: Person[] = [{ called: "anonymous", registry: context.anonymous, who: ANONYMOUS }];
    const { workloadsGroup, adminsGroup } = context.subject;
    const groups = { ci: [workloadsGroup], admin: [adminsGroup], groupless: [] as string[] };
    try {
        if (!context.testUsers) {
            const { registry, username } = await context.ci();
            return [...people, { called: "CI", registry, who: { kind: "user", name: username, groups: groups.ci } }];
        }
        for (const tier of ["ci", "admin", "groupless"] as const) {
            const { registry, username } = await context.as(tier);
            people.push({ called: registry.as, registry, who: { kind: "user", name: username, groups: groups[tier] } });
        }
    } catch (error) {
        if (!(error instanceof Skipped)) throw error;
        // Another check reports who cannot log in; the others are tested all the same.
    }
    return people;
}
