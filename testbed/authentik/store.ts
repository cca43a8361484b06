import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Fields } from "./apiSchema";
import { newUuid } from "./identifiers";
import type { Stored, StoredKind } from "./stored";

/** A permission that a role holds, on every object of a model or on one. */
export interface Grant {
    readonly id: number;
    readonly role: string;
    /** "authentik_core.view_user" */
    readonly permission: string;
    readonly model?: string;
    readonly objectPk?: string;
}

interface State {
    objects: Record<string, Stored[]>;
    grants: Grant[];
    counters: Record<string, number>;
}

/**
 * The objects, in memory, in the order in which they were made; written to a file of mode 0600, by rename, after every
 * change if one was given (it holds passwords' hashes, token keys and client secrets).
 */
export class ObjectStore<Kind extends StoredKind = StoredKind> {
    private readonly kinds: ReadonlyMap<string, Kind>;
    private state: State = { objects: {}, grants: [], counters: {} };

    constructor(
        kinds: Iterable<Kind>,
        private readonly file?: string,
    ) {
        this.kinds = new Map([...kinds].map((kind) => [kind.path, kind]));
        if (file !== undefined && existsSync(file)) this.state = JSON.parse(readFileSync(file, "utf8")) as State;
    }

    get isEmpty(): boolean {
        return Object.keys(this.state.objects).length === 0;
    }

    kind(path: string): Kind {
        const kind = this.kinds.get(path);
        if (!kind) throw new Error(`the stand-in knows no kind of object called ${path}`);
        return kind;
    }

    allKinds(): Kind[] {
        return [...this.kinds.values()];
    }

    all(path: string): Stored[] {
        return (this.state.objects[path] ??= []);
    }

    get(path: string, pk: unknown): Stored | undefined {
        return this.all(path).find((object) => String(object.pk) === String(pk));
    }

    /** An object by key in any of several kinds (a stage, a policy). */
    getAmong(paths: readonly string[], pk: unknown): { kind: Kind; object: Stored } | undefined {
        for (const path of paths) {
            const object = this.get(path, pk);
            if (object) return { kind: this.kind(path), object };
        }
        return undefined;
    }

    find(path: string, member: string, value: unknown): Stored | undefined {
        return this.all(path).find((object) => object[member] === value);
    }

    insert(path: string, fields: Fields): Stored {
        const kind = this.kind(path);
        const pk = kind.primaryKey === "uuid" ? newUuid() : this.next(path);
        const object: Stored = { pk, ...fields };
        if (kind.policyBindingModel === "policybindingmodel_ptr_id") object.policybindingmodel_ptr_id = newUuid();
        this.all(path).push(object);
        this.save();
        return object;
    }

    update(object: Stored, fields: Fields): void {
        Object.assign(object, fields);
        this.save();
    }

    /** The next number of a series, from 1. */
    next(series: string): number {
        const value = (this.state.counters[series] ?? 0) + 1;
        this.state.counters[series] = value;
        return value;
    }

    /**
     * Removes an object and does to the rest what Authentik's database does: nothing is protected, bindings vanish with
     * what they bind, a provider without its authorization flow goes.
     */
    remove(path: string, pk: string | number): void {
        this.removeOne(path, pk);
        this.save();
    }

    private removeOne(path: string, pk: string | number): void {
        const kind = this.kind(path);
        const objects = this.all(path);
        const index = objects.findIndex((object) => object.pk === pk);
        if (index < 0) return;
        const [removed] = objects.splice(index, 1) as [Stored];
        if (kind.policyBindingModel) {
            const target = removed[kind.policyBindingModel];
            for (const binding of this.all("policies/bindings").filter((candidate) => candidate.target === target)) {
                this.removeOne("policies/bindings", binding.pk);
            }
        }
        if (path === "rbac/roles") this.state.grants = this.state.grants.filter((grant) => grant.role !== pk);
        this.state.grants = this.state.grants.filter(
            (grant) => grant.model !== kind.model || grant.objectPk !== String(pk),
        );
        for (const other of this.kinds.values()) {
            for (const [member, reference] of Object.entries(other.references ?? {})) {
                if (!reference.to.includes(path)) continue;
                for (const object of [...this.all(other.path)]) {
                    const value = object[member];
                    if (Array.isArray(value)) {
                        if (value.includes(pk)) object[member] = value.filter((key) => key !== pk);
                    } else if (value === pk) {
                        if (reference.whenDeleted === "cascade") this.removeOne(other.path, object.pk);
                        else object[member] = null;
                    }
                }
            }
        }
    }

    grants(): readonly Grant[] {
        return this.state.grants;
    }

    /** Gives a role a permission; giving it again changes nothing and answers the same id, as measured. */
    grant(grant: Omit<Grant, "id">): Grant {
        const known = this.state.grants.find(
            (other) =>
                other.role === grant.role &&
                other.permission === grant.permission &&
                other.model === grant.model &&
                other.objectPk === grant.objectPk,
        );
        if (known) return known;
        const added = { id: this.next(grant.objectPk === undefined ? "modelGrants" : "objectGrants"), ...grant };
        this.state.grants.push(added);
        this.save();
        return added;
    }

    revoke(grant: Omit<Grant, "id">): void {
        this.state.grants = this.state.grants.filter(
            (other) =>
                other.role !== grant.role ||
                other.permission !== grant.permission ||
                other.model !== grant.model ||
                other.objectPk !== grant.objectPk,
        );
        this.save();
    }

    private save(): void {
        if (this.file === undefined) return;
        const temporary = `${this.file}.${process.pid}.tmp`;
        writeFileSync(temporary, JSON.stringify(this.state), { mode: 0o600 });
        // The mode above counts only for a new file.
        chmodSync(temporary, 0o600);
        renameSync(temporary, this.file);
    }
}
