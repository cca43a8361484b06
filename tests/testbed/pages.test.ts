/**
 * What a person plays with: the pages of the stand-ins for zot and Authentik, in a real browser, as `npm run demo --
 * --keep` leaves them. They say who is logged in, and with which groups; a login and a key are a button each.
 */
import { randomBytes } from "node:crypto";
import { type Chromium, launchChromium, type Page, whyNoBrowser } from "../../clients/chromium";
import { RegistryClient } from "../../clients/zot/registry";
import { readMachine, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Hardened, startHardened } from "../cli/verify/hardened";

const { zot, authentik } = readMachine();
const why =
    whyNoBrowser() ??
    (zot.kind === "real" || authentik === "real" ? "the real zot and Authentik have pages of their own" : undefined);

jest.setTimeout(300_000);

(why ? describe.skip : describe)(skippable("the stand-ins' pages in a browser", why), () => {
    let registry: Hardened;
    let chromium: Chromium;
    const person = `person-${randomBytes(3).toString("hex")}`;
    const stranger = `stranger-${randomBytes(3).toString("hex")}`;
    const password = randomBytes(9).toString("base64url");

    beforeAll(async () => {
        registry = await startHardened();
        await registry.makeAdmin(person);
        const { pk } = await registry.authentik.api<{ pk: number }>("POST", "/core/users/", {
            username: stranger,
            name: stranger,
            type: "internal",
            path: "users",
            groups: [],
            attributes: {},
        });
        registry.made(`/core/users/${pk}/`);
        for (const user of [person, stranger]) await registry.authentik.setPassword(user, password);
        chromium = await launchChromium(undefined, { PATH: process.env.PATH, HOME: registry.folder });
    });
    afterAll(async () => {
        await chromium?.close();
        await registry?.stop();
    });

    const complaints: string[] = [];
    async function open(url: string): Promise<Page> {
        const page = await (await chromium.newContext()).newPage();
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(url);
        return page;
    }
    /** What a person reads of it; empty where it is not there, or the page is being loaded. */
    const textOf = (page: Page, selector: string) =>
        page.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`).catch(() => "");
    async function says(page: Page, text: string): Promise<void> {
        const deadline = Date.now() + 60_000;
        while (!(await textOf(page, "body")).includes(text)) {
            if (Date.now() > deadline) throw new Error(`${page.url()} does not say "${text}"`);
            await page.waitForTimeout(50);
        }
    }
    /** Types name and password at Authentik's page. */
    async function logIn(page: Page, user: string): Promise<void> {
        await page.locator("input[name=uidField]").fill(user, { timeout: 60_000 });
        await page.locator("button").first().click();
        await page.locator("input[type=password]").first().fill(password, { timeout: 60_000 });
        await page.locator("button").first().click();
    }

    test("at the registry: the login button leads to Authentik and back, and the key button makes a key that works", async () => {
        const page = await open(registry.registryUrl);
        expect(await textOf(page, "h1")).toBe("You are not logged in");
        await page.locator("button").first().click();
        await logIn(page, person);
        await says(page, `You are logged in as ${person}`);
        expect(await textOf(page, "#groups")).toBe(`Groups, as of this login: ${registry.adminsGroup}`);

        await page.locator("#key").click();
        await says(page, "It is the password of:");
        const made = await textOf(page, "#made");
        const [key] = /zak_\w+/.exec(made)!;
        expect(made).toContain(`-u ${person} ${new URL(registry.registryUrl).host}`);
        const admin = new RegistryClient(registry.registryUrl, { username: person, key });
        expect(await admin.push("pages/app", "v1", "pushed with the key of the page")).toBe(201);

        await page.locator("#logout").click();
        await says(page, "You are not logged in");
        expect(complaints).toEqual([]);
    });

    test("somebody in no group is turned away by Authentik, and is told", async () => {
        const page = await open(registry.registryUrl);
        await page.locator("button").first().click();
        await logIn(page, stranger);
        await says(page, "denied");
        expect(new URL(page.url()).origin).toBe(new URL(registry.authentikGate.url).origin);
    });

    test("at Authentik: who is logged in, the groups, and the applications", async () => {
        const page = await open(registry.authentik.url);
        await logIn(page, person);
        await says(page, `You are logged in as ${person}`);
        expect(await textOf(page, "#groups")).toBe(`Groups: ${registry.adminsGroup}`);
        expect(await textOf(page, "ul")).toContain(registry.clientId);
        await page.locator("button").first().click();
        await says(page, "Username");
        expect(complaints).toEqual([]);
    });
});
