/**
 * The provider's operations over an Authentik: a driver, and a proxy in between that counts what is asked, and fails
 * as a test says. One of each for a file of tests.
 */
import type { PropertyMap } from "../../../providers/protocol";
import { type Backend, startBackend } from "./backend";
import { type Driver, driver } from "./driver";
import { type FaultyProxy, startFaultyProxy } from "./faultyProxy";

export let backend: Backend;
export let proxy: FaultyProxy;
export let authentik: Driver;
/** What every OAuth2 provider names. */
export let flows: { authorizationFlow: string; invalidationFlow: string };

export async function startAuthentik(): Promise<void> {
    backend = await startBackend();
    proxy = await startFaultyProxy(backend.url);
    authentik = await driver(proxy.url, backend.token);
    const [authorization, invalidation] = await Promise.all([
        authentik.invoke("getFlow", { slug: "default-provider-authorization-implicit-consent" }),
        authentik.invoke("getFlow", { slug: "default-provider-invalidation-flow" }),
    ]);
    flows = { authorizationFlow: authorization.id as string, invalidationFlow: invalidation.id as string };
}

/** Removes what a test made, and forgets what was asked and said. */
export async function cleanUp(): Promise<void> {
    proxy.fault = () => undefined;
    await authentik.cleanUp();
    proxy.requests.length = 0;
    authentik.log.length = 0;
}

export async function stopAuthentik(): Promise<void> {
    await proxy?.stop();
    await backend?.stop();
}

/** The bodies of the writes that reached Authentik. */
export const writes = () =>
    proxy.requests
        .filter((request) => request.method !== "GET")
        .map(({ method, path, body }) => ({ method, path, body }));

export const oauth2 = (name: string, more: PropertyMap = {}): PropertyMap => ({
    name,
    clientId: name,
    ...flows,
    allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
    ...more,
});
