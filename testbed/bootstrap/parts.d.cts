/**
 * Where a part came from: "official" is the project's own release (installed by somebody or downloaded), "built from
 * its Go module" the same sources compiled here, "stand-in" is ours, for what cannot be had here.
 */
export type Kind = "official" | "built from its Go module" | "stand-in";

export interface Executable {
    /** Absolute path of the executable. */
    path: string;
    /** For example "3.259.0". */
    version: string;
    /** Where it came from, for people: "on PATH", "official download", "npm package". */
    source: string;
}

export interface PulumiCli extends Executable {
    kind: Exclude<Kind, "stand-in">;
    /** Whether the CLI's language host for Node lies beside it or on PATH; without it only inline programs run. */
    languageHost: boolean;
}

export interface Plugin {
    name: "command" | "random";
    version: string;
    kind: Kind;
    source: string;
    /** Holds an executable pulumi-resource-NAME: `path` of an entry of `plugins.providers` in Pulumi.yaml. */
    folder: string;
}

/** What `npm run demo`, `npm test` and `npm run bench` found or installed. No secrets. */
export interface Toolchain {
    node: Executable;
    pulumi: PulumiCli;
    plugins: { command: Plugin; random: Plugin };
    /** First on PATH of every command run: `node` and `pulumi` as above, and nothing else. */
    bin: string;
}
