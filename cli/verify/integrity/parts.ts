/** The parts of one version: manifest, platforms, configs, layers, and what is signed or attached to them. */
import type { Descriptor, Fault, Manifest, Repository } from "./repository";

/** A part that is missing or damaged. */
export interface Missing {
    /** For people: `the platform linux/arm64`, `a layer`. */
    what: string;
    /** Empty if only a tag is known. */
    digest: string;
    fault: Fault;
}

export interface Looked {
    /** Empty if the tag names nothing. */
    digest: string;
    missing: Missing[];
    /** Signatures and attestations that were found. */
    signatures: number;
    /** Whether attachments could be listed. */
    isListed: boolean;
}

const MANIFEST = /(manifest(\.list)?\.v\d|image\.manifest\.v1|image\.index\.v1)\+json$/;
const SIGNATURE = /sigstore|cosign|notary|signature/i;

/** Tags under which cosign up to version 2 stores what belongs to a digest. */
const COSIGN_TAG = /^sha256-([0-9a-f]{64})\.(sig|att|sbom)$/;
const COSIGN_WORDS: Record<string, string> = {
    sig: "the signature",
    att: "the attestation",
    sbom: "the list of contents (SBOM)",
};

/** The digest to which one of cosign's tags belongs; undefined for any other tag. */
export const subjectOfTag = (tag: string): string | undefined => {
    const hex = COSIGN_TAG.exec(tag)?.[1];
    return hex === undefined ? undefined : `sha256:${hex}`;
};

/**
 * Looks for every part behind a tag.
 *
 * @param tags the repository's tags, among which cosign's are looked for
 * @throws Unread if something could not be asked
 */
export async function partsOf(repository: Repository, tag: string, tags: ReadonlySet<string>): Promise<Looked> {
    const looked: Looked = { digest: "", missing: [], signatures: 0, isListed: true };
    const seen = new Set<string>();

    /** @param reference a digest, or a tag; `what` describes it for people */
    const manifest = async (reference: string, what: string): Promise<string> => {
        if (seen.has(reference)) return reference;
        seen.add(reference);
        const found = await repository.manifest(reference);
        seen.add(found.digest);
        if (found.fault !== undefined) looked.missing.push({ what, digest: found.digest, fault: found.fault });
        else await insides(found.manifest);
        // Even for a missing platform: its signatures may exist on their own.
        if (found.digest !== "") await attached(found.digest);
        return found.digest;
    };
    const insides = async ({ manifests = [], config, layers = [] }: Manifest): Promise<void> => {
        for (const child of manifests) {
            if (MANIFEST.test(child.mediaType ?? "")) await manifest(child.digest, childInWords(child));
            else await blob(child, "a part of the index");
        }
        if (config) await blob(config, "the config");
        for (const layer of layers) await blob(layer, "a layer");
    };
    const blob = async (descriptor: Descriptor, what: string): Promise<void> => {
        if (descriptor.data !== undefined || descriptor.urls?.length) return;
        const fault = await repository.blob(descriptor);
        const isKnown = looked.missing.some(({ digest }) => digest === descriptor.digest);
        if (fault && !isKnown) looked.missing.push({ what, digest: descriptor.digest, fault });
    };
    const attached = async (digest: string): Promise<void> => {
        const referrers = await repository.referrers(digest);
        looked.isListed &&= referrers !== undefined;
        for (const referrer of referrers ?? []) {
            const type = referrer.artifactType ?? "";
            if (SIGNATURE.test(type)) looked.signatures++;
            await manifest(
                referrer.digest,
                SIGNATURE.test(type) ? `the signature (${type})` : `what is attached (${type})`,
            );
        }
        for (const [kind, words] of Object.entries(COSIGN_WORDS)) {
            const own = `${digest.replace(":", "-")}.${kind}`;
            if (!tags.has(own)) continue;
            if (kind !== "sbom") looked.signatures++;
            await manifest(own, `${words} ${own}`);
        }
    };

    looked.digest = await manifest(tag, "its manifest");
    return looked;
}

/** What an index says about one of its manifests. */
function childInWords({ platform, annotations }: Descriptor): string {
    if (annotations?.["vnd.docker.reference.type"] === "attestation-manifest") return "the attestation of a platform";
    if (!platform?.os) return "a part of the index";
    return `the platform ${[platform.os, platform.architecture, platform.variant].filter(Boolean).join("/")}`;
}
