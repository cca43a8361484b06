/**
 * The page on state, followed literally: from the local file to S3 (as moto serves it) and to PostgreSQL, where they
 * are at hand.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { noMoto, startMoto, until } from "../../testbed/site/moto";
import { freePort } from "../../testbed/site/ports";
import { shellBlocks } from "./manual";
import { type Operator, type Ran, type RunOptions, reason, STACK, startOperator } from "./operator";

jest.setTimeout(600_000);

const postgres = findPostgres();
const noS3 = reason ?? noMoto();
const noPostgres = reason ?? (postgres ? undefined : "PostgreSQL's initdb is not installed");

/** The folder of PostgreSQL's programs: on the PATH, or where Debian has them. */
function findPostgres(): string | undefined {
    const folders = [
        ...(process.env.PATH ?? "").split(delimiter),
        ...(existsSync("/usr/lib/postgresql")
            ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
            : []),
    ];
    return folders.find(
        (folder) => folder && ["initdb", "postgres", "pg_isready"].every((name) => existsSync(join(folder, name))),
    );
}

/** As the page has it. */
const LOCKED =
    "error: the stack is currently locked by 1 lock(s). " +
    "Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.";

let operator: Operator;
const type = (block: string, options?: RunOptions): Promise<Ran> => operator.type(block, options);
const servers: ChildProcess[] = [];
let moto: Awaited<ReturnType<typeof startMoto>> | undefined;
const folders: string[] = [];

(reason || (noS3 && noPostgres) ? describe.skip : describe)(
    skippable(
        "the state of a hardened registry",
        reason ?? (noS3 && noPostgres ? `${noS3}; ${noPostgres}` : undefined),
    ),
    () => {
        beforeAll(async () => {
            operator = await startOperator();
            await operator.harden();
        });
        afterAll(async () => {
            await operator?.stop();
            moto?.stop();
            for (const server of servers) {
                const ended = new Promise((resolve) => server.once("exit", resolve));
                server.kill("SIGINT");
                await ended;
            }
            for (const folder of folders) rmSync(folder, { recursive: true, force: true });
        });

        /** For the backend that the stack is in, and the one that it goes to. */
        let env: Record<string, string> = {};

        /** As the page says; then a change from the new place, and two updates at once. */
        async function move(url: string, more: Record<string, string>): Promise<string> {
            env = { ...env, ...more };
            const [block] = shellBlocks("docs/state.md").get("Moving")!;
            const { text } = await type(block!, { replace: { "'s3://BUCKET?region=REGION'": `'${url}'` }, env });
            expect(text).toMatch(/\d+ unchanged/);
            expect(readFileSync(join(operator.folder, "docs/state.md"), "utf8")).toContain(LOCKED);
            expect(text).not.toMatch(/\d+ (changed|created|updated|replaced|to update|to create)/);

            operator.changeSettings({
                zot: {
                    logLevel:
                        (operator.settings().zot as { logLevel?: string }).logLevel === "debug" ? "info" : "debug",
                },
            });
            const both = await Promise.allSettled([1, 2].map(() => type(`pulumi up --stack ${STACK}`, { env })));
            const refused = both.flatMap((ended) =>
                ended.status === "rejected" ? [(ended.reason as Error).message] : [],
            );
            expect(refused).toHaveLength(1);
            await type(`pulumi up --stack ${STACK} --expect-no-changes`, { env });
            return refused[0]!;
        }

        (noS3 ? test.skip : test)(skippable("to S3, as moto serves it", noS3), async () => {
            moto = await startMoto("pulumi-state");
            const keys = {
                AWS_ACCESS_KEY_ID: "test",
                AWS_SECRET_ACCESS_KEY: "canary-of-s3",
                AWS_REGION: "us-east-1",
                AWS_EC2_METADATA_DISABLED: "true",
            };
            const told = await move(
                `s3://pulumi-state?endpoint=${moto.url}&s3ForcePathStyle=true&region=us-east-1`,
                keys,
            );
            expect(told).toContain(LOCKED);
            expect(told).not.toContain("canary-of-s3");
            const listed = await (await fetch(`${moto.url}/pulumi-state?list-type=2`)).text();
            expect(listed).toContain(".pulumi/stacks/zot-hardening/prod.json");
        });

        (noPostgres ? test.skip : test)(skippable("to PostgreSQL", noPostgres), async () => {
            const folder = mkdtempSync(join(tmpdir(), "postgres-"));
            folders.push(folder);
            // It refuses to run as root.
            const nobody = process.getuid!() === 0 ? { uid: 65534, gid: 65534 } : {};
            if ("uid" in nobody) chownSync(folder, 65534, 65534);
            const own = { PATH: process.env.PATH, HOME: folder, LC_ALL: "C" };
            const made = spawnSync(
                join(postgres!, "initdb"),
                ["--pgdata", join(folder, "data"), "--username", "pulumi", "--auth", "trust", "--no-sync"],
                { ...nobody, env: own, cwd: folder, encoding: "utf8" },
            );
            expect(made.stderr + made.stdout).toContain("Success");
            const port = await freePort();
            servers.push(
                spawn(
                    join(postgres!, "postgres"),
                    ["-D", join(folder, "data"), "-h", "127.0.0.1", "-p", String(port), "-k", folder, "-F"],
                    { ...nobody, env: own, cwd: folder, stdio: "ignore" },
                ),
            );
            const url = `postgres://pulumi@127.0.0.1:${port}/postgres?sslmode=disable`;
            await until(
                async () =>
                    spawnSync(join(postgres!, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]).status ===
                    0,
                "PostgreSQL",
            );
            expect(await move(url, {})).toContain(LOCKED);
            expect(readFileSync(operator.stackFile, "utf8")).toContain("encryptionsalt");
        });
    },
);
