/** Every sentence of the scripts: none has a hole, whatever is empty. */
import { deploymentScript } from "../../host/scripts";
import observation from "../../providers/zot/hostObservation.sh";

/** The text in double quotes that begins at a place, without the quotes. */
function quotedAt(text: string, begin: number): string {
    let depth = 0;
    for (let at = begin + 1; at < text.length; at++) {
        if (text[at] === "\\") at++;
        else if (text.startsWith("$(", at)) {
            depth++;
            at++;
        } else if (text[at] === "(" && depth > 0) depth++;
        else if (text[at] === ")" && depth > 0) depth--;
        else if (text[at] === '"' && depth === 0) return text.slice(begin + 1, at);
    }
    throw new Error(`A text has no end: ${text.slice(begin, begin + 100)}`);
}

/** What a message is put together from: variables and commands. */
function expansionsOf(message: string): string[] {
    const found: string[] = [];
    for (let at = 0; at < message.length; at++) {
        if (message[at] === "\\") {
            at++;
        } else if (message.startsWith("$(", at)) {
            let depth = 1;
            const from = at + 2;
            for (at = from; depth > 0 && at < message.length; at++)
                depth += message[at] === "(" ? 1 : message[at] === ")" ? -1 : 0;
            found.push(`$(${message.slice(from, at - 1)})`);
            at--;
        } else if (message.startsWith("${", at)) {
            const to = message.indexOf("}", at);
            found.push(message.slice(at, to + 1));
            at = to;
        } else {
            const [name] = /^\$(?:\w+|[*#@])/.exec(message.slice(at)) ?? [];
            if (name) found.push(name);
        }
    }
    return found;
}

const text = `${deploymentScript}\n${observation}`.replace(/^\s*#.*$/gm, "");
const messages = [
    ...text.matchAll(
        /\b(?:fail|warn|require|because|refuse|echo|long_fact mistake|fact versionProblem|printf '(?:\\n)?%s'|problem=|why=|cause=|\w+_failed=)\s*(?=")/g,
    ),
]
    .map((match) => ({ by: match[0], message: quotedAt(text, match.index + match[0].length) }))
    .filter(({ by, message }) => !/^(echo|printf)/.test(by) || message.includes("[ZH-"))
    .map(({ message }) => message);

/** Why each is never empty. */
const NEVER_EMPTY: Record<string, string> = {
    "settings that are checked: a path, a name, a number, a word":
        "$config $config_folder $state $data $binary $service $restart_command $time_limit $ready_timeout " +
        "$zot_authorities $zot_user $authorities $service_file $asked_issuer $1 $2 $needed $needed_files",
    "what the line before has found":
        "$tool $folder $target $service_file $free $original $other $listener $process $served $running " +
        "$unit_config $url $others $lost $installed $asked $owner $accepted_by $why $problem $contained " +
        "$place $stopped $* $answer $launchd_target $metrics_path $metrics_status $commit $installed_commit " +
        "$state/start $origin $code $check $said $wanted $enable $unmask $reload $unit $units $advice $missing " +
        "$session_user $linked $TMPDIR $restart_program $left",
    "of the script itself": "$PATH $manager",
};
const known = new Set(Object.values(NEVER_EMPTY).join(" ").split(" "));
/** Commands that always say something, or that say it themselves where there is nothing. */
const SAYS = [
    /^\$\(id -un\)$/,
    /^\$\(last_of /,
    /^\$\(user_called /,
    /\|\| (echo|printf) /,
    /^\$\(uname -[sm]\)$/,
    /^\$\(sha256_of /,
    /^\$\(because /,
    // By the case that it stands in.
    /^\$(tls_file|tls_name|named|\{named%\.service\})$/,
    // Sentences, each set in the line before.
    /^\$\w+_failed$/,
    /^\$\(systemctl_of /,
    /^\$\(unit_name\)$/,
    /^\$\(service_fact (Result|Type|RestartPreventExitStatus)\)$/,
    /^\$\(zot_processes \| head -n 1\)$/,
    /^\$\(printf '%s' "\$(lost|others)"/,
];
/** At the end of a sentence, where nothing may be. */
const MAY_BE_EMPTY = [/^\$\(serving_note\)$/, /^\$\(last_words_note\)$/, /^\$cause$/, /^\$why$/];

test("there are many of them", () => expect(messages.length).toBeGreaterThan(70));

test("each is made of what is never empty, or says what it is then", () => {
    const holes = messages.flatMap((message) =>
        expansionsOf(message)
            .filter((expansion) => !/^\$\{[^}]*:[-+]/.test(expansion))
            .filter((expansion) => !known.has(expansion.replace(/^\$\{(\w+)(?:[%#]{1,2}[^}]*)?\}$/, "$$$1")))
            .filter((expansion) => ![...SAYS, ...MAY_BE_EMPTY].some((pattern) => pattern.test(expansion)))
            .map((expansion) => `${expansion} in: ${message.slice(0, 160)}`),
    );
    expect(holes).toEqual([]);
});
