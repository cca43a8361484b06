/** Clients that push what is no image: artifacts, charts. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logIn, notBuilt, plainHttp, runsOf } from "./sessions";
import { commonWorkflows, type TableClient, WHO, type Who, type Workflow } from "./workflow";

const oras: TableClient = {
    name: "oras",
    missing: notBuilt("oras"),
    async start(place) {
        const runs = runsOf(place, "oras");
        const plain = plainHttp(place, "--plain-http");
        for (const who of WHO)
            for (const content of ["one", "two"]) writeFileSync(join(runs.folder(who), `${content}.txt`), content);
        await logIn(runs, place, (user) => ["login", ...plain, "--username", user, "--password-stdin", place.host]);
        const at = (name: string) => `${place.host}/${name}`;
        const { ci } = runs;
        const push = (who: Who, content: string, target: string) =>
            runs[who]([
                "push",
                ...plain,
                at(target),
                "--artifact-type",
                "application/x.test",
                `${content}.txt:text/plain`,
            ]);
        const between = plainHttp(place, "--from-plain-http", "--to-plain-http");
        const copy = (...args: string[]) => ci(["cp", ...between, ...args]);
        const manifest = (tag: string) =>
            ci(["manifest", "push", ...plain, at(tag), join(place.folder, "artifact.json")]);
        const attach = () =>
            ci(["attach", ...plain, at("app:v1"), "--artifact-type", "application/x.test", "one.txt:text/plain"]);
        const common = commonWorkflows(place, {
            push: (who, content, repository, tag) => push(who, content, `${repository}:${tag}`),
            pull: (who, repository, tag) => runs[who](["pull", ...plain, at(`${repository}:${tag}`)]),
            remove: (who, repository, tag) =>
                runs[who](["manifest", "delete", "--force", ...plain, at(`${repository}:${tag}`)]),
        });
        const more: Workflow[] = [
            {
                name: "`push` to two tags, one of them there",
                run: () => push("ci", "one", "app:v6,v1"),
                again: null,
            },
            { name: "`tag`", run: () => ci(["tag", ...plain, at("app:v1"), "v1-again"]) },
            {
                name: "`attach`",
                run: attach,
                // The time in it has no fractions of a second: within one it would be the same artifact.
                again: async () => {
                    await new Promise((resolve) => setTimeout(resolve, 1_100));
                    return attach();
                },
            },
            { name: "`cp`", run: () => copy(at("stage/app:one"), at("app:v8")) },
            { name: "`cp -r` of what has referrers", run: () => copy("-r", at("app:v1"), at("copied/app:v1")) },
            {
                name: "`manifest push`",
                async run() {
                    const fetched = await ci(["manifest", "fetch", ...plain, at("stage/app:one")]);
                    writeFileSync(join(place.folder, "artifact.json"), fetched.said);
                    return manifest("stage/app:v9");
                },
                again: () => manifest("stage/app:v9"),
            },
            {
                name: "`manifest index create`",
                run: () => ci(["manifest", "index", "create", ...plain, at("stage/app:v10"), "one", "two"]),
            },
        ];
        return { workflows: [...common, ...more], stop: async () => undefined };
    },
};

const helm: TableClient = {
    name: "helm",
    missing: notBuilt("helm"),
    async start(place) {
        const runs = runsOf(place, "helm", (folder) => ({
            HELM_REGISTRY_CONFIG: join(folder, ".docker", "config.json"),
            HELM_CONFIG_HOME: folder,
            HELM_CACHE_HOME: folder,
            HELM_DATA_HOME: folder,
        }));
        const plain = plainHttp(place, "--plain-http");
        await logIn(runs, place, (user) => [
            "registry",
            "login",
            ...plain,
            "--username",
            user,
            "--password-stdin",
            place.host,
        ]);
        /** A chart of some content, packed once for each version. */
        const packed = async (who: Who, content: string, version: string): Promise<string> => {
            const chart = join(runs.folder(who), content, "app");
            mkdirSync(join(chart, "templates"), { recursive: true });
            writeFileSync(
                join(chart, "Chart.yaml"),
                `apiVersion: v2\nname: app\nversion: ${version}\ndescription: ${content}\n`,
            );
            const folder = join(runs.folder(who), content, version);
            const archive = join(folder, `app-${version}.tgz`);
            if (existsSync(archive)) return archive;
            const { status, said } = await runs[who](["package", chart, "--destination", folder]);
            if (status !== 0) throw new Error(said);
            return archive;
        };
        const common = commonWorkflows(
            place,
            {
                async push(who, content, repository, version) {
                    const chart = await packed(who, content, version);
                    return runs[who]([
                        "push",
                        ...plain,
                        chart,
                        `oci://${place.host}/${repository.replace(/\/app$/, "")}`,
                    ]);
                },
                pull: (who, repository, version) =>
                    runs[who](["pull", ...plain, `oci://${place.host}/${repository}`, "--version", version]),
            },
            { app: "charts/app", tag: (number) => `${number}.0.0`, channel: false },
        );
        const show: Workflow = {
            name: "`show chart`, as a look whether a version is there",
            run: () => runs.anyone(["show", "chart", ...plain, `oci://${place.host}/charts/app`, "--version", "1.0.0"]),
            again: null,
            reads: true,
        };
        return { workflows: [...common, show], stop: async () => undefined };
    },
};

export const artifactClients: TableClient[] = [oras, helm];
