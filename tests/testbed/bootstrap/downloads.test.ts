import { execFileSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { scratchFolder } from "./scratch";

interface Origins {
    pulumi: string;
    github: string;
}
interface Limits {
    answerMilliseconds: number;
    stallMilliseconds: number;
}
interface Source {
    archive: string;
    checksums: string[];
}
const downloads = require("../../../testbed/bootstrap/downloads.cjs") as {
    checksumIn(list: string, name: string): string | undefined;
    download(source: Source, folder: string, options: { log: string; strip?: number; limits?: Limits }): Promise<void>;
    pluginSource(name: string, version: string, architecture: string, origins?: Origins): Source;
    pulumiSource(version: string, origins?: Origins): Source;
    whyUnreachable(origins: Origins, limits?: Limits): Promise<string | undefined>;
};

/** An origin on loopback whose answers are given by path. */
async function origin(answer: (url: string, response: http.ServerResponse) => void): Promise<{ url: string; close(): Promise<void> }> {
    const server = http.createServer((request, response) => answer(request.url ?? "", response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () =>
            new Promise((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
    for (const close of closers.splice(0)) await close();
});
async function serve(answer: (url: string, response: http.ServerResponse) => void): Promise<string> {
    const { url, close } = await origin(answer);
    closers.push(close);
    return url;
}

function archive(): Buffer {
    const folder = scratchFolder();
    fs.mkdirSync(path.join(folder, "pulumi"));
    fs.writeFileSync(path.join(folder, "pulumi", "pulumi"), "the CLI", { mode: 0o755 });
    return execFileSync("tar", ["-cz", "-C", folder, "pulumi"]);
}

const sha256 = (bytes: Buffer) => crypto.createHash("sha256").update(bytes).digest("hex");

describe("where the official releases are", () => {
    const origins = { pulumi: "https://downloads.example", github: "https://releases.example" };
    test("the CLI and its checksums", () => {
        expect(downloads.pulumiSource("3.259.0", origins)).toEqual({
            archive: `https://downloads.example/releases/sdk/pulumi-v3.259.0-${process.platform}-${process.arch}.tar.gz`,
            checksums: ["https://releases.example/pulumi/pulumi/releases/download/v3.259.0/pulumi-3.259.0-checksums.txt"],
        });
    });
    test("a plugin and its checksums, which newer releases publish beside it", () => {
        expect(downloads.pluginSource("random", "4.21.2", "amd64", origins)).toEqual({
            archive: `https://downloads.example/releases/plugins/pulumi-resource-random-v4.21.2-${process.platform}-amd64.tar.gz`,
            checksums: [
                "https://releases.example/pulumi/pulumi-random/releases/download/v4.21.2/pulumi-random_4.21.2_checksums.txt",
                "https://downloads.example/releases/plugins/pulumi-random_4.21.2_checksums.txt",
            ],
        });
    });
});

test("a checksum is found by the whole name of the file", () => {
    const list = `${"a".repeat(64)}  pulumi-v3.259.0-linux-x64.tar.gz.sig\n${"B".repeat(64)} *./pulumi-v3.259.0-linux-x64.tar.gz\n`;
    expect(downloads.checksumIn(list, "pulumi-v3.259.0-linux-x64.tar.gz")).toBe("b".repeat(64));
    expect(downloads.checksumIn(list, "pulumi-v3.259.0-darwin-x64.tar.gz")).toBeUndefined();
});

describe("download", () => {
    const log = (folder: string) => path.join(folder, "download.log");

    test("unpacks what has the published checksum, through a redirect", async () => {
        const bytes = archive();
        const url = await serve((path_, response) => {
            if (path_ === "/moved") response.writeHead(302, { location: "/cli.tar.gz" }).end();
            else if (path_ === "/sums") response.end(`${sha256(bytes)}  moved\n`);
            else response.end(bytes);
        });
        const folder = scratchFolder();
        await downloads.download({ archive: `${url}/moved`, checksums: [`${url}/sums`] }, folder, { log: log(scratchFolder()), strip: 1 });
        expect(fs.readdirSync(folder)).toEqual(["pulumi"]);
        expect(fs.readFileSync(path.join(folder, "pulumi"), "utf8")).toBe("the CLI");
    });

    test("takes the checksum from the second place where the first has none", async () => {
        const bytes = archive();
        const url = await serve((path_, response) => {
            if (path_ === "/none") response.writeHead(404).end();
            else if (path_ === "/sums") response.end(`${crypto.createHash("sha1").update(bytes).digest("hex")}  ./a.tar.gz\n`);
            else response.end(bytes);
        });
        const folder = scratchFolder();
        await downloads.download({ archive: `${url}/a.tar.gz`, checksums: [`${url}/none`, `${url}/sums`] }, folder, { log: log(scratchFolder()) });
        expect(fs.readdirSync(folder)).toEqual(["pulumi"]);
    });

    test("refuses other bytes than published, and unpacks none of them", async () => {
        const url = await serve((path_, response) => {
            if (path_ === "/sums") response.end(`${"0".repeat(64)}  a.tar.gz\n`);
            else response.end(archive());
        });
        const folder = scratchFolder();
        const refused = downloads.download({ archive: `${url}/a.tar.gz`, checksums: [`${url}/sums`] }, folder, { log: log(scratchFolder()) });
        await expect(refused).rejects.toThrow(/a\.tar\.gz has the sha256 [0-9a-f]{64}, published is 0{64}/);
        expect(fs.existsSync(path.join(folder, "pulumi"))).toBe(false);
    });

    test("refuses an archive without a published checksum, without fetching it", async () => {
        const asked: string[] = [];
        const url = await serve((path_, response) => {
            asked.push(path_);
            response.end("nothing to see\n");
        });
        const refused = downloads.download({ archive: `${url}/a.tar.gz`, checksums: [`${url}/sums`] }, scratchFolder(), { log: log(scratchFolder()) });
        await expect(refused).rejects.toThrow("no published checksum of a.tar.gz: 127.0.0.1");
        expect(asked).toEqual(["/sums"]);
    });

    test("gives up a transfer that breaks off or stands still", async () => {
        const bytes = archive();
        const sums = `${sha256(bytes)}  a.tar.gz\n${sha256(bytes)}  b.tar.gz\n`;
        const url = await serve((path_, response) => {
            if (path_ === "/sums") return void response.end(sums);
            response.writeHead(200, { "content-length": bytes.length });
            response.write(bytes.subarray(0, 10), () => {
                if (path_ === "/a.tar.gz") response.destroy();
            });
        });
        const limits = { answerMilliseconds: 5000, stallMilliseconds: 60 };
        for (const [name, reason] of [
            ["a.tar.gz", /broke off|sent 10 of|cannot be reached/],
            ["b.tar.gz", /sent nothing for 0\.06 s/],
        ] as const) {
            const source = { archive: `${url}/${name}`, checksums: [`${url}/sums`] };
            await expect(downloads.download(source, scratchFolder(), { log: log(scratchFolder()), limits })).rejects.toThrow(reason);
        }
    });
});

describe("whyUnreachable", () => {
    const limits = { answerMilliseconds: 60, stallMilliseconds: 60 };

    test("says nothing where there is any answer, a refusal too", async () => {
        const url = await serve((_, response) => response.writeHead(403).end());
        expect(await downloads.whyUnreachable({ pulumi: url, github: url }, { ...limits, answerMilliseconds: 5000 })).toBeUndefined();
    });
    test("names a host that does not answer in time", async () => {
        const url = await serve(() => undefined);
        expect(await downloads.whyUnreachable({ pulumi: url, github: url }, limits)).toMatch(/^127\.0\.0\.1:\d+ did not answer within 0\.06 s$/);
    });
    test("names a host that cannot be reached, and why", async () => {
        const { url, close } = await origin(() => undefined);
        await close();
        const answer = downloads.whyUnreachable({ pulumi: url, github: url }, { ...limits, answerMilliseconds: 5000 });
        expect(await answer).toMatch(/^127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)$/);
    });
});
