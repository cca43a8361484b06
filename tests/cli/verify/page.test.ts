/**
 * verify's report in a real browser: what a reader sees of it, wide and narrow, on paper, in the dark; and that it asks
 * for nothing.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import type { Result } from "../../../cli/verify/outcome";
import { html } from "../../../cli/verify/report/html";
import { reportOf } from "../../../cli/verify/report/report";
import { type Chromium, launchChromium, type Page, whyNoBrowser } from "../../../clients/chromium";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";

const missing = whyNoBrowser();
const LONG = `PUT /v2/zot-hardening-verify/20261123t085813-abcdef/manifests/sha256:${"0123456789abcdef".repeat(4)}?tag=v1 (application/vnd.oci.image.manifest.v1+json, 386 bytes)`;

const result = (id: string, more: Partial<Result>): Result => ({
    id,
    title: `What has to hold of ${id}`,
    verdict: "pass",
    meaning: `What came back, and what it means: ${"words ".repeat(20)}`,
    exchanges: [
        { as: "no group", sent: LONG, received: `403 {"errors":[{"code":"DENIED","message":"${"x".repeat(200)}"}]}` },
    ],
    seconds: 0.1,
    ...more,
});
const results = [
    result("anonymous-pull", {}),
    result("tag-other-content", { verdict: "fail", remedy: "Do this." }),
    result("tag-race", { verdict: "warning" }),
    result("pull-through", { verdict: "skipped", skipped: "not applicable", exchanges: [] }),
    result("nasty", {
        meaning: '<script>document.title="taken over"</script><img src="http://127.0.0.1:9/x" onerror="alert(1)">',
    }),
];
const page = html(
    reportOf(
        {
            subject: "the stack prod",
            registry: "https://registry.example.org",
            readOnly: false,
            started: "2026-11-23T08:58:13Z",
            seconds: 12.3,
            remarks: ["a remark"],
        },
        {
            results,
            cleaning: {
                leftOvers: [],
                removed: ["user zot-hardening-verify-20261123t085813-abcdef-ci in Authentik"],
                left: ["a user: 500"],
            },
            interrupted: false,
        },
    ),
);

jest.setTimeout(120_000);

(missing ? describe.skip : describe)(skippable("the report in a browser", missing), () => {
    let folder: string;
    let chromium: Chromium;
    let address: string;

    beforeAll(async () => {
        folder = mkdtempSync(path.join(tmpdir(), "zot-report-"));
        writeFileSync(path.join(folder, "report.html"), page);
        address = pathToFileURL(path.join(folder, "report.html")).href;
        chromium = await launchChromium(undefined, { PATH: process.env.PATH, HOME: folder });
    });
    afterAll(async () => {
        await chromium?.close();
        rmSync(folder, { recursive: true, force: true });
    });

    const opened = async (options: Parameters<Chromium["newContext"]>[0]) => {
        const tab = await (await chromium.newContext(options)).newPage();
        const requests: string[] = [];
        const complaints: string[] = [];
        tab.on("request", (request) => requests.push(request.url()));
        tab.on("console", (message) => complaints.push(message.text()));
        tab.on("pageerror", (error) => complaints.push(error.message));
        await tab.goto(address, { waitUntil: "load" });
        return { tab, requests, complaints };
    };
    const widths = (tab: Page) =>
        tab.evaluate<[number, number]>("[document.documentElement.scrollWidth, window.innerWidth]");
    const visible = (tab: Page) => tab.evaluate<string>("document.body.innerText");

    test("it asks for nothing, complains of nothing, and shows what there is, failures first", async () => {
        const { tab, requests, complaints } = await opened({ viewport: { width: 1100, height: 900 } });
        expect({ requests, complaints }).toEqual({ requests: [address], complaints: [] });
        expect(await tab.title()).toBe("https://registry.example.org: weakness");
        expect(await tab.evaluate('[...document.querySelectorAll("article")].map(({ id }) => id)')).toEqual([
            "tag-other-content",
            "tag-race",
            "anonymous-pull",
            "nasty",
            "pull-through",
        ]);
        // What failed is open, the rest a click away.
        expect(
            await tab.evaluate(
                '[...document.querySelectorAll("details[open] table")].map((table) => table.rows.length)',
            ),
        ).toEqual([2]);
        await tab.locator("#anonymous-pull summary").click();
        expect(await tab.locator("#anonymous-pull table").isVisible()).toBe(true);
        const text = await visible(tab);
        for (const said of [
            "A weakness was found.",
            "Do this.",
            LONG,
            "a user: 500",
            "user zot-hardening-verify-20261123t085813-abcdef-ci in Authentik",
        ])
            expect(text).toContain(said);
        expect(await tab.evaluate('getComputedStyle(document.querySelector(".verdict.fail")).color')).toBe(
            "rgb(198, 40, 40)",
        );
    });

    test.each([320, 400, 768, 1600])(
        "at %i pixels nothing runs out of the page, with everything open",
        async (width) => {
            const { tab } = await opened({ viewport: { width, height: 800 } });
            await tab.evaluate('document.querySelectorAll("details").forEach((details) => (details.open = true))');
            const [content, window] = await widths(tab);
            expect(content).toBeLessThanOrEqual(window);
            // Words stay whole: the narrowest cell holds who it was.
            const narrowest = await tab.evaluate<number>(
                'Math.min(...[...document.querySelectorAll("td:first-child")].map((cell) => ' +
                    "cell.getBoundingClientRect().width))",
            );
            expect(narrowest).toBeGreaterThan(50);
            const smallest = await tab.evaluate<number>(
                'Math.min(...[...document.querySelectorAll("article *")].map((element) => ' +
                    "parseFloat(getComputedStyle(element).fontSize)))",
            );
            expect(smallest).toBeGreaterThanOrEqual(12);
        },
    );

    test("on paper every request is there, without a click", async () => {
        const { tab } = await opened({ viewport: { width: 1100, height: 900 } });
        await tab.emulateMedia({ media: "print" });
        expect(
            await tab.evaluate(
                '[...document.querySelectorAll("table")].map((table) => table.getBoundingClientRect().height > 20)',
            ),
        ).toEqual([true, true, true, true]);
        const pdf = await tab.pdf({ format: "A4" });
        expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
        const reader = findExecutable("pdftotext");
        if (reader) {
            writeFileSync(path.join(folder, "report.pdf"), pdf);
            const text = execFileSync(reader, [path.join(folder, "report.pdf"), "-"], { encoding: "utf8" }).replace(
                /\s+/g,
                "",
            );
            expect(text.split("nogroup").length - 1).toBe(4);
        }
    });

    test("in the dark it is readable: light on dark", async () => {
        const { tab } = await opened({ viewport: { width: 1100, height: 900 }, colorScheme: "dark" });
        const luminance = (colour: string) =>
            (/\d+/g[Symbol.match](colour) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
        const ink = await tab.evaluate<string>("getComputedStyle(document.body).color");
        expect(luminance(ink)).toBeGreaterThan(600);
        expect(await tab.evaluate('getComputedStyle(document.querySelector(".verdict.fail")).color')).toBe(
            "rgb(255, 123, 114)",
        );
    });
});
