/** What a request costs a registry with the program's config, beside one that has neither logins nor rights. */
import { randomBytes } from "node:crypto";
import { RegistryClient } from "../../clients/zot/registry";
import { type Comparison, compared, inTurn } from "./comparison";
import { FIRST_TAG, MANIFEST_TYPE, manifestOf, PULLED, pushFirst } from "./images";
import { CI, type Origin, type Registry, type ShapeName, startRegistries } from "./registries";
import { type Answered, answered, type Sent } from "./requests";

type Operation = "pull" | "pull by key" | "push by key" | "push";
type Series = `${ShapeName}: ${Operation}`;

/** How many requests a series has. */
const REQUESTS: Record<Operation, number> = { pull: 1200, "pull by key": 600, "push by key": 150, push: 150 };

/** What is compared with what, by which operations. */
const ROWS: { name: string; other: string; ours: Series; theirs: Series }[] = [
    ...(["pull", "pull by key", "push by key"] as const).map((operation) => ({
        name: operation,
        other: operation === "push by key" ? "a bare zot's push" : "a bare zot's pull",
        ours: `the program's: ${operation}` as const,
        theirs: `bare: ${operation === "push by key" ? "push" : "pull"}` as const,
    })),
    ...rows("1000 rules", "one rule", ["pull", "pull by key", "push by key"]),
    ...rows("100 keys", "the program's", ["pull by key", "push by key"], "one key"),
    ...rows("500 keys", "the program's", ["pull by key", "push by key"], "one key"),
    ...rows("a tag scheme", "the program's", ["pull by key", "push by key"], "without"),
    ...rows("movable tags", "the program's", ["pull by key", "push by key"], "without"),
];

function rows(shape: ShapeName, beside: ShapeName, operations: Operation[], other: string = beside) {
    return operations.map((operation) => ({
        name: `${operation}, ${shape}`,
        other,
        ours: `${shape}: ${operation}` as const,
        theirs: `${beside}: ${operation}` as const,
    }));
}

/** The image that is pulled has to be there. The site's zot stands still meanwhile. */
export async function measureRegistry(
    origin: Origin,
    runs: number,
    say: (text: string) => void,
): Promise<Comparison[]> {
    const { site, key } = origin;
    say("registry: starting zots over copies of one storage");
    site.zot.stop();
    try {
        const registries = await startRegistries(origin);
        try {
            const names = [...new Set(ROWS.flatMap(({ ours, theirs }) => [ours, theirs]))];
            const work = Object.fromEntries(names.map((name) => [name, seriesOf(name, registries.of, key)]));
            return comparisonsOf(await inTurn(runs, work, (text) => say(`registry: ${text}`)));
        } finally {
            registries.stop();
        }
    } finally {
        await site.zot.restart();
    }
}

function seriesOf(name: Series, registries: Record<ShapeName, Registry>, key: string): () => Promise<Answered> {
    const [shape, operation] = name.split(": ") as [ShapeName, Operation];
    const { url, pid } = registries[shape];
    const isAnonymous = operation === "pull" || operation === "push";
    const credentials = isAnonymous ? undefined : { username: CI, key };
    const headers: Record<string, string> = isAnonymous
        ? {}
        : { authorization: `Basic ${Buffer.from(`${CI}:${key}`).toString("base64")}` };
    if (operation === "pull" || operation === "pull by key") {
        const path = `/v2/${PULLED}/manifests/${FIRST_TAG}`;
        const sent: Sent = { method: "GET", path, headers: { ...headers, accept: MANIFEST_TYPE }, status: 200 };
        return () => answered(url, pid, REQUESTS[operation], () => sent);
    }
    return async () => {
        // A new one each time: what a push costs grows with the tags of its repository.
        const repository = `team-0/${randomBytes(6).toString("hex")}`;
        await pushFirst(new RegistryClient(url, credentials), repository);
        return answered(url, pid, REQUESTS[operation], (index) => ({
            method: "PUT",
            path: `/v2/${repository}/manifests/v1.1.${index}`,
            headers: { ...headers, "content-type": MANIFEST_TYPE },
            body: manifestOf(index),
            status: 201,
        }));
    };
}

/** For each row the time that zot had on a processor for a request, where that is known, and its requests a second. */
export function comparisonsOf(results: Partial<Record<Series, Answered[]>>): Comparison[] {
    return ROWS.flatMap(({ name, other, ours, theirs }) => {
        const runs = (figure: (one: Answered) => number) => ({
            ours: results[ours]!.map(figure),
            other: results[theirs]!.map(figure),
        });
        const isKnown = [...results[ours]!, ...results[theirs]!].every((one) => one.processorSeconds !== undefined);
        const processor = runs(({ processorSeconds, requests }) => (processorSeconds! * 1000) / requests);
        return [
            ...(isKnown ? [compared(name, other, processor, { unit: "ms" })] : []),
            compared(
                name,
                other,
                runs(({ requests, seconds }) => requests / seconds),
                { unit: "/s" },
            ),
        ];
    });
}
