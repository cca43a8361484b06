/** What each job of the workflows does, in its order. */

const CHECKOUT: Record<string, string[]> = {
    ".github": ["actions/checkout", "actions/setup-node"],
    ".forgejo": ["Check out", "The runner's image has a Node that is new enough"],
};
/** By workflow and job. A step that is left out, or added, is missed by what compares with it. */
export const stepsOf = (forge: string): Record<string, Record<string, string[]>> => {
    const [checkout, node] = CHECKOUT[forge]! as [string, string];
    const pulumi = [checkout, node, "Install Pulumi", "Install the packages"];
    return {
        review: {
            rights: [
                checkout,
                "Fetch the head",
                node,
                "Install the packages of the base",
                "What the change gives and takes",
                "Hand on the text",
            ],
            comment: [checkout, node, "Comment"],
        },
        test: {
            test: [checkout, node, "Test"],
            rendering: [checkout, "Fetch the base", node, "Install the packages", "What the head's own code says"],
        },
        preview: { preview: [...pulumi, "Preview", "Hand on the text"], comment: [checkout, node, "Comment"] },
        drift: { drift: [...pulumi, "Look for drift", "Publish"] },
        deploy: { deploy: [...pulumi, "Deploy"] },
        nightly: {
            real: [...pulumi.toSpliced(3, 0, "Install the command plugin"), "Contract, verify and faults"],
            macos: [checkout, node, "Install the packages", "The tests of the host"],
        },
    };
};
