/**
 * The file for `pulumi import --file`: the objects found in Authentik, with the types, names and parents by which the
 * program declares them. Pure.
 *
 * Components are not objects in Authentik, but part of a resource's address in the state. The import creates those that
 * the state lacks.
 */
import { FIRST_WORKLOAD } from "../../components/settings/workloads";
import { authentikTypes, componentTypes } from "../../components/typeTokens";

/** What the program declares in Authentik: the name in this file, with the name in the program. */
const DECLARED = {
    provider: { token: authentikTypes.providerOauth2, name: "registry" },
    application: { token: authentikTypes.application, name: "registry" },
    group: { token: authentikTypes.group, name: "registry" },
    user: { token: authentikTypes.user, name: "registry" },
    adminsBinding: { token: authentikTypes.policyBinding, name: "registry-admins" },
    workloadsBinding: { token: authentikTypes.policyBinding, name: "registry-workloads" },
} as const;
type Kind = keyof typeof DECLARED;
/** The objects that each further identity of CI has. */
type OfEach = "group" | "user" | "workloadsBinding";
/** A declared object; `group-charts` belongs to `ci.workloads.charts`. */
export type Declared = Kind | `${OfEach}-${string}`;

/** The name of an identity's object in this file. */
export const declaredOf = (kind: OfEach, workload: string): Declared =>
    workload === FIRST_WORKLOAD ? kind : `${kind}-${workload}`;

const kindOf = (object: Declared): Kind => object.split("-")[0] as Kind;

/** An object's type, and its name in the program. */
function resourceOf(object: Declared): { token: string; name: string } {
    const { token, name } = DECLARED[kindOf(object)];
    // What follows the kind also follows the name.
    return { token, name: name + object.slice(kindOf(object).length) };
}

/** The components around the objects, outermost first. */
const COMPONENTS = [
    { key: "hardenedRegistry", type: componentTypes.hardenedRegistry, name: "registry" },
    { key: "registryIdentity", type: componentTypes.registryIdentity, name: "registry" },
] as const;

/** The SDK's version, so the import uses the same provider as the program. */
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

/** The address of an object, or of a component, in the stack's state. */
export function addressOf(
    object: Declared | (typeof COMPONENTS)[number]["key"],
    project: string,
    stack: string,
): string {
    const path = COMPONENTS.map(({ type }) => type);
    const urn = (types: readonly string[], name: string) =>
        `urn:pulumi:${stack.split("/").at(-1)}::${project}::${types.join("$")}::${name}`;
    const index = COMPONENTS.findIndex(({ key }) => key === object);
    if (index >= 0) return urn(path.slice(0, index + 1), COMPONENTS[index]!.name);
    const { token, name } = resourceOf(object as Declared);
    return urn([...path, token], name);
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
    const isThere = (key: Parameters<typeof addressOf>[0]) => inState.has(addressOf(key, project, stack));
    const present = COMPONENTS.filter(({ key }) => isThere(key));
    const kinds = Object.keys(DECLARED);
    const objects = (Object.keys(found) as Declared[])
        .filter((key) => found[key] !== undefined && !isThere(key))
        .sort((left, right) => kinds.indexOf(kindOf(left)) - kinds.indexOf(kindOf(right)));
    const components = objects.length === 0 ? [] : COMPONENTS.filter(({ key }) => !isThere(key));
    return {
        nameTable: Object.fromEntries(present.map(({ key }) => [key, addressOf(key, project, stack)])),
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
                type: resourceOf(key).token,
                name: key,
                logicalName: resourceOf(key).name,
                parent: COMPONENTS.at(-1)!.key,
                id: found[key]!,
                version: VERSION,
            })),
        ],
    };
}
