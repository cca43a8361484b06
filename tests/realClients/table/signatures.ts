/** cosign: what belongs to a version, by its digest or by a tag of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { logIn, notBuilt, type Run, runsOf } from "./sessions";
import type { Place, TableClient, Workflow } from "./workflow";

/** Nothing of this is sent to a service of the sigstore's: the key is a file, and no log is kept. */
const OFFLINE = ["--use-signing-config=false", "--tlog-upload=false"];

export const cosignClient: TableClient = {
    name: "cosign",
    missing: notBuilt("cosign"),
    async start(place) {
        const runs = runsOf(place, "cosign", () => ({ COSIGN_PASSWORD: "" }));
        await logIn(runs, place, (user) => ["login", place.host, "--username", user, "--password-stdin"]);
        const { status, said } = await runs.ci(["generate-key-pair"]);
        if (status !== 0) throw new Error(said);
        return { workflows: workflows(place, runs), stop: async () => undefined };
    },
};

function workflows(
    { host, folder, images, referrers }: Place,
    { ci, anyone, ...runs }: Record<"ci" | "anyone" | "dead key", Run>,
) {
    const key = ["--key", join(folder, "ci", "cosign.key")];
    const publicKey = ["--key", join(folder, "ci", "cosign.pub"), "--insecure-ignore-tlog=true"];
    const predicate = join(folder, "predicate.json");
    writeFileSync(predicate, '{"built": "here"}');
    const at = (name: "one" | "two") => `${host}/stage/app@${images[name].digest}`;
    const old = ["--new-bundle-format=false", ...OFFLINE];
    const sign = (run: Run, image: string, ...more: string[]) => run(["sign", "--yes", ...key, ...more, image]);
    const attest = (image: string, ...more: string[]) =>
        ci(["attest", "--yes", ...key, "--predicate", predicate, "--type", "custom", ...more, image]);
    const copy = (tag: string, target: string) => ci(["copy", `${host}/stage/app:${tag}`, `${host}/${target}`]);
    const all: Workflow[] = [
        { name: "`sign`", run: () => sign(ci, at("one"), ...OFFLINE) },
        { name: "`attest`", run: () => attest(at("one"), ...OFFLINE) },
        {
            name: "`verify`, without a login",
            run: () => anyone(["verify", ...publicKey, at("one")]),
            again: null,
            reads: true,
        },
        {
            name: "`verify-attestation`, without a login",
            run: () => anyone(["verify-attestation", ...publicKey, "--type", "custom", at("one")]),
            again: null,
            reads: true,
        },
        {
            name: "`verify` with a dead key",
            run: () => runs["dead key"](["verify", ...publicKey, at("one")]),
            again: null,
            reads: true,
        },
        { name: "`sign` without a login", run: () => sign(anyone, at("one"), ...OFFLINE), again: null },
        { name: "`sign --new-bundle-format=false`", run: () => sign(ci, at("two"), ...old) },
        { name: "`attest --new-bundle-format=false`", run: () => attest(at("two"), ...old) },
        {
            name: "`copy` of an image with new signatures",
            run: () => copy("one", "copied/new:v1"),
            seen: async () =>
                (await referrers("copied/new", images.one.digest)) === 0 ? "the signatures are **not** copied" : "–",
        },
        { name: "`copy` of an image with old signatures", run: () => copy("two", "copied/old:v1") },
    ];
    return all;
}
