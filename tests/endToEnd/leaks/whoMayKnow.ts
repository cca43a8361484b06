/** Who may know which secret while the program works: what is found beyond it is a leak. */
import type { Canaries } from "./canaries";
import type { SeenFile, SeenProcess } from "./processWatch";

/** A variable of the environment, in which processes are given a secret. Arguments are everybody's, and nobody's place. */
interface Variable {
    name: RegExp;
    secrets: RegExp;
    /** By {@link SeenProcess.name}. */
    processes: RegExp;
    /** By what started it: each of these is somewhere above. */
    below?: RegExp;
}

/** The shell in which an operator types a command that is given a secret, and what npm makes of it. */
const typed = (command: string) => new RegExp(`^(bash|env|npm|(sh -c )?node cli/${command}\\.ts)$`);

export const VARIABLES: Variable[] = [
    // In the operator's shell for as long as it is open: so all that is typed there inherits it.
    { name: /^PULUMI_CONFIG_PASSPHRASE$/, secrets: /^the state's passphrase$/, processes: typed("[a-z-]+") },
    { name: /^PULUMI_CONFIG_PASSPHRASE$/, secrets: /^the state's passphrase$/, processes: /^pulumi$/ },
    // Pulumi's own processes: docs/security.md, "What it does not protect against".
    {
        name: /^PULUMI_CONFIG_PASSPHRASE$/,
        secrets: /^the state's passphrase$/,
        // Not the providers of this project, whose scripts take it away. `dirname` is asked for by the script that the
        // stand-in for a plugin is.
        processes:
            /^(pulumi-language-nodejs|pulumi-resource-\w+|sh|env|dirname|git|npm|node( (@pulumi\/pulumi\/|testbed\/|-).*)?)$/,
        below: /^pulumi$/,
    },
    {
        name: /^PULUMI_CONFIG$/,
        secrets:
            /^(the token for Authentik|the SSH key|another token for Authentik|the bucket's .*|a password of redis)$/,
        processes: /^node @pulumi\/pulumi\/cmd\/run/,
        below: /^pulumi-language-nodejs$/,
    },
    // The script that the provider for Authentik is, before it becomes the provider: its own configuration.
    {
        name: /^PULUMI_CONFIG$/,
        secrets: /^(the token for Authentik|another token for Authentik)$/,
        processes: /^sh$/,
        below: /^pulumi$/,
    },
    // What a command is given for itself, and hands to nothing that it starts.
    { name: /^AUTHENTIK_TOKEN$/, secrets: /^the token for Authentik$/, processes: typed("(adopt|setup)") },
    { name: /^AUTHENTIK_ADMIN_TOKEN$/, secrets: /^the token for Authentik$/, processes: typed("authentik-token") },
    { name: /^FORGE_TOKEN$/, secrets: /^the forge's token$/, processes: typed("ci-secrets") },
];

/** Files that hold a secret, which nobody but their owner may read. */
interface Place {
    file: RegExp;
    secrets: RegExp;
}
const PLACES: Place[] = [
    { file: /\/oidc-credentials\.[0-9a-f]{64}\.json$/, secrets: /client.secret/i },
    { file: /\/session-keys\.[0-9a-f]{64}\.json$/, secrets: /^the session keys' / },
    // zot takes these from its config alone, of which a host has each that it may go back to.
    { file: /\/zot\/config\.json(\.zot-hardening\/.*)?$/, secrets: /^(the bucket's |a password of redis$)/ },
    { file: /\/redis\.conf$/, secrets: /^a password of redis$/ },
    // What an operator asked for.
    { file: /\/home\/ci\.json$/, secrets: /^(CI's key|apiKey in )/ },
    { file: /\/clone\/[a-z]+-token$/, secrets: /^(another token for Authentik|key in Authentik's answer)/ },
    // The test bed's own.
    { file: /\/authentik-token$|\/home\/answers\.yaml$/, secrets: /^the token for Authentik$/ },
    { file: /\/ssh-host-[^/]+\/id_ed25519$/, secrets: /^the SSH key$/ },
];
/** Files of any mode. */
const OPEN_PLACES: Place[] = [
    // At its level `info`: docs/security.md, "What it does not protect against".
    { file: /\/zot\.log$/, secrets: /^(the cookie |a login's code )/ },
    // Where it was put by hand.
    { file: /\/zot\/config\.json(\.zot-hardening\/.*)?$/, secrets: /^a password that somebody put / },
];

/** Each leak in a sentence, without the secret. */
export function leaksOf(canaries: Canaries, seen: { processes: SeenProcess[]; files: SeenFile[] }): string[] {
    return [
        ...new Set([...seen.processes.flatMap((one) => shown(canaries, one)), ...seen.files.flatMap(kept(canaries))]),
    ];
}

function shown(canaries: Canaries, process: SeenProcess): string[] {
    const { pid, name, args, environment, startedBy } = process;
    const who = `${name} (process ${pid}), started by ${startedBy.slice(0, 3).join(", by ")}`;
    const arguments_ = args.flatMap((arg) => canaries.in(arg)).map((secret) => `${secret} is an argument of ${who}`);
    const variables = environment.flatMap((entry) => {
        const variable = /^[^=]*/.exec(entry)![0];
        return canaries
            .in(entry)
            .filter((secret) => !VARIABLES.some((known) => mayKnow(known, secret, variable, process)))
            .map((secret) => `${secret} is in the environment (${variable}) of ${who}`);
    });
    return [...arguments_, ...variables];
}

const mayKnow = (known: Variable, secret: string, variable: string, { name, startedBy }: SeenProcess): boolean =>
    known.name.test(variable) &&
    known.secrets.test(secret) &&
    known.processes.test(name) &&
    (known.below === undefined || startedBy.some((above) => known.below!.test(above)));

const kept =
    (canaries: Canaries) =>
    ({ file, content, mode }: SeenFile): string[] =>
        canaries.in(content).flatMap((secret) => {
            const isAt = (place: Place) => place.file.test(file) && place.secrets.test(secret);
            if (OPEN_PLACES.some(isAt) || (PLACES.some(isAt) && (mode & 0o077) === 0)) return [];
            return [`${secret} is in the file ${file}, of mode ${mode.toString(8)}`];
        });
