/**
 * The file for `pulumi import --file`: what was found in Authentik under the types, names and parents by which the
 * program declares it. Pure.
 *
 * Components are no objects of Authentik; they are part of a resource's address in the state, and are made by the
 * import where the state has none.
 */
import { authentikTypes, componentTypes } from "../../components/typeTokens";

/** What the program declares in Authentik, by the name that it has in this file, with its name in the program. */
const DECLARED = {
    provider: { token: authentikTypes.providerOauth2, name: "registry" },
    application: { token: authentikTypes.application, name: "registry" },
    group: { token: authentikTypes.group, name: "registry" },
    user: { token: authentikTypes.user, name: "registry" },
    adminsBinding: { token: authentikTypes.policyBinding, name: "registry-admins" },
    workloadsBinding: { token: authentikTypes.policyBinding, name: "registry-workloads" },
} as const;
export type Declared = keyof typeof DECLARED;

/** The components that they are in, outermost first. */
const COMPONENTS = [
    { key: "hardenedRegistry", type: componentTypes.hardenedRegistry, name: "registry" },
    { key: "registryIdentity", type: componentTypes.registryIdentity, name: "registry" },
] as const;

/** The SDK's version: with it, the import goes by the same provider as the program. */
const VERSION = (require("../../sdks/authentik/package.json") as { version: string }).version;

/** As Pulumi reads it (CLI 3.259). */
export interface ImportFile {
    nameTable: Record<string, string>;
    resources: {
        type: string;
        name: string;
        logicalName: string;
        parent?: string;
        id?: string;
        version?: string;
        component?: true;
    }[];
}

/** The addresses of everything that could be in the file. */
export function addresses(
    project: string,
    stack: string,
): Record<Declared | (typeof COMPONENTS)[number]["key"], string> {
    const urn = (types: string[], name: string) =>
        `urn:pulumi:${stack.split("/").at(-1)}::${project}::${types.join("$")}::${name}`;
    const path = COMPONENTS.map(({ type }) => type);
    const components = COMPONENTS.map(({ key, name }, index) => [key, urn(path.slice(0, index + 1), name)]);
    const declared = Object.entries(DECLARED).map(([key, { token, name }]) => [key, urn([...path, token], name)]);
    return Object.fromEntries([...components, ...declared]) as ReturnType<typeof addresses>;
}

/**
 * @param found ids in Authentik
 * @param inState addresses in the stack's state: what is there already is left out
 */
export function importFile(
    found: Partial<Record<Declared, string>>,
    inState: ReadonlySet<string>,
    project: string,
    stack: string,
): ImportFile {
    const urns = addresses(project, stack);
    const present = COMPONENTS.filter(({ key }) => inState.has(urns[key]));
    const objects = (Object.keys(DECLARED) as Declared[]).filter(
        (key) => found[key] !== undefined && !inState.has(urns[key]),
    );
    const components = objects.length === 0 ? [] : COMPONENTS.filter(({ key }) => !inState.has(urns[key]));
    return {
        nameTable: Object.fromEntries(present.map(({ key }) => [key, urns[key]])),
        resources: [
            ...components.map(({ key, type, name }) => {
                const outer = COMPONENTS[COMPONENTS.findIndex((component) => component.key === key) - 1];
                return {
                    type,
                    name: key,
                    logicalName: name,
                    component: true as const,
                    ...(outer ? { parent: outer.key } : {}),
                };
            }),
            ...objects.map((key) => ({
                type: DECLARED[key].token,
                name: key,
                logicalName: DECLARED[key].name,
                parent: COMPONENTS.at(-1)!.key,
                id: found[key]!,
                version: VERSION,
            })),
        ],
    };
}
