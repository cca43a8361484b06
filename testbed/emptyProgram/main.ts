/** A Pulumi program that declares nothing: what the cost of a preview is compared with. Compiled as index.ts is. */
import * as pulumi from "@pulumi/pulumi";

export = async function program() {
    // A program that imports the SDK without using it would be compiled to one without it.
    return { stack: pulumi.getStack() };
};
