/**
 * The race of zot 2.1.20: it checks whether a tag exists before it reads the body. If several pushes send their headers
 * first and their bodies a moment later, all of them are accepted, and the last one wins.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "./context";
import { fail, notPossible, type Outcome, pass, warning } from "./outcome";
import { type Image, MANIFEST_TYPE, newImage, type Registry } from "./registry";

const PUSHES = 5;
/** Between headers and bodies, in milliseconds. */
const PAUSE = 500;
const PLAIN = "zot checks the tag before it reads the body";

export async function race(context: Context): Promise<Outcome> {
    const { registry } = await context.as("ci");
    const tag = context.newTag();
    const images = Array.from({ length: PUSHES }, newImage);
    context.willPush();
    const silent = registry.unrecorded();
    for (const image of images)
        if ((await silent.pushBlobs(context.scratch, image)).status !== 201)
            throw notPossible("The layers could not be uploaded (see api-key-push).");

    context.control.check();
    const started = images.map((image) => heldPush(registry, context.scratch, tag, image));
    await sleep(PAUSE);
    for (const push of started) push.finish();
    const statuses = await Promise.all(started.map((push) => push.status));
    registry.record(
        "PUT",
        `/v2/${context.scratch}/manifests/${tag}`,
        { "content-type": MANIFEST_TYPE },
        undefined,
        `${statuses.join(", ")} to ${PUSHES} at once, headers first and bodies ${PAUSE} ms later`,
    );

    const accepted = statuses.filter((status) => status === 201).length;
    const kept = (await Promise.all(images.map((image) => silent.getManifest(context.scratch, image.digest)))).filter(
        ({ status }) => status === 200,
    ).length;
    const measured =
        `${accepted} of ${PUSHES} pushes of one new tag were accepted, ` +
        `and ${kept} of their images can be pulled by digest afterwards`;
    if (accepted > 1) {
        return warning(
            `${measured}: ${PLAIN}, so whoever may create can hold a push open and so replace a tag that was ` +
                "pushed meanwhile. Immutability holds against everyone who pushes as clients do, and not against this.",
            "A reverse proxy that reads a whole request before it passes it on narrows it to milliseconds. " +
                "Pull by digest where it matters.",
        );
    }
    if (accepted === 1)
        return pass(
            `${measured}: what is in front of zot reads a request whole before it passes it on, ` +
                "which narrows the race of zot 2.1.20 to milliseconds. It does not close it.",
        );
    return fail(`None of ${PUSHES} pushes of a new tag was accepted (${statuses.join(", ")}).`);
}

/** A push that has sent its headers and delays its body. */
function heldPush(
    registry: Registry,
    repository: string,
    tag: string,
    image: Image,
): { finish: () => void; status: Promise<number> } {
    const url = new URL(`/v2/${repository}/manifests/${tag}`, registry.url);
    const headers = {
        ...registry.credentials,
        "content-type": MANIFEST_TYPE,
        "content-length": Buffer.byteLength(image.manifest),
    };
    const outgoing = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
        method: "PUT",
        headers,
        agent: false,
        timeout: 30_000,
    });
    const status = new Promise<number>((resolve) => {
        outgoing.on("response", (incoming) => {
            incoming.resume();
            resolve(incoming.statusCode ?? 0);
        });
        outgoing.on("timeout", () => outgoing.destroy());
        // No answer does not count as success.
        outgoing.on("error", () => resolve(0));
    });
    outgoing.flushHeaders();
    return { finish: () => void outgoing.end(image.manifest), status };
}
