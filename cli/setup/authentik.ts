/** What exists in Authentik of what the program needs. */
import { AuthentikApi, oneAttempt } from "../../clients/authentik/api";
import { loginObstacles, type Obstacle } from "../../clients/authentik/objects";
import { outgoing } from "../../clients/http/outgoing";

export interface FoundInAuthentik {
    groups: string[];
    authorizationFlows: string[];
    invalidationFlows: string[];
    /** Names of certificates with a key. */
    certificates: string[];
    /** The login flow that CI would use, and its obstacles for a service account. */
    login: { flow: string; obstacles: Obstacle[] } | undefined;
}

/**
 * Looks, and changes nothing.
 *
 * @throws ApiFailure, EndlessListError with words for a person
 */
export async function inspectAuthentik(url: string, token: string, clientId: string): Promise<FoundInAuthentik> {
    const transport = outgoing();
    const api = new AuthentikApi({ url, token, transport }, oneAttempt());
    // The first request on its own, so that a refused token is reported once.
    const groups = await api.list<{ name: string }>("The groups in Authentik", "/core/groups/?include_users=false");
    const flows = (designation: string) =>
        api.list<{ slug: string }>("The flows in Authentik", `/flows/instances/?designation=${designation}`);
    const [authorization, invalidation, certificates, login] = await Promise.all([
        flows("authorization"),
        flows("invalidation"),
        api.list<{ name: string }>("The certificates in Authentik", "/crypto/certificatekeypairs/?has_key=true"),
        loginObstacles({ url, token, transport }, undefined, clientId),
    ]);
    return {
        groups: groups.map(({ name }) => name),
        authorizationFlows: authorization.map(({ slug }) => slug),
        invalidationFlows: invalidation.map(({ slug }) => slug),
        certificates: certificates.map(({ name }) => name),
        login,
    };
}
