/**
 * verify's login with a real browser: Debian's chromium, against the page that Authentik shows it, the stand-in's or
 * the real one's.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { logInWithBrowser } from "../../../cli/verify/browserLogin";
import { Control, RunEnded } from "../../../cli/verify/control";
import { Recorder } from "../../../cli/verify/exchanges";
import type { Report } from "../../../cli/verify/report/report";
import { findChromium, launchChromium, whyNoBrowser } from "../../../clients/chromium";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { type Hardened, startHardened } from "./hardened";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
const program = compiled("cli/verify.ts");
const missing = whyNoBrowser();

jest.setTimeout(300_000);

let registry: Hardened;
beforeAll(async () => {
    registry = await startHardened();
});
afterEach(() => registry.registryGate.reset());
afterAll(() => registry?.stop());

interface Ran {
    code: number | null;
    stdout: string;
    stderr: string;
}

function run(args: string[], environment: NodeJS.ProcessEnv): Promise<Ran> {
    const child = spawn(process.execPath, [program, ...args], {
        cwd: root,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

const checkIn = (ran: Ran) => {
    if (!ran.stdout) throw new Error(ran.stderr);
    return (JSON.parse(ran.stdout) as Report).checks[0]!;
};
const browserOnly = ["--json", "--only", "login-browser"];

/** A file that is there once the package was loaded, by whatever way of loading. */
function watchingLoads(): { environment: NodeJS.ProcessEnv; wasLoaded: () => boolean } {
    const mark = path.join(registry.folder, `loaded-${Math.random()}`);
    const hook = path.join(registry.folder, "hook.cjs");
    writeFileSync(
        hook,
        `const Module = require("node:module"); const { writeFileSync } = require("node:fs");
const load = Module._load;
Module._load = function (request) { if (String(request).includes("playwright")) writeFileSync(process.env.LOADED_MARK, ""); return load.apply(this, arguments); };`,
    );
    return { environment: { NODE_OPTIONS: `--require ${hook}`, LOADED_MARK: mark }, wasLoaded: () => existsSync(mark) };
}

test("without --browser it is told so, and nothing of a browser is loaded", async () => {
    const { environment, wasLoaded } = watchingLoads();
    const ran = await run([...registry.commandLine.args, ...browserOnly], {
        ...registry.commandLine.environment,
        ...environment,
    });
    expect(ran.code).toBe(0);
    expect(checkIn(ran)).toMatchObject({
        verdict: "skipped",
        skipped: "not applicable",
        meaning: expect.stringMatching(/not requested \(--browser\)/),
    });
    expect(wasLoaded()).toBe(false);
});

test("a browser that is not there is told, and the rest goes on", async () => {
    const scratch = path.join(registry.folder, "scratch-without");
    mkdirSync(scratch);
    const ran = await run([...registry.commandLine.args, ...browserOnly, "--browser", "/nonexistent/chromium"], {
        ...registry.commandLine.environment,
        TMPDIR: scratch,
    });
    expect(ran.code).toBe(3);
    expect(checkIn(ran)).toMatchObject({
        verdict: "skipped",
        skipped: "not possible",
        meaning: expect.stringMatching(/There is no program \/nonexistent\/chromium to be started/),
    });
    expect(readdirSync(scratch)).toEqual([]);
    expect(await registry.remains()).toEqual([]);
});

test("a browser by a relative path is where npm was called", async () => {
    const ran = await run([...registry.commandLine.args, ...browserOnly, "--browser", "./chromium"], {
        ...registry.commandLine.environment,
        INIT_CWD: registry.folder,
        npm_package_json: path.join(root, "package.json"),
    });
    expect(checkIn(ran).meaning).toContain(
        `There is no program ${path.join(registry.folder, "chromium")} to be started`,
    );
});

(missing ? describe.skip : describe)(skippable("with a browser", missing), () => {
    const withBrowser = async (...more: string[]) =>
        run([...registry.commandLine.args, ...browserOnly, "--browser", ...more], registry.commandLine.environment);

    test("a person goes from the registry to Authentik and back, and every session is ended", async () => {
        const { environment, wasLoaded } = watchingLoads();
        const scratch = path.join(registry.folder, "scratch");
        mkdirSync(scratch);
        const ran = await run([...registry.commandLine.args, ...browserOnly, "--browser"], {
            ...registry.commandLine.environment,
            ...environment,
            TMPDIR: scratch,
        });
        const check = checkIn(ran);
        expect(check).toMatchObject({
            verdict: "pass",
            meaning: expect.stringMatching(
                /^Chromium \d+\S* went from the registry to Authentik, .*; zot knows the person as zot-hardening-verify-\S+-ci\.$/,
            ),
        });
        expect(ran.code).toBe(0);
        expect(wasLoaded()).toBe(true);
        // Each step by the way, and nothing of what was typed.
        const sent = check.exchanges
            .filter(({ as }) => as === "browser")
            .map(({ sent, received }) => `${sent} ${received}`);
        for (const step of [
            /GET \S+\/zot\/auth\/login\?… 302 to \S+\/application\/o\/authorize\/\?…/,
            /GET \S+\/if\/flow\/default-authentication-flow\/\?… 200/,
            /POST \S+\/api\/v3\/flows\/executor\/default-authentication-flow\/\?…/,
            /GET \S+\/zot\/auth\/callback\/oidc\?… 302/,
        ])
            expect(sent).toContainEqual(expect.stringMatching(step));
        expect(ran.stdout + ran.stderr).not.toMatch(/code=[^…]|zak_[0-9a-f]/);
        // The browser's profile is gone.
        expect(readdirSync(scratch)).toEqual([]);
        expect(await registry.remains()).toEqual([]);
    });

    test("a site that demands a second factor: it goes by the run's own flow", async () => {
        const { api } = registry.authentik;
        const find = async (path: string, name: string) =>
            (await api<{ results: { pk: string; name: string }[] }>("GET", `${path}?name=${name}`)).results.find(
                (item) => item.name === name,
            )!.pk;
        const name = `browser-${registry.clientId}`;
        const flow = await api<{ pk: string; slug: string }>("POST", "/flows/instances/", {
            name,
            slug: name,
            title: name,
            designation: "authentication",
        });
        registry.made(`/flows/instances/${flow.slug}/`);
        const totp = await find("/stages/authenticator/totp/", "default-authenticator-totp-setup");
        const validate = await api<{ pk: string }>("POST", "/stages/authenticator/validate/", {
            name,
            not_configured_action: "configure",
            configuration_stages: [totp],
            device_classes: ["totp"],
        });
        registry.made(`/stages/authenticator/validate/${validate.pk}/`);
        const stages = [
            await find("/stages/identification/", "default-authentication-identification"),
            await find("/stages/password/", "default-authentication-password"),
            validate.pk,
            await find("/stages/user_login/", "default-authentication-login"),
        ];
        for (const [order, stage] of stages.entries())
            await api("POST", "/flows/bindings/", { target: flow.pk, stage, order });
        await api("PATCH", `/providers/oauth2/${registry.provider}/`, { authentication_flow: flow.pk });
        try {
            expect(checkIn(await withBrowser())).toMatchObject({ verdict: "pass" });
        } finally {
            await api("PATCH", `/providers/oauth2/${registry.provider}/`, { authentication_flow: null });
        }
        expect(await registry.remains()).toEqual([]);
    });

    test(
        "a cookie that a proxy drops: the headless login passes by, " + "the browser does not come back logged in",
        async () => {
            registry.registryGate.after = (request, { headers }) => {
                if (request.path === "/zot/auth/callback/oidc" && /Chrom/.test(request.headers["user-agent"] ?? ""))
                    delete headers["set-cookie"];
            };
            const ran = await withBrowser();
            expect(checkIn(ran)).toMatchObject({
                verdict: "fail",
                meaning: expect.stringMatching(/zot takes the person for nobody/),
            });
            expect(ran.code).toBe(1);
        },
    );

    test("a callback that is refused is told, with what the page says", async () => {
        registry.registryGate.before = ({ path: requested, headers }) =>
            requested === "/zot/auth/callback/oidc" && /Chrom/.test(headers["user-agent"] ?? "")
                ? { status: 401, headers: { "content-type": "text/plain" }, body: "failed to exchange token" }
                : undefined;
        expect(checkIn(await withBrowser())).toMatchObject({
            verdict: "fail",
            meaning: expect.stringMatching(
                /got as far as \S+\/zot\/auth\/callback\/oidc\?…, answered with 401: failed to exchange token/,
            ),
        });
    });

    test("an interruption ends it", async () => {
        const chromium = await launchChromium(findChromium(), { PATH: process.env.PATH, HOME: process.env.HOME });
        try {
            const control = new Control();
            control.interrupt("SIGINT");
            const login = {
                registryUrl: registry.registryUrl,
                authentikOrigin: registry.authentik.url,
                username: "nobody",
                password: "none",
                loginFlow: undefined,
            };
            await expect(logInWithBrowser(await chromium.newContext(), login, control, new Recorder())).rejects.toThrow(
                RunEnded,
            );
        } finally {
            await chromium.close();
        }
    });
});
