/** What was sent and what came back, for people; never a credential, a cookie or a code of a login. */
import { urlOf, withoutQuery } from "../../clients/http/address";
import type { Transport } from "../../clients/http/outgoing";
import { outsideText } from "../../clients/outsideText";
import { withoutSecrets } from "../../components/settings/secrets";

export interface Exchange {
    /** For example `anonymous`, `CI`. */
    as: string;
    /** For example `PUT /v2/a/b/manifests/v1 (application/vnd.oci.image.manifest.v1+json, 401 bytes)`. */
    sent: string;
    /** For example `403 {"errors":[{"code":"DENIED"}]}`. */
    received: string;
}

/** How many characters of an answer are kept. */
const LONGEST = 240;

export class Recorder {
    private exchanges: Exchange[] = [];

    add({ as, sent, received }: Exchange): void {
        this.exchanges.push({ as, sent: redacted(sent), received: redacted(received) });
    }

    /** What was recorded since the last call. */
    take(): Exchange[] {
        const taken = this.exchanges;
        this.exchanges = [];
        return taken;
    }
}

export function shortened(text: string): string {
    return outsideText(text, LONGEST);
}

/**
 * Records the steps of a login: addresses without their queries, which hold codes and states, and no bodies, which hold
 * passwords and keys.
 */
export function recordedSteps(transport: Transport, recorder: Recorder, as: string): Transport {
    return async (url, request) => {
        const response = await transport(url, request);
        const to = urlOf(response.headers.get("location"), url);
        recorder.add({
            as,
            sent: `${request.method} ${withoutQuery(url)}`,
            received: `${response.status}${to ? ` to ${withoutQuery(to)}` : ""}`,
        });
        return response;
    };
}

/** Somebody else's text, for a report: without anything that looks like a key. */
export const redacted = (text: string) =>
    withoutSecrets(text.replace(/zak_[0-9a-f]{8,}/gi, "zak_…").replace(/(code|state|token)=[^&\s"]+/g, "$1=…"), "…");
