import type { Hardened } from "./hardened";

/**
 * Logins at the registry demand a second factor from here on: by a flow of the registry's own, so that nobody else's
 * login at a shared Authentik is touched.
 * @returns what ends it
 */
export async function demandSecondFactor(registry: Hardened): Promise<() => Promise<unknown>> {
    const { api } = registry.authentik;
    const find = async (path: string, name: string) =>
        (await api<{ results: { pk: string; name: string }[] }>("GET", `${path}?name=${name}`)).results.find(
            (item) => item.name === name,
        )!.pk;
    const make = async (path: string, body: Record<string, unknown>, key: "pk" | "slug" = "pk") => {
        const made = await api<{ pk: string; slug: string }>("POST", path, body);
        registry.made(`${path}${made[key]}/`);
        return made.pk;
    };
    const name = `second-factor-${registry.clientId}`;
    const flow = await make(
        "/flows/instances/",
        { name, slug: name, title: name, designation: "authentication" },
        "slug",
    );
    const totp = await find("/stages/authenticator/totp/", "default-authenticator-totp-setup");
    const stages = [
        await find("/stages/identification/", "default-authentication-identification"),
        await find("/stages/password/", "default-authentication-password"),
        await make("/stages/authenticator/validate/", {
            name,
            not_configured_action: "configure",
            configuration_stages: [totp],
            device_classes: ["totp"],
        }),
        await find("/stages/user_login/", "default-authentication-login"),
    ];
    for (const [order, stage] of stages.entries())
        await api("POST", "/flows/bindings/", { target: flow, stage, order });
    const demanded = (authentication_flow: string | null) =>
        api("PATCH", `/providers/oauth2/${registry.provider}/`, { authentication_flow });
    await demanded(flow);
    return () => demanded(null);
}
