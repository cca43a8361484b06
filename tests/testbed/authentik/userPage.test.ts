/** The page that the stand-in for Authentik has for a browser at its address. */
import { type AuthentikStandIn, startAuthentikStandIn } from "../../../testbed/authentik/server";
import { call, Visitor } from "./target";

jest.setTimeout(60_000);

const token = "a token for this test only";
let standIn: AuthentikStandIn;
beforeAll(async () => {
    standIn = await startAuthentikStandIn({ token });
});
afterAll(() => standIn.close());

const next = `next=${encodeURIComponent("/if/user/")}`;
const api = (method: string, path: string, json?: unknown) =>
    call(`${standIn.url}/api/v3${path}`, { method, json, headers: { authorization: `Bearer ${token}` } });

test("without a login it leads to the login, and after that to who is logged in, with the groups", async () => {
    const visitor = new Visitor(standIn.url);
    expect((await visitor.go("/")).headers.location).toBe("/if/user/");
    const login = String((await visitor.go("/if/user/")).headers.location);
    expect(login).toBe(`/if/flow/default-authentication-flow/?${next}`);

    const { body: group } = await api("POST", "/core/groups/", { name: "admins & co" });
    const { body: user } = await api("POST", "/core/users/", {
        username: "alice",
        name: "Alice",
        type: "internal",
        path: "users",
        groups: [group.pk],
        attributes: {},
    });
    await api("POST", `/core/users/${user.pk}/set_password/`, { password: "a long password" });
    const { body: open } = await api("POST", "/core/applications/", {
        name: "Registry",
        slug: "registry",
        meta_launch_url: "https://registry.example.org",
    });
    const { body: closed } = await api("POST", "/core/applications/", { name: "Closed", slug: "closed" });
    const { body: others } = await api("POST", "/core/groups/", { name: "others" });
    await api("POST", "/policies/bindings/", { target: closed.pk, group: others.pk, order: 0 });
    expect(open.slug).toBe("registry");

    // As the page of the flow goes on: to what is behind "next".
    const done = await visitor.logIn("alice", "a long password", next);
    expect(done.body).toEqual({ component: "xak-flow-redirect", to: "/if/user/" });
    const { text } = await visitor.go("/if/user/");
    expect(text).toContain("<h1>You are logged in as alice</h1>");
    expect(text).toContain("Groups: admins &#38; co<");
    expect(text).toContain('<a href="https://registry.example.org">Registry</a>');
    expect(text).not.toContain("Closed");
    expect(text).toContain('<form action="/if/flow/default-invalidation-flow/">');

    await visitor.flow("default-invalidation-flow");
    expect((await visitor.go("/if/user/")).headers.location).toBe(login);
});
