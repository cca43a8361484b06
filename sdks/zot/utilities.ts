import type * as pulumi from "@pulumi/pulumi";

export function getVersion(): string {
    return (require("./package.json") as { version: string }).version;
}

/** @internal */
export function resourceOptsDefaults(): pulumi.ResourceOptions {
    return { version: getVersion() };
}
