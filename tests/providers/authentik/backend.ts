/**
 * The Authentik that the tests run against: the real one of AUTHENTIK_URL and AUTHENTIK_TOKEN, otherwise the stand-in.
 */
import { randomBytes } from "node:crypto";
import { startAuthentikStandIn } from "../../../testbed/authentik/server";

export interface Backend {
    url: string;
    token: string;
    isReal: boolean;
    stop(): Promise<void>;
}

const { AUTHENTIK_URL: realUrl, AUTHENTIK_TOKEN: realToken } = process.env;

export const backendName = realUrl && realToken ? `the real Authentik at ${realUrl}` : "the stand-in for Authentik";

export async function startBackend(): Promise<Backend> {
    if (realUrl && realToken) return { url: realUrl, token: realToken, isReal: true, stop: () => Promise.resolve() };
    const token = randomBytes(16).toString("hex");
    const standIn = await startAuthentikStandIn({ token, version: "2026.5.0-rc1" });
    return { url: standIn.url, token, isReal: false, stop: () => standIn.close() };
}

/** A name that no other run uses, so that the tests can share a server. */
export const uniqueName = (word: string) =>
    `test-${word}-${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 6)}`;

/** A request of a test's own: a change by hand, or a look at what is there. */
export async function api(
    backend: Pick<Backend, "url" | "token">,
    method: string,
    resource: string,
    body?: unknown,
): Promise<{ status: number; body: any }> {
    const response = await fetch(`${backend.url}/api/v3${resource}`, {
        method,
        headers: {
            authorization: `Bearer ${backend.token}`,
            "content-type": "application/json",
            accept: "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
}
