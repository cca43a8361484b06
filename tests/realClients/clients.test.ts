/**
 * The clients that people have, against a registry with the config that the program renders: on the stand-in, and on a
 * real zot where there is one.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type OciLayout, ociLayout } from "../support/ociLayout";
import { cleanUp, jsonOf, zots } from "../testbed/zot/zots";
import { type Client, clients, type Session } from "./clients";
import type { Ran } from "./program";
import { type HardenedRegistry, startHardenedRegistry } from "./registry";

jest.setTimeout(180_000);
afterAll(cleanUp);

const cases = zots.flatMap((zot) =>
    clients.map((client) => ({ name: skippable(`${client.name}, on ${zot.name}`, client.missing), client, zot })),
);

/** What a client said is worth more than its exit code, where that is not as expected. */
function succeeded({ status, said }: Ran): void {
    if (status !== 0) throw new Error(`The client ended with ${status}:\n${said}`);
}

function refused({ status, said }: Ran, saying: RegExp): void {
    expect(said).toMatch(saying);
    expect(status).not.toBe(0);
}

for (const { name, client, zot } of cases) {
    (client.missing ? describe.skip : describe)(name, () => {
        let registry: HardenedRegistry;
        let folder: string;
        let engine: Awaited<ReturnType<Client["start"]>>;
        let anyone: Session;
        let ci: Session;
        let [one, two]: OciLayout[] = [];

        beforeAll(async () => {
            folder = mkdtempSync(join(tmpdir(), "zot-client-"));
            one = ociLayout(folder, "one");
            two = ociLayout(folder, "two");
            registry = await startHardenedRegistry(zot, client.extraConfig);
            engine = await client.start(folder, registry.host);
            anyone = engine.session("anyone");
            ci = engine.session("ci");
            succeeded(await ci.logIn(...registry.ci));
            succeeded(await ci.push(one!, reference("v1")));
        });
        afterAll(async () => {
            await engine?.stop();
            await registry?.stop();
            rmSync(folder, { recursive: true, force: true });
        });

        const reference = (tag: string) => `${registry.host}/ops/hello:${tag}`;
        const digest = async (tag: string) =>
            (await registry.zot.request("HEAD", `/v2/ops/hello/manifests/${tag}`)).headers["docker-content-digest"];

        test("CI's push with the API key is there", async () => {
            expect(await digest("v1")).toMatch(/^sha256:[0-9a-f]{64}$/);
            expect(jsonOf(await registry.zot.request("GET", "/v2/ops/hello/tags/list"))).toMatchObject({
                tags: ["v1"],
            });
        });

        test(
            client.anonymousPull
                ? "a pull without a login is refused by the client itself"
                : "anyone pulls without a login",
            async () => {
                const pulled = await anyone.pull(reference("v1"));
                if (client.anonymousPull) refused(pulled, client.anonymousPull);
                else succeeded(pulled);
            },
        );

        test("CI pulls", async () => {
            succeeded(await ci.pull(reference("v1")));
        });

        test("nobody pushes without a login", async () => {
            refused(await anyone.push(one!, reference("v2")), client.refusedAnonymous);
            expect(await digest("v2")).toBeUndefined();
        });

        test("another image does not take the place of one that is there, and the client says so", async () => {
            const before = await digest("v1");
            refused(await ci.push(two!, reference("v1")), client.refusedOverwrite);
            expect(await digest("v1")).toBe(before);
        });

        test(`the same content again: ${client.sameContent}`, async () => {
            const before = await digest("v1");
            const again = await ci.push(one!, reference("v1"));
            if (client.sameContent === "refused") expect(again.said).toMatch(client.refusedOverwrite);
            expect(again.status === 0).toBe(client.sameContent === "nothing to do");
            expect(await digest("v1")).toBe(before);
        });

        test("a wrong key is told", async () => {
            const wrong = engine.session("wrong");
            const loggedIn = await wrong.logIn(registry.ci[0], "zak_00000000000000000000000000000000");
            const told = client.wrongKey.at === "login" ? loggedIn : await wrong.push(two!, reference("v3"));
            refused(told, client.wrongKey.says);
            expect(await digest("v3")).toBeUndefined();
        });

        test("CI deletes nothing; an admin deletes a tag, and CI may push it again", async () => {
            succeeded(await ci.push(one!, reference("v4")));
            if (ci.remove)
                refused(await ci.remove(reference("v4")), /DENIED.*requested access to the resource is denied/);
            expect(await digest("v4")).toBeDefined();
            const admin = engine.session("admin");
            await admin.logIn(...registry.admin);
            // Clients delete by digest, with which every tag on it goes: v1 is of the same image.
            if (admin.remove) succeeded(await admin.remove(reference("v4")));
            else
                expect(
                    (await registry.zot.request("DELETE", "/v2/ops/hello/manifests/v4", { as: registry.admin })).status,
                ).toBe(202);
            expect(await digest("v4")).toBeUndefined();
            succeeded(await ci.push(two!, reference("v4")));
        });
    });
}

test("no credential is an argument of a client", () => {
    const source = readFileSync(join(__dirname, "clients.ts"), "utf8");
    expect(source).not.toMatch(/--(dest-|src-)?creds|"-p"|"--password"/);
});
