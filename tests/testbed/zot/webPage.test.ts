/** The page that the stand-in for zot has for a browser: who is logged in, with which groups, and two buttons. */
import { Browser, type NewKey, person, provider, providerForAll, startWithLogin } from "./logins";
import { jsonOf, RunningZot, zots } from "./zots";

jest.setTimeout(60_000);

providerForAll();

const standIn = zots.find(({ isStandIn }) => isStandIn)!;
const extensions = { search: { enable: true }, ui: { enable: true } };

describe("the page of the stand-in for zot", () => {
    let server: RunningZot;
    beforeAll(async () => {
        server = await startWithLogin(standIn, provider, { auth: { apikey: true }, more: { extensions } });
    });

    test("without a login it says so, and has a button that leads to the provider and back to it", async () => {
        const page = (await new Browser().request("GET", `${server.url}/`)).body.toString();
        expect(page).toContain("<h1>You are not logged in</h1>");
        expect(page).toContain('action="/zot/auth/login"');
        expect(page).toContain('name="provider" value="oidc"');
        expect(page).not.toContain('id="key"');
    });

    test("after a login it names the user and the groups of it, and makes a key by its button's call", async () => {
        await provider.becomes(person("alice", "admins", "<b>"));
        const browser = new Browser();
        await browser.login(server);
        const page = (await browser.request("GET", `${server.url}/`)).body.toString();
        expect(page).toContain("<h1>You are logged in as alice</h1>");
        expect(page).toContain("Groups, as of this login: &#60;b&#62;, admins");
        expect(page).toContain('<button id="key">');
        // As the script of the page calls, with what it sends.
        const [, sent] = /JSON\.stringify\(\{ label: "([^"]+)", expirationDate: expires \}\)/.exec(page)!;
        const expirationDate = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, "");
        const made = await browser.page(server, "POST", "/zot/auth/apikey", { label: sent, expirationDate });
        expect(made.status).toBe(201);
        expect(jsonOf<NewKey>(made).apiKey).toMatch(/^zak_/);
        await browser.page(server, "POST", "/zot/auth/logout");
        const after = (await browser.request("GET", `${server.url}/`)).body.toString();
        expect(after).toContain("You are not logged in");
    });

    test("a registry without logins says that it knows none, and other paths are none", async () => {
        const open = await RunningZot.start(standIn, () => ({ extensions }));
        const page = (await new Browser().request("GET", `${open.url}/`)).body.toString();
        expect(page).toContain("This registry knows no logins.");
        expect((await new Browser().request("GET", `${open.url}/nothing`)).status).toBe(404);
    });
});
