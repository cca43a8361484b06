/** Config files for zot's commands that need no server. */
import * as fs from "node:fs";
import * as path from "node:path";
import { scratch } from "./zots";

/** @returns a writer of files into a folder of their own, and sections of a config whose files are there */
export function configFolder() {
    const folder = scratch();
    /** @returns the path */
    const file = (name: string, content: unknown) => {
        const place = path.join(folder, name);
        fs.writeFileSync(place, typeof content === "string" ? content : JSON.stringify(content));
        return place;
    };
    const provider = {
        credentialsFile: file("oidc.json", { clientid: "zot", clientsecret: "a secret for tests" }),
        issuer: "https://authentik.example.org/application/o/zot/",
        scopes: ["openid", "profile", "email"],
        claimMapping: { username: "preferred_username" },
    };
    return {
        file,
        provider,
        /** @param changes of the provider */
        auth: (changes: object = {}) => ({ openid: { providers: { oidc: { ...provider, ...changes } } } }),
        storage: { rootDirectory: path.join(folder, "root") },
    };
}
