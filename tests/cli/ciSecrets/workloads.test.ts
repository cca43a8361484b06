/** npm run ci-secrets for one of several identities of CI, and for all of them, on files. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

let folder: string;
const KEYS = { ci: `zak_${"a".repeat(32)}`, charts: `zak_${"b".repeat(32)}`, base: `zak_${"c".repeat(32)}` };
const EXPIRES = "2999-01-01T00:00:00Z";

beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-workload-secrets-"));
    fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    const identity = (name: string) => ({ user: `zot-${name}`, group: `${name}-ci`, repositories: [`${name}/**`] });
    const config = {
        "zot-hardening:ciSecrets": { store: "dotenv", file: path.join(folder, "ci.env") },
        "zot-hardening:ci": {
            workloads: {
                charts: {
                    ...identity("charts"),
                    secrets: {
                        file: path.join(folder, "charts.env"),
                        names: { ciApiKey: "CHARTS_KEY", ciUserName: "CHARTS_USER" },
                    },
                },
                base: identity("base"),
            },
        },
    };
    fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), stringify({ config }));
    const own = (name: string) => ({ ciUserName: `zot-${name}`, ciApiKeyExpires: EXPIRES, ciApiKeyUuid: name });
    const outputs = {
        registryUrl: "https://registry.example.org",
        ciUserName: "zot-ci",
        ciApiKey: KEYS.ci,
        ciApiKeyExpires: EXPIRES,
        workloads: { charts: own("charts"), base: own("base") },
        workloadApiKeys: { charts: KEYS.charts, base: KEYS.base },
    };
    fs.mkdirSync(path.join(folder, "bin"));
    fs.writeFileSync(
        path.join(folder, "bin", "pulumi"),
        `#!/bin/sh\ncat <<'JSON'\n${JSON.stringify(outputs)}\nJSON\n`,
        {
            mode: 0o755,
        },
    );
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function ciSecrets(...args: string[]) {
    const ran = spawnSync(process.execPath, [compiled("cli/ci-secrets.ts"), "--stack", "prod", ...args], {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: `${path.join(folder, "bin")}:${process.env.PATH}` },
    });
    for (const key of Object.values(KEYS)) expect(ran.stdout + ran.stderr).not.toContain(key);
    return ran;
}
const text = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");
const isThere = (file: string) => fs.existsSync(path.join(folder, file));

test("one: its own key, where its own settings say, over what all share", () => {
    expect(ciSecrets("--workload", "charts").status).toBe(0);
    expect(text("charts.env")).toContain(`CHARTS_KEY=${KEYS.charts}`);
    expect(text("charts.env")).toContain("CHARTS_USER=zot-charts");
    expect(isThere("ci.env")).toBe(false);
});

test("one without a place: nothing is written, and what is missing is said; options may say it", () => {
    const { status, stderr } = ciSecrets("--workload", "base");
    expect([status, stderr]).toEqual([1, expect.stringContaining("there is no store")]);
    expect(ciSecrets("--workload", "base", "--store", "json", "--file", path.join(folder, "base.json")).status).toBe(0);
    expect(JSON.parse(text("base.json"))).toEqual({ ZOT_CI_API_KEY: KEYS.base });
});

test("all: each that has a place, and a report of each", () => {
    const { status, stdout } = ciSecrets("--all", "--json");
    expect(status).toBe(0);
    expect(Object.keys((JSON.parse(stdout) as { workloads: object }).workloads)).toEqual(["ci", "charts"]);
    expect(text("ci.env")).toContain(`ZOT_CI_API_KEY=${KEYS.ci}`);
});

test("a name that is none, and options that --all cannot have, are refused", () => {
    expect(ciSecrets("--workload", "chart").stderr).toContain("there are ci, charts, base");
    expect(ciSecrets("--all", "--file", "x").status).toBe(2);
    expect(ciSecrets("--all", "--workload", "charts").status).toBe(2);
});
