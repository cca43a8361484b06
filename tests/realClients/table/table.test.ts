/**
 * What clients do where tags do not move, workflow by workflow, on the stand-in and on a real zot, over plain http and
 * over TLS: as docs/clients.md has it.
 *
 * `npm run clients` builds those that are not on the PATH, and gives the file for the rows (`CLIENTS_ROWS`).
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { differencesOf, documented, type Row, type Seen } from "../../../testbed/clients/outcomes";
import { type Gate, startGate } from "../../providers/zot/gate";
import { contentOf, noCertificates, selfSigned, signed } from "../../support/certificates";
import { type OciLayout, ociIndex, ociLayout } from "../../support/ociLayout";
import { cleanUp, jsonOf, type RunningZot, type Zot, zots } from "../../testbed/zot/zots";
import { type HardenedRegistry, startHardenedRegistry } from "../registry";
import { artifactClients } from "./artifacts";
import { builders } from "./builders";
import { imageClients } from "./images";
import { cosignClient } from "./signatures";
import { pushLayout } from "./stage";
import { type Place, rowOf, type TableClient, type Workflow } from "./workflow";

jest.setTimeout(300_000);
afterAll(cleanUp);

const document = readFileSync(resolve(__dirname, "../../../docs/clients.md"), "utf8");
const rows = documented(document);
const { CLIENTS_ROWS: rowsFile, CLIENTS_ONLY: only } = process.env;
const tableClients = [...imageClients, ...artifactClients, cosignClient, ...builders].filter(
    ({ name }) => only === undefined || only.split(",").some((part) => name.startsWith(part)),
);
/** By the names that the document has for them, so that each is a test of its own. */
const workflowsOf = (client: string) => rows.filter((row) => row.client === client).map(({ workflow }) => workflow);

/** A registry as a site has it, what is in it before, and a client in front of a gate that notes what is sent. */
async function start(client: TableClient, zot: Zot, transport: Seen["transport"], folder: string) {
    const registry = await startHardenedRegistry(zot, client.extraConfig, {
        channels: ["**/cache", "channels/**"],
        explainRefusals: true,
    });
    const authority = transport === "TLS" ? selfSigned(folder, "authority", "DNS:authority") : undefined;
    const certificate = authority && contentOf(signed(folder, authority, "registry", "IP:127.0.0.1"));
    const gate = await startGate(() => registry.url, certificate);
    const layouts = (make: (folder: string, text: string) => OciLayout) => ({
        one: make(folder, "one"),
        two: make(folder, "two"),
    });
    const place: Place = {
        folder,
        host: new URL(gate.url).host,
        ca: authority?.cert,
        logins: {
            ci: registry.ci,
            admin: registry.admin,
            "dead key": [registry.ci[0], "zak_00000000000000000000000000000000"],
        },
        images: layouts(ociLayout),
        indexes: layouts(ociIndex),
        digest: (repository, tag) => digestIn(registry.zot, repository, tag),
        async referrers(repository, digest) {
            const answer = await registry.zot.request("GET", `/v2/${repository}/referrers/${digest}`);
            return answer.status === 200 ? jsonOf<{ manifests: object[] }>(answer).manifests.length : 0;
        },
    };
    for (const name of ["one", "two"] as const) {
        await pushLayout(registry.zot, "stage/app", name, place.images[name], registry.ci);
        await pushLayout(registry.zot, "stage/app", `index-${name}`, place.indexes[name], registry.ci);
    }
    return { registry, gate, running: await client.start(place) };
}

async function digestIn(zot: RunningZot, repository: string, tag: string): Promise<string | undefined> {
    const headers = {
        Accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*",
    };
    const answer = await zot.request("HEAD", `/v2/${repository}/manifests/${tag}`, { headers });
    return answer.status === 200 ? String(answer.headers["docker-content-digest"]) : undefined;
}

for (const client of tableClients) {
    for (const zot of zots) {
        for (const transport of ["http", "TLS"] as const) {
            const reason = client.missing ?? (transport === "TLS" ? noCertificates : undefined);
            (reason ? describe.skip : describe)(
                skippable(`${client.name}, on ${zot.name}, ${transport}`, reason),
                () => {
                    let registry: HardenedRegistry | undefined;
                    let gate: Gate | undefined;
                    let running: { workflows: Workflow[]; stop(): Promise<void> } | undefined;
                    const folder = mkdtempSync(join(tmpdir(), "zot-client-"));
                    const seen: Seen[] = [];
                    beforeAll(async () => {
                        ({ registry, gate, running } = await start(client, zot, transport, folder));
                    });
                    afterAll(async () => {
                        await running?.stop();
                        await gate?.stop();
                        await registry?.stop();
                        rmSync(folder, { recursive: true, force: true });
                    });
                    const look = async (workflow: Workflow): Promise<Row> => {
                        const writes = () => gate!.requests.filter(({ method }) => !/^(GET|HEAD)$/.test(method)).length;
                        const row = await rowOf(client.name, workflow, writes);
                        seen.push({ ...row, zot: zot.isStandIn ? "stand-in" : "real", transport });
                        if (rowsFile) appendFileSync(rowsFile, `${JSON.stringify(seen.at(-1))}\n`);
                        return row;
                    };

                    for (const name of workflowsOf(client.name))
                        test(name, async () => {
                            const workflow = running!.workflows.find((candidate) => candidate.name === name);
                            if (workflow === undefined)
                                throw new Error(`No test runs what docs/clients.md has: ${name}`);
                            const row = rows.find(
                                (candidate) => candidate.client === client.name && candidate.workflow === name,
                            );
                            expect(await look(workflow)).toEqual(row);
                        });
                    test("the document has every workflow", async () => {
                        const missing = running!.workflows.filter(
                            ({ name }) => !workflowsOf(client.name).includes(name),
                        );
                        for (const workflow of missing) await look(workflow);
                        expect(
                            differencesOf(rows, seen).filter(({ documented: there }) => there === undefined),
                        ).toEqual([]);
                    });
                },
            );
        }
    }
}
