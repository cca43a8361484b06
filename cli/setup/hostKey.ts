/** The host key to pin: one that a person has confirmed, or that this machine trusts. */
import type { SshAddress } from "../../clients/ssh";
import { hostKeyOf } from "../../clients/ssh/keys";
import { UserError } from "../../clients/userError";
import { hostKeyOfScan } from "../../components/settings/hostKeys";
import { knownKeys, scanHostKey } from "./host";
import type { Interview } from "./interview";

export interface Keyed {
    address: string;
    port: number;
    /** The key that the stack has pinned for this address. */
    pinned: string | undefined;
    /** The question that asks for it, and the setting that pins it. */
    question: "hostKey" | "jumpHostKey";
    /** The jump host. */
    proxy?: SshAddress;
}

/**
 * The key to pin, as type and key on one line.
 *
 * @throws UserError if the host shows an unexpected key, or none; Interrupted
 */
export async function confirmedKey(interview: Interview, keyed: Keyed): Promise<string> {
    const { address, port, pinned, question, proxy } = keyed;
    const shown = await scanHostKey(address, port, proxy);
    const isShown = (line: string) => hostKeyOf(line)?.blob.equals(hostKeyOf(shown.line)!.blob) === true;
    const other = (expected: string) =>
        new UserError(
            `${address} port ${port} shows another key than ${expected}: ${shown.fingerprint}. Somebody may be in between, ` +
                "or the host was set up anew. Compare it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        );
    if (interview.isAnswered(question)) {
        const given = await interview.answer(question);
        const line = hostKeyOfScan(given);
        if (given.startsWith("SHA256:") ? given !== shown.fingerprint : !isShown(line)) throw other("the one given");
        return shown.line;
    }
    if (pinned !== undefined) {
        if (!isShown(pinned)) throw other(`the stack has pinned (host.${question})`);
        return pinned;
    }
    const { trusted, revoked } = await knownKeys(address, port);
    if (revoked.some(isShown))
        throw new UserError(
            `${address} port ${port} shows a key that this machine's known_hosts has as revoked: ${shown.fingerprint}. ` +
                "Somebody who has that key may be in between; give the host another key, and connect again.",
        );
    const isTrusted = trusted.some(isShown);
    const ofItsType = (line: string) => line.split(" ")[0] === shown.line.split(" ")[0];
    if (!isTrusted && trusted.some(ofItsType)) throw other("this machine's known_hosts has");
    const answer = await interview.answer(question, {
        message: `Is this the key of ${address}? ${shown.fingerprint}`,
        help: isTrusted
            ? "This machine knows the host by this key already (known_hosts)."
            : "Compare it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        choices: [
            { value: shown.fingerprint, label: "Yes, pin it" },
            { value: "no", label: "No" },
        ],
        fallback: isTrusted ? shown.fingerprint : undefined,
        check: (given) => (given === shown.fingerprint ? undefined : "then nothing is done"),
    });
    if (answer !== shown.fingerprint) throw other("you expect");
    return shown.line;
}
