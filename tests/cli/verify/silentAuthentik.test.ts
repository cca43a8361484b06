/** verify where Authentik takes connections and never answers: it is waited for once, and the rest is told at once. */
import { ANSWER_LIMIT } from "../../../clients/http/request";
import { type Hardened, startHardened } from "./hardened";

jest.setTimeout(300_000);

let registry: Hardened;
beforeAll(async () => {
    registry = await startHardened();
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => registry?.stop());

/** What a silent Authentik is asked for from the `after`th request that `silentAt` is about; each wait is over at once. */
function silence(silentAt = /./): string[] {
    const origins = [registry.authentik.url, registry.issuer].map((url) => new URL(url).origin);
    const asked: string[] = [];
    const send = globalThis.fetch;
    let isSilent = false;
    jest.spyOn(globalThis, "fetch").mockImplementation((target, request) => {
        const url = new URL(String(target));
        isSilent ||= origins.includes(url.origin) && silentAt.test(`${request?.method} ${url.pathname}`);
        if (!origins.includes(url.origin) || !isSilent) return send(target, request);
        asked.push(url.pathname);
        return Promise.reject(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    });
    return asked;
}

const reason = `Authentik at .* gave no answer to GET /api/v3/core/users/ within ${ANSWER_LIMIT / 1000} seconds`;

test("from the start: nothing is asked but the first look, and every check that needs it says why", async () => {
    const asked = silence();
    const { checks } = await registry.verify({ authentikUrl: new URL(registry.issuer).origin });
    expect([...new Set(asked)].sort()).toEqual(["/api/v3/admin/version/", "/api/v3/core/users/"]);
    const verdictOf = (id: string) => checks.find((check) => check.id === id)!;
    for (const id of ["login-start", "login-ci", "login-admin", "ci-member", "login-unbound", "logged-in-read"])
        expect(verdictOf(id)).toMatchObject({
            verdict: "skipped",
            skipped: "not possible",
            meaning: expect.stringMatching(new RegExp(`^Not carried out: .*${reason}`)),
        });
    expect(verdictOf("keys-on-record").meaning).toMatch(new RegExp(reason));
    // What needs no Authentik is carried out.
    expect(verdictOf("anonymous-catalog").verdict).toBe("pass");
});

test("with --read-only, whether CI's account is in its group is not known, and not called absent", async () => {
    silence();
    const { checks } = await registry.verify({ readOnly: true, only: ["ci-member"] });
    expect(checks).toMatchObject([
        {
            verdict: "skipped",
            skipped: "not possible",
            meaning: expect.stringMatching(/gave no answer to GET .* within 30 seconds/),
        },
    ]);
});

test("in the midst of a run: what is to be removed is tried once, and all of it is named", async () => {
    const asked = silence(/^POST \/api\/v3\/policies\/bindings\/$/);
    const { checks, cleaning } = await registry.verify({ only: ["login-ci", "login-unbound", "groups-mapped"] });
    jest.restoreAllMocks();
    expect(checks.map(({ verdict }) => verdict)).toEqual(["pass", "skipped", "skipped"]);
    expect(asked.filter((path) => path.endsWith("/core/users/"))).not.toEqual([]);
    expect(cleaning.left).toEqual([
        expect.stringMatching(/^the users zot-hardening-verify-.* in Authentik: Authentik at/),
    ]);
    for (const user of (
        await registry.authentik.api<{ results: { pk: number; username: string }[] }>(
            "GET",
            "/core/users/?search=zot-hardening-verify&page_size=100",
        )
    ).results)
        await registry.authentik.api("DELETE", `/core/users/${user.pk}/`);
    expect(await registry.remains()).toEqual([]);
});
