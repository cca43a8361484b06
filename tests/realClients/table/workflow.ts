/** A workflow of a client: what it runs, and what is written down of it. */
import type { Row } from "../../../testbed/clients/outcomes";
import type { OciLayout } from "../../support/ociLayout";
import type { Ran } from "../program";

export interface Workflow {
    name: string;
    run(): Promise<Ran>;
    /** What a job that runs again does: the same, where nothing is said; null: nothing that says more. */
    again?: (() => Promise<Ran>) | null;
    /** It writes nothing where it does what it is for. */
    reads?: boolean;
    /** What is to be seen where nothing was refused. */
    seen?(): Promise<string>;
}

export const WHO = ["ci", "admin", "anyone", "dead key"] as const;
export type Who = (typeof WHO)[number];

/** Where a client is run. */
export interface Place {
    /** Goes afterwards. */
    folder: string;
    /** Host and port of the registry. */
    host: string;
    /** The file of the authority whose certificate it has; undefined: plain http. */
    ca: string | undefined;
    logins: Record<Exclude<Who, "anyone">, [user: string, key: string]>;
    /** Images, which are in `stage/app` by these names too; and what is of two platforms. */
    images: Record<"one" | "two", OciLayout>;
    indexes: Record<"one" | "two", OciLayout>;
    /** What a tag is on; undefined where it is not there. */
    digest(repository: string, tag: string): Promise<string | undefined>;
    /** How many manifests name one as their subject. */
    referrers(repository: string, digest: string): Promise<number>;
}

/** A client as it is asked for the table. */
export interface TableClient {
    /** As docs/clients.md has it. */
    name: string;
    /** Why it cannot be run here. */
    missing: string | undefined;
    /** Of the site's own config of zot. */
    extraConfig?: Record<string, unknown>;
    start(place: Place): Promise<{ workflows: Workflow[]; stop(): Promise<void> }>;
}

/** What was said, in the words that it is known by. */
const WORDS: [RegExp, string][] = [
    [/this tag exists|CI may not delete|has to look like|may not push to this repository/, "the reason"],
    [/requested access to the resource is denied/i, "`requested access to the resource is denied`"],
    [/invalid username\/password/, "`invalid username/password`"],
    [/no basic auth credentials/, "`no basic auth credentials`"],
    [/basic credential not found/, "`basic credential not found`"],
    [/authentication required/i, "`authentication required`"],
    [/\b403\b|Forbidden/i, "`403 Forbidden`"],
    [/\b401\b|Unauthorized/i, "`401 Unauthorized`"],
];

function saidIn({ said }: Ran): string {
    const known = WORDS.find(([pattern]) => pattern.test(said));
    if (known) return known[1];
    const last = said.trim().split("\n").at(-1) ?? "";
    return `\`${last
        .replace(/127\.0\.0\.1:\d+/g, "REGISTRY")
        .replace(/[0-9a-f]{64}/g, "…")
        .replace(/[|`]/g, "")
        .slice(-120)}\``;
}

/** @param writes how many requests that write have been sent so far */
export async function rowOf(client: string, workflow: Workflow, writes: () => number): Promise<Row> {
    const once = async (run: () => Promise<Ran>) => {
        const before = writes();
        const ran = await run();
        return { ran, sent: writes() > before };
    };
    const first = await once(workflow.run);
    const done = first.ran.status === 0;
    const row = { client, workflow: workflow.name };
    const outcome = done
        ? first.sent || workflow.reads
            ? "done"
            : "done, sends nothing"
        : `**exit ${first.ran.status}**`;
    if (!done) return { ...row, outcome, again: "–", says: saidIn(first.ran) };
    if (workflow.again === null) return { ...row, outcome, again: "–", says: (await workflow.seen?.()) ?? "–" };
    const second = await once(workflow.again ?? workflow.run);
    if (second.ran.status !== 0)
        return { ...row, outcome, again: `**exit ${second.ran.status}**`, says: saidIn(second.ran) };
    const again = second.sent || workflow.reads ? "safe" : "safe, sends nothing";
    return { ...row, outcome, again, says: (await workflow.seen?.()) ?? "–" };
}

/** What each client is asked that pushes to a tag and pulls from one. */
export interface Common {
    /** `content` is `one` or `two`, under a tag of `repository`. */
    push(who: Who, content: "one" | "two", repository: string, tag: string): Promise<Ran>;
    pull?(who: Who, repository: string, tag: string): Promise<Ran>;
    remove?(who: Who, repository: string, tag: string): Promise<Ran>;
}

export function commonWorkflows(
    { digest }: Place,
    { push, pull, remove }: Common,
    { app = "app", tag = (number: number) => `v${number}`, channel = "channels/app" as string | false } = {},
): Workflow[] {
    const deletions: Workflow[] = remove
        ? [
              { name: "delete a tag, as CI", run: () => remove("ci", app, tag(1)), again: null },
              {
                  name: "delete one of two tags of an image, as an admin",
                  async run() {
                      for (const number of [4, 5]) {
                          const pushed = await push("ci", "one", "doomed", tag(number));
                          if (pushed.status !== 0) return pushed;
                      }
                      return remove("admin", "doomed", tag(4));
                  },
                  again: null,
                  seen: async () =>
                      (await digest("doomed", tag(5))) === undefined
                          ? "the other tag is gone too"
                          : "the other tag stays",
              },
          ]
        : [];
    return [
        { name: "push a version", run: () => push("ci", "one", app, tag(1)) },
        { name: "push other content to its tag", run: () => push("ci", "two", app, tag(1)), again: null },
        ...(channel === false
            ? []
            : [
                  {
                      name: "fill a channel, then move it",
                      run: () => push("ci", "one", channel, "latest"),
                      again: () => push("ci", "two", channel, "latest"),
                  },
              ]),
        { name: "push without a login", run: () => push("anyone", "one", app, tag(2)), again: null },
        { name: "push with a dead key", run: () => push("dead key", "one", app, tag(2)), again: null },
        ...(pull === undefined
            ? []
            : [
                  { name: "pull without a login", run: () => pull("anyone", app, tag(1)), again: null, reads: true },
                  { name: "pull with a dead key", run: () => pull("dead key", app, tag(1)), again: null, reads: true },
              ]),
        ...deletions,
    ];
}
