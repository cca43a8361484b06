import { Control } from "../../../cli/verify/control";
import { Recorder } from "../../../cli/verify/exchanges";
import { Registry } from "../../../cli/verify/registry";
import { outgoing } from "../../../clients/http/outgoing";
import type { SeenRequest } from "../../providers/zot/gate";
import type { Hardened } from "./hardened";

/**
 * From here on a push that `accepts` says yes to overwrites a tag, as former zots let it: an admin does it in the
 * background.
 */
export async function letOverwrite(
    registry: Hardened,
    accepts: (request: SeenRequest, tag: string) => boolean,
): Promise<{ end: () => Promise<void> }> {
    const user = await registry.makeAdmin(`admin-${Math.random().toString(16).slice(2)}`);
    registry.made(`/core/users/${user.pk}/`);
    const session = await registry.logIn(user.username);
    const { key } = await session.createApiKey("old zot", new Date(Date.now() + 600_000));
    await session.end();
    const admin = new Registry(registry.directUrl, "admin", outgoing(), new Recorder(), new Control(), {
        username: user.username,
        key,
    });
    registry.registryGate.before = async (request) => {
        const [, repository, reference] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(request.path) ?? [];
        if (request.method !== "PUT" || repository === undefined || reference === undefined) return undefined;
        const tag = request.query.get("tag") ?? reference;
        const exists = (await admin.tags(repository))?.includes(tag);
        if (!exists || !accepts(request, tag)) return undefined;
        if (!request.headers["content-type"]?.includes("manifest")) return { status: 415 };
        await admin.delete(repository, tag);
        const { status } = await admin.request("PUT", `/v2/${repository}/manifests/${tag}`, {
            headers: { "content-type": request.headers["content-type"] },
            body: request.body,
        });
        return { status };
    };
    return { end: () => admin.request("GET", "/livez").then(() => undefined) };
}
