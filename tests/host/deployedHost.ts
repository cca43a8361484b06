/**
 * A host with a zot, for the tests of a file: set up before the first, stopped after the last; and what they ask of it.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { type Known, OPEN, servedBy } from "../../testbed/faults/watch";

export let host: FaultHost;
export let a: Deployed;
export let b: Deployed;
export let known: Known[];

beforeAll(async () => {
    host = await FaultHost.start();
    a = host.declare("a");
    b = host.declare("b", { zot: { garbageCollectionDelay: "2h", metrics: "anonymous" } });
    known = [a, b, { name: OPEN, config: "" }];
});
afterAll(() => host?.stop());

export const served = () => servedBy(host.url, known);
export const mode = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);
export const read = (file: string) => fs.readFileSync(file, "utf8");
export const deployments = () =>
    fs.readdirSync(join(host.state, "pushes")).sort((left, right) => Number(left) - Number(right));
export const secretFiles = () =>
    fs.readdirSync(host.configFolder).filter((name) => /^(oidc-credentials|session-keys)\./.test(name));
export const starts = () => host.zotLog().match(/"message":"configuration settings"/g)?.length ?? 0;
/** Every secret that a payload holds. */
export const secretsOf = (deployed: Deployed) =>
    deployed.files
        .flatMap(({ content }) => Object.entries(JSON.parse(content) as Record<string, string>))
        .filter(([key]) => key !== "clientid")
        .map(([, value]) => value);

export async function hardened(with_: Deployed = a): Promise<void> {
    await host.issuer.become("ours");
    host.reset(host.openConfig());
    await host.ready();
    expect(await host.deploy(with_)).toMatchObject({ exitCode: 0, output: "deployed\n" });
}

export async function open(extra: Record<string, unknown> = {}): Promise<void> {
    host.reset(host.openConfig(extra));
    await host.ready();
}

/** A zot that calls itself something else. */
export function versioned(of: FaultHost, commit: string | undefined): string {
    const file = join(of.folder, `zot-${commit ?? "unknown"}`);
    const line = commit === undefined ? "{}" : `{"message":"version","commit":"${commit}"}`;
    fs.writeFileSync(
        file,
        `#!/bin/sh\n[ "$1" != --version ] || { echo '${line}'; exit; }\nexec '${of.machine.zot.path}' "$@"\n`,
        { mode: 0o755 },
    );
    return file;
}
