/** Clients that push images: what Docker, skopeo, crane and their like have in common, and what each has besides. */
import { join } from "node:path";
import { type Client, clients } from "../clients";
import { logIn, notBuilt, plainHttp, type Run, runsOf, writeLogin } from "./sessions";
import { commonWorkflows, type Place, type TableClient, type Who, type Workflow } from "./workflow";

/** A client of the other tests of this folder. */
function ofSessions(name: string, client: Client, more: (place: Place, ci: Run) => Workflow[] = () => []): TableClient {
    const program = name.split(/[ ,]/)[0]!;
    return {
        name,
        missing: client.missing,
        extraConfig: client.extraConfig,
        async start(place) {
            const { folder, host, ca, logins, images } = place;
            const engine = await client.start(folder, host, ca);
            const sessions = {
                ci: engine.session("ci"),
                admin: engine.session("admin"),
                anyone: engine.session("anyone"),
                "dead key": engine.session("dead-key"),
            };
            for (const who of ["ci", "admin", "dead key"] as const) await sessions[who].logIn(...logins[who]);
            // Whether or not the client took it: it was good when it was kept.
            writeLogin(join(folder, "dead-key"), host, logins["dead key"]);
            const reference = (repository: string, tag: string) => `${host}/${repository}:${tag}`;
            const { remove } = sessions.ci;
            const common = commonWorkflows(place, {
                push: (who: Who, content, repository, tag) =>
                    sessions[who].push(images[content], reference(repository, tag)),
                pull: (who: Who, repository, tag) => sessions[who].pull(reference(repository, tag)),
                ...(remove && {
                    remove: (who: Who, repository: string, tag: string) =>
                        sessions[who].remove!(reference(repository, tag)),
                }),
            });
            return { workflows: [...common, ...more(place, runsOf(place, program).ci)], stop: engine.stop };
        },
    };
}

const crane = (place: Place, run: Run): Workflow[] => {
    const at = (name: string) => `${place.host}/${name}`;
    return [
        { name: "`tag`", run: () => run(["tag", at("app:v1"), "v1-again"]) },
        { name: "`copy`", run: () => run(["copy", at("stage/app:one"), at("app:v6")]) },
        { name: "`copy` an index", run: () => run(["copy", at("stage/app:index-one"), at("app:v7")]) },
        {
            name: "`copy` another index to its tag",
            run: () => run(["copy", at("stage/app:index-two"), at("app:v7")]),
            again: null,
        },
        {
            name: "`copy` a version to a channel, then another",
            run: () => run(["copy", at("app:v1"), at("channels/copied:latest")]),
            again: () => run(["copy", at("app:v7"), at("channels/copied:latest")]),
        },
    ];
};

const skopeo = (place: Place, run: Run): Workflow[] => {
    const auth = ["--authfile", join(place.folder, "ci", "auth.json")];
    const both = plainHttp(place, "--src-tls-verify=false", "--dest-tls-verify=false");
    const copy = (from: string, to: string) =>
        run(["copy", "--all", ...auth, ...both, from, `docker://${place.host}/${to}`]);
    return [
        { name: "`copy --all` of an index", run: () => copy(`oci:${place.indexes.one.folder}`, "app:v7") },
        {
            name: "`copy --all` of another index to its tag",
            run: () => copy(`oci:${place.indexes.two.folder}`, "app:v7"),
            again: null,
        },
        {
            name: "`copy` a version to a channel, then another",
            run: () => copy(`docker://${place.host}/app:v1`, "channels/copied:latest"),
            again: () => copy(`docker://${place.host}/app:v7`, "channels/copied:latest"),
        },
        {
            name: "`sync` of a repository",
            run: () =>
                run([
                    "sync",
                    ...auth,
                    ...both,
                    "--src",
                    "docker",
                    "--dest",
                    "docker",
                    `${place.host}/app`,
                    `${place.host}/synced`,
                ]),
        },
    ];
};

const regctl: TableClient = {
    name: "regctl",
    missing: notBuilt("regctl"),
    async start(place) {
        const runs = runsOf(place, "regctl");
        const { host, images, indexes } = place;
        for (const who of ["ci", "admin", "anyone", "dead key"] as const)
            await runs[who](["registry", "set", host, "--skip-check", ...plainHttp(place, "--tls=disabled")]);
        await logIn(runs, place, (user) => ["registry", "login", host, "--user", user, "--pass-stdin"]);
        const at = (name: string) => `${host}/${name}`;
        const copy = (who: Who, from: string, to: string) => runs[who](["image", "copy", from, at(to)]);
        const common = commonWorkflows(place, {
            push: (who, content, repository, tag) =>
                copy(who, `ocidir://${images[content].folder}@${images[content].digest}`, `${repository}:${tag}`),
            pull: (who, repository, tag) =>
                runs[who](["image", "copy", at(`${repository}:${tag}`), `ocidir://${runs.folder(who)}/pulled:${tag}`]),
            remove: (who, repository, tag) => runs[who](["tag", "delete", at(`${repository}:${tag}`)]),
        });
        const layout = ({ folder, digest }: { folder: string; digest: string }) => `ocidir://${folder}@${digest}`;
        const { ci } = runs;
        const more: Workflow[] = [
            { name: "`image copy` of an index", run: () => copy("ci", layout(indexes.one), "app:v7") },
            {
                name: "`image copy` of another index to its tag",
                run: () => copy("ci", layout(indexes.two), "app:v7"),
                again: null,
            },
            {
                name: "`image copy` of a version to a channel, then another",
                run: () => copy("ci", at("app:v1"), "channels/copied:latest"),
                again: () => copy("ci", at("app:v7"), "channels/copied:latest"),
            },
            {
                name: "`artifact put` to a tag",
                run: () => ci(["artifact", "put", "--artifact-type", "application/x.test", at("app:sbom-v1")], "sbom"),
            },
            {
                name: "`artifact put --subject`",
                run: () =>
                    ci(["artifact", "put", "--artifact-type", "application/x.test", "--subject", at("app:v1")], "sbom"),
            },
            {
                name: "`image copy --referrers --digest-tags`",
                run: () => ci(["image", "copy", "--referrers", "--digest-tags", at("app:v1"), at("copied/app:v1")]),
            },
        ];
        return { workflows: [...common, ...more], stop: async () => undefined };
    },
};

const MORE: Record<string, (place: Place, ci: Run) => Workflow[]> = { crane, skopeo };

export const imageClients: TableClient[] = [
    ...clients.map((client) => ofSessions(client.name, client, MORE[client.name])),
    regctl,
];
