import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { grantedTo } from "../../../clients/authentik/permissions";
import {
    type AuthentikWork,
    dangersOf,
    missingPermissions,
    missingPermissionsMessage,
    type NeededPermission,
    neededPermissions,
    surplusPermissions,
} from "../../../components/authentikPermissions";

const work = (changed: Partial<AuthentikWork> = {}): AuthentikWork => ({
    purpose: "up",
    managesWorkloads: true,
    managesLoginFlow: false,
    mintsKey: true,
    ...changed,
});
const names = (needed: readonly NeededPermission[]) => needed.map(({ permission }) => permission);
const anyWork = fc.record<AuthentikWork>({
    purpose: fc.constantFrom("up", "preview", "refresh"),
    managesWorkloads: fc.boolean(),
    managesLoginFlow: fc.boolean(),
    mintsKey: fc.boolean(),
});

describe("what is needed", () => {
    test("where an administrator keeps the group and the account, no right over groups or other users", () => {
        const needed = neededPermissions(work({ managesWorkloads: false }));
        expect(names(needed).filter((name) => /_(group|user|user_password)$/.test(name))).toEqual([
            "authentik_core.reset_user_password",
            "authentik_core.view_group",
            "authentik_core.view_user",
        ]);
        expect(needed.filter(({ onlyOn }) => onlyOn).map(({ permission }) => permission)).toEqual([
            "authentik_core.reset_user_password",
            "authentik_core.view_user",
        ]);
    });

    test("for an update, what tells whether CI passes a flow that the program does not make", () => {
        const needed = names(neededPermissions(work()));
        expect(needed).toEqual(
            expect.arrayContaining([
                "authentik_flows.view_flowstagebinding",
                "authentik_stages_authenticator_validate.view_authenticatorvalidatestage",
            ]),
        );
        expect(names(neededPermissions(work({ managesLoginFlow: true })))).not.toContain(
            "authentik_stages_authenticator_validate.view_authenticatorvalidatestage",
        );
    });

    test("for a preview the look-ups, and no client secret", () => {
        expect(names(neededPermissions(work({ purpose: "preview" })))).toEqual([
            "authentik_core.view_group",
            "authentik_crypto.view_certificatekeypair",
            "authentik_flows.view_flow",
            "authentik_providers_oauth2.view_scopemapping",
        ]);
    });

    test("for a login flow of CI's own, its parts and the look-up of the password stage", () => {
        const more = names(neededPermissions(work({ managesLoginFlow: true }))).filter(
            (name) => !names(neededPermissions(work())).includes(name),
        );
        // Without the views that a flow of the site's own is looked at by, and with the one of the password stage.
        expect(more).toHaveLength(4 * 5 - 1 - 3 + 1);
        expect(more).toEqual(
            expect.arrayContaining([
                "authentik_policies_expression.add_expressionpolicy",
                "authentik_flows.delete_flowstagebinding",
                "authentik_flows.view_stage",
            ]),
        );
    });

    test(
        "whatever the work: each once, sorted; only an up may write; " +
            "a preview needs no more than a refresh, and a refresh no more than an up",
        () => {
            fc.assert(
                fc.property(anyWork, (one) => {
                    const all = (purpose: AuthentikWork["purpose"]) => names(neededPermissions({ ...one, purpose }));
                    for (const purpose of ["up", "refresh", "preview"] as const)
                        expect(all(purpose)).toEqual([...new Set(all(purpose))].sort());
                    expect(all("up")).toEqual(expect.arrayContaining(all("refresh")));
                    expect(all("refresh")).toEqual(expect.arrayContaining(all("preview")));
                    expect([...all("refresh"), ...all("preview")].filter((name) => !name.includes(".view_"))).toEqual(
                        [],
                    );
                    expect(dangersOf(one).length).toBeGreaterThan(0);
                }),
            );
        },
    );

    test("who may change users, groups or policies' code is called as good as a superuser", () => {
        fc.assert(
            fc.property(anyWork, (one) => {
                const isGrave = names(neededPermissions(one)).some((name) =>
                    /^authentik_core\.(add|change)_(user|group)$|add_expressionpolicy$/.test(name),
                );
                expect(dangersOf(one).some((danger) => danger.includes("as good as a superuser's"))).toBe(isGrave);
            }),
        );
    });
});

describe("what is missing", () => {
    const needed = neededPermissions(work({ managesWorkloads: false }));
    const all = new Set(names(needed));
    const granted = (everywhere: Iterable<string>, more: object = {}) => ({
        username: "pulumi",
        isSuperuser: false,
        everywhere: new Set(everywhere),
        ...more,
    });

    test("nothing for a superuser, or for whoever holds all; one that is left out, by its name", () => {
        expect(missingPermissions(granted([], { isSuperuser: true }), needed)).toEqual([]);
        expect(missingPermissions(granted(all), needed)).toEqual([]);
        for (const { permission, onlyOn } of needed) {
            const lacking = names(missingPermissions(granted([...all].filter((name) => name !== permission)), needed));
            // What is held on one object alone cannot be seen by the token itself.
            expect(lacking).toEqual(onlyOn ? [] : [permission]);
            expect(
                names(
                    missingPermissions(
                        granted(
                            [...all].filter((name) => name !== permission),
                            { onServiceAccount: new Set() },
                        ),
                        needed,
                    ),
                ),
            ).toEqual([permission]);
        }
    });

    test("the message names each, what for, and the remedy", () => {
        const missing = missingPermissions(
            granted(["authentik_core.view_group"], { onServiceAccount: new Set(["authentik_core.view_user"]) }),
            needed,
        );
        expect(missingPermissionsMessage(missing, "pulumi")).toMatch(
            /^The token for Authentik \(of pulumi\) lacks 21 permissions:\n {2}- authentik_core.add_application, for the application\n[\s\S]*authentik_core.reset_user_password on the service account, for logging in[\s\S]*npm run authentik-token/,
        );
        expect(missingPermissionsMessage([], "pulumi")).toBeUndefined();
    });

    test("more than needed, where it is held on every object", () => {
        expect(surplusPermissions(granted([...all, "authentik_core.add_user"]), needed)).toEqual([
            "authentik_core.add_user",
            "authentik_core.reset_user_password",
            "authentik_core.view_user",
        ]);
    });
});

describe("what a token says of itself", () => {
    const answer = async (
        handler: (request: IncomingMessage, response: ServerResponse) => void,
        work: (url: string) => Promise<void>,
    ) => {
        const server = createServer(handler);
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        } finally {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        }
    };

    test("of all its roles, page by page, with the token and the headers in each request", async () => {
        const seen: (string | undefined)[] = [];
        await answer(
            (request, response) => {
                seen.push(`${request.headers.authorization} ${String(request.headers["x-front"])}`);
                const url = new URL(request.url ?? "", "http://x");
                const [role, page] = [url.searchParams.get("role"), url.searchParams.get("page")];
                const body = url.pathname.endsWith("/me/")
                    ? {
                          user: {
                              username: "pulumi",
                              is_superuser: false,
                              roles: [
                                  { pk: "a", name: "a" },
                                  { pk: "b", name: "b" },
                              ],
                          },
                      }
                    : {
                          pagination: { next: role === "a" && page === "1" ? 2 : 0 },
                          results: [{ app_label: "core", codename: `view_${role}${page}` }],
                      };
                response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
            },
            async (url) => {
                const granted = await grantedTo({ url: `${url}/`, token: "t", headers: { "x-front": "f" } });
                expect({ ...granted, everywhere: [...granted.everywhere].sort() }).toEqual({
                    username: "pulumi",
                    isSuperuser: false,
                    everywhere: ["core.view_a1", "core.view_a2", "core.view_b1"],
                });
            },
        );
        expect(seen).toEqual(Array(4).fill("Bearer t f"));
    });

    test("no answer, a refusal and a page of something else are told apart", async () => {
        await expect(grantedTo({ url: "http://127.0.0.1:2", token: "secret" })).rejects.toThrow(
            /Could not read what .*: there was no answer/,
        );
        await answer(
            (_, response) => void response.writeHead(403).end("{}"),
            async (url) =>
                void (await expect(grantedTo({ url, token: "secret" })).rejects.toThrow(
                    /it answered 403 to \/core\/users\/me\//,
                )),
        );
        await answer(
            (_, response) => void response.writeHead(200).end("<html>"),
            async (url) =>
                void (await expect(grantedTo({ url, token: "secret" })).rejects.toThrow(
                    /the answer was not Authentik's/,
                )),
        );
    });
});
