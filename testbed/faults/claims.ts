/** What a failed push says of config, service and rights, against what a look finds. Pure. */
import { DOWN, NONE, READ_ONLY } from "./watch";

export interface Found {
    /** What served, and was on the disk, before. */
    old: string;
    /** What serves, and is on the disk, now. */
    served: string;
    disk: string;
}

interface Claim {
    sentence: RegExp;
    holds: (found: Found) => boolean;
}

const wasDown = (old: string) => (old === NONE ? DOWN : old);

/** Every sentence with which a push may end that failed. */
const CLAIMS: Claim[] = [
    {
        sentence: /Nothing on the host was changed: the registry goes on as it was\./,
        holds: ({ old, served, disk }) => served === old && disk === old,
    },
    {
        sentence: /^Nothing on the host was changed\.$/m,
        holds: ({ old, served, disk }) => disk === old && served === wasDown(old),
    },
    { sentence: /; zot does not answer at \S+\.$/m, holds: ({ served }) => served === DOWN },
    { sentence: /nothing else on the host was changed, and zot is ready\./, holds: ({ served }) => served !== DOWN },
    {
        sentence: /there is none now, and zot does not run\./,
        holds: ({ served, disk }) => disk === NONE && served === DOWN,
    },
    { sentence: /there is none now; zot still runs/, holds: ({ served, disk }) => disk === NONE && served !== DOWN },
    { sentence: /there is none now; what answers at/, holds: ({ served, disk }) => disk === NONE && served !== DOWN },
    {
        sentence: /before is back; zot was not restarted, and serves it as before\./,
        holds: ({ old, served, disk }) => served === old && disk === old,
    },
    {
        sentence: /before is back, and zot is ready with it\./,
        holds: ({ old, served, disk }) => served === old && disk === old,
    },
    {
        sentence: /before is back, and zot is ready with it \(read-only/,
        holds: ({ old, served, disk }) => served === READ_ONLY && disk === old,
    },
    {
        sentence: /did not run with it then, and does not now\./,
        holds: ({ old, served, disk }) => disk === old && served === DOWN,
    },
    {
        sentence: /did not run with it then, and is ready with it now\./,
        holds: ({ old, served, disk }) => disk === old && served === old,
    },
    {
        sentence: /zot serves read-only: anyone may pull, and nobody may log in\./,
        holds: ({ served, disk }) => served === READ_ONLY && disk === READ_ONLY,
    },
    { sentence: /before is back in \S+, but zot /, holds: ({ old, served, disk }) => disk === old && served === DOWN },
    {
        sentence: /before is back, but process \d+, which answers|before is back, but x\./,
        holds: ({ old, disk }) => disk === old,
    },
    {
        sentence: /could not be brought back .* and zot is ready( with it now)?\./,
        holds: ({ old, served, disk }) => disk !== old && served !== DOWN,
    },
    {
        sentence: /could not be brought back .* and zot is not ready\./,
        holds: ({ old, served, disk }) => disk !== old && served === DOWN,
    },
    {
        sentence: /There was no config before this push, and \S+ could not be removed\./,
        holds: ({ disk }) => disk !== NONE,
    },
];

/** The claims of what a failed push said that do not hold, each as a sentence; and that it said nothing of how things are. */
export function falseClaims(said: string, found: Found): string[] {
    const made = CLAIMS.filter(({ sentence }) => sentence.test(said));
    const where = `${found.served} served and ${found.disk} was on the disk, after ${found.old}`;
    if (made.length === 0) return [`the push failed and did not say how things are: ${JSON.stringify(said)}`];
    return made
        .filter(({ holds }) => !holds(found))
        .map(({ sentence }) => `the push said what is not so (${sentence.source}): ${where}`);
}

/** What a sentence looks like that was made with an empty value. */
const HOLES = [
    /: *[;.,)]/,
    /\(\s*\)/,
    /:\s*$/,
    /:\s*\n(?=The config|There was|Nothing was|What an)/,
    / {2,}\S/,
    /""|''/,
    /\b(user|process|version|of|to|by|with|at) *[;.,)]/,
    /undefined|null\b|NaN/,
];

/** The holes in a message, for a person to see where. */
export function holesIn(message: string): string[] {
    // What zot has said is its own.
    const own = message.replace(
        /(The last words of zot:\n)(?!The config|There was|Nothing was)[\s\S]+?(?=\n(?:The config|There was|Nothing was|What an|zot-hardening:)|$)/g,
        "$1some words",
    );
    return HOLES.filter((hole) => hole.test(own)).map((hole) => `${hole.source} in ${JSON.stringify(own)}`);
}
