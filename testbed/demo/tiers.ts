/** The tiers of access, seen over HTTP: before, while the registry is hardened, and afterwards. */
import { RegistryClient, type RegistryCredentials } from "../../clients/zot/registry";
import { ZotSession } from "../../clients/zot/session";
import type { Site } from "../site";
import type { Show } from "./show";

export const REPOSITORY = "demo/hello";

export async function walkOpen(show: Show, site: Site): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("before: anyone pushes a tag", 201, await anyone.push(REPOSITORY, "v1.0.0", "first"));
    show.step("before: anyone overwrites it", 201, await anyone.push(REPOSITORY, "v1.0.0", "second"));
}

export async function walkTiers(show: Show, site: Site, credentials: RegistryCredentials): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("anyone pulls", 200, await anyone.pull(REPOSITORY, "v1.0.0"));
    show.step("anyone pushes", 401, await anyone.push(REPOSITORY, "v1.1.0", "anonymous"));

    const ci = new RegistryClient(site.registryUrl, credentials);
    show.step(
        "CI pushes a new tag, with the key of the stack's output",
        201,
        await ci.push(REPOSITORY, "v1.1.0", "by CI"),
    );
    show.step("CI overwrites it", 403, await ci.push(REPOSITORY, "v1.1.0", "by CI, again"));
    show.step("CI pushes the very same again", 403, await ci.push(REPOSITORY, "v1.1.0", "by CI"));
    show.step("CI deletes it", 403, await ci.delete(REPOSITORY, "v1.1.0"));
    await asUser(site, site.authentik.adminUser, async (admin) => {
        show.step("an admin overwrites it", 403, await admin.push(REPOSITORY, "v1.1.0", "by an admin"));
        show.step("an admin deletes it", 202, await admin.delete(REPOSITORY, "v1.1.0"));
    });
}

export async function walkAfterDestroy(show: Show, site: Site): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("what is left: anyone pulls", 200, await anyone.pull(REPOSITORY, "v1.0.0"));
    show.step("what is left: nobody pushes", 401, await anyone.push(REPOSITORY, "v1.2.0", "anonymous"));
}

/** Logs in as a user through Authentik, works with a key of a few minutes, and revokes it. */
async function asUser(site: Site, username: string, work: (registry: RegistryClient) => Promise<void>): Promise<void> {
    const session = await ZotSession.login(
        site.registryUrl,
        { username, password: await site.authentik.appPassword(username) },
        { identityProvider: [site.issuer] },
    );
    try {
        const { key, record } = await session.createApiKey("demo", new Date(Date.now() + 5 * 60_000));
        await work(new RegistryClient(site.registryUrl, { username, key }));
        await session.revokeApiKey(record.uuid);
    } finally {
        await session.end();
    }
}
