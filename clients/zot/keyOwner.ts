/** The owner of a key: each key that we make carries the project, the stack and the resource in its label. Pure. */

export interface Owner {
    project: string;
    stack: string;
    /** The resource's name. */
    name: string;
}

const MARK = /(?:^| )pulumi:([^/\s]+)\/([^/\s]+)\/(\S.*)$/;

export function ownerOf(urn: string): Owner {
    const [stack = "", project = "", , ...name] = urn.replace(/^urn:pulumi:/, "").split("::");
    return { project, stack, name: name.join("::") };
}

/** The label of a key in zot: the person's name for it, and its owner. */
export function labelFor(label: string, { project, stack, name }: Owner): string {
    return `${label} pulumi:${project}/${stack}/${name}`;
}

/** The owner that a label names; undefined for keys that no stack made. */
export function ownerIn(label: string): Owner | undefined {
    const [, project, stack, name] = MARK.exec(label) ?? [];
    return project && stack && name ? { project, stack, name } : undefined;
}

export const sameOwner = (left: Owner, right: Owner) =>
    left.project === right.project && left.stack === right.stack && left.name === right.name;

export const ownerText = ({ project, stack, name }: Owner) => `${project}/${stack} (resource ${name})`;
