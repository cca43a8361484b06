/** Compares what a failed deployment says about config, service and rights with what an observation finds. Pure. */
import { DOWN, NONE, READ_ONLY } from "./watch";

export interface Found {
    /** What served, and was on the disk, before. */
    old: string;
    /** What serves, and is on the disk, now. */
    served: string;
    disk: string;
}

interface Claim {
    /** The codes of its sentence (docs/messages.md), and of the following ones if they matter. */
    sentence: RegExp;
    holds: (found: Found) => boolean;
}

const wasDown = (old: string) => (old === NONE ? DOWN : old);

/** Every sentence with which a failed deployment may end. */
const CLAIMS: Claim[] = [
    { sentence: /\[ZH-HOST-UNCHANGED\]/, holds: ({ old, disk }) => disk === old },
    {
        sentence: /\[ZH-HOST-UNCHANGED\](?![\s\S]*\[ZH-ZOT-)/,
        holds: ({ old, served }) => served === wasDown(old),
    },
    { sentence: /\[ZH-ZOT-AS-BEFORE\]/, holds: ({ old, served }) => served === old },
    { sentence: /\[ZH-ZOT-SILENT\]/, holds: ({ served }) => served === DOWN },
    { sentence: /\[ZH-ZOT-READY\]/, holds: ({ served }) => served !== DOWN },
    { sentence: /\[ZH-HOST-ONLY-RECOVERED\]/, holds: () => true },
    { sentence: /\[ZH-ROLLBACK-NONE\]/, holds: ({ served, disk }) => disk === NONE && served === DOWN },
    { sentence: /\[ZH-ROLLBACK-NONE-RUNS\]/, holds: ({ served, disk }) => disk === NONE && served !== DOWN },
    { sentence: /\[ZH-ROLLBACK-NONE-OTHER\]/, holds: ({ served, disk }) => disk === NONE && served !== DOWN },
    { sentence: /\[ZH-ROLLBACK-NO-RESTART\]/, holds: ({ old, served, disk }) => served === old && disk === old },
    {
        sentence: /zot is ready with it\. \[ZH-ROLLBACK-DONE\]/,
        holds: ({ old, served, disk }) => served === old && disk === old,
    },
    {
        sentence: /zot is ready with it \(read-only.*\)\. \[ZH-ROLLBACK-DONE\]/,
        holds: ({ old, served, disk }) => served === READ_ONLY && disk === old,
    },
    { sentence: /\[ZH-ROLLBACK-NOT-RUNNING\]/, holds: ({ old, disk }) => disk === old },
    {
        sentence: /\[ZH-ROLLBACK-NOT-RUNNING\][\s\S]*\[ZH-ROLLBACK-ZOT-READY\]/,
        holds: ({ old, served }) => served === old,
    },
    { sentence: /\[ZH-ROLLBACK-ZOT-READY\]/, holds: ({ served }) => served !== DOWN },
    { sentence: /\[ZH-ROLLBACK-ZOT-NOT-READY\]/, holds: ({ served }) => served === DOWN },
    {
        sentence: /\[ZH-ROLLBACK-READ-ONLY\]/,
        holds: ({ served, disk }) => served === READ_ONLY && disk === READ_ONLY,
    },
    {
        sentence: /\[ZH-ROLLBACK-NOT-READY\]/,
        holds: ({ old, served, disk }) => disk === old && served === DOWN,
    },
    { sentence: /\[ZH-ROLLBACK-NOT-SERVED\]/, holds: ({ old, disk }) => disk === old },
    { sentence: /\[ZH-ROLLBACK-FAILED(-OTHER)?\]/, holds: ({ old, disk }) => disk !== old },
    { sentence: /\[ZH-ROLLBACK-NOT-REMOVED\]/, holds: ({ disk }) => disk !== NONE },
];

/**
 * The claims of a failed deployment that are not true, each as a sentence; also if it said nothing about the state of
 * the host.
 */
export function falseClaims(said: string, found: Found): string[] {
    const made = CLAIMS.filter(({ sentence }) => sentence.test(said));
    const where = `${found.served} served and ${found.disk} was on the disk, after ${found.old}`;
    if (made.length === 0) return [`the deployment failed and did not say how things are: ${JSON.stringify(said)}`];
    return made
        .filter(({ holds }) => !holds(found))
        .map(({ sentence }) => `the deployment said what is not so (${sentence.source}): ${where}`);
}

/** What a sentence looks like if a value in it was empty. */
const HOLES = [
    /: *[;.,)]/,
    /\(\s*\)/,
    /:\s*$/,
    /:\s*\n(?=The config|There was|Nothing on|An interrupted)/,
    / {2,}\S/,
    /""|''/,
    /\b(user|process|version|of|to|by|with|at) *[;.,)]/,
    /undefined|null\b|NaN/,
];

/** The holes in a message, shown with their surroundings. */
export function holesIn(message: string): string[] {
    // Output of zot, or of its restart, is not ours.
    const own = message.replace(
        /((?:The last words of zot|The restart has said):\n)(?!The config|There was|Nothing on)[\s\S]+?(?=\n(?:The config|There was|Nothing on|An interrupted|To see here|What zot has|zot-hardening:)|$)/g,
        "$1some words",
    );
    return HOLES.filter((hole) => hole.test(own)).map((hole) => `${hole.source} in ${JSON.stringify(own)}`);
}
