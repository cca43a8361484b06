/** Policy bindings and login flows by the provider's operations. */
import { UNKNOWN } from "../../../providers/protocol";
import { api, backendName, uniqueName } from "./backend";
import { authentik, backend, cleanUp, startAuthentik, stopAuthentik, writes } from "./setUp";

jest.setTimeout(60_000);
beforeAll(startAuthentik);
afterEach(cleanUp);
afterAll(stopAuthentik);

describe(`on ${backendName}`, () => {
    describe("a policy binding", () => {
        const guarded = async () => {
            const slug = uniqueName("app");
            const application = await authentik.create("application", { name: "App", slug });
            const [one, two] = [
                await authentik.create("group", { name: uniqueName("one") }),
                await authentik.create("group", { name: uniqueName("two") }),
            ];
            return { target: application.properties.uuid as string, one: one.id, two: two.id };
        };

        test("reads back without a difference, and every update carries target, subject and order", async () => {
            const { target, one, two } = await guarded();
            const binding = await authentik.create("policyBinding", { target, group: one, order: 0 });
            expect(binding.inputs).toEqual({
                target,
                group: one,
                order: 0,
                negate: false,
                enabled: true,
                timeout: 30,
                failureResult: false,
            });
            expect(await binding.refresh()).toEqual([]);
            await binding.update({ target, group: one, order: 0, enabled: false });
            expect(writes().at(-1)?.body).toEqual({
                target,
                group: one,
                user: null,
                policy: null,
                order: 0,
                enabled: false,
            });
            await binding.update({ target, group: two, order: 3 });
            expect((await api(backend, "GET", `/policies/bindings/${binding.id}/`)).body).toMatchObject({
                group: two,
                order: 3,
                enabled: true,
            });
        });

        test("goes from a group to a user", async () => {
            const { target, one } = await guarded();
            const user = await authentik.create("user", { username: uniqueName("user") });
            const binding = await authentik.create("policyBinding", { target, group: one, order: 0 });
            expect(await binding.diff({ target, user: user.id, order: 0 })).toEqual(["delete group", "add user"]);
            await binding.update({ target, user: user.id, order: 0 });
            expect((await api(backend, "GET", `/policies/bindings/${binding.id}/`)).body).toMatchObject({
                group: null,
                user: Number(user.id),
            });
        });

        test("of an order that is taken is refused, however many are made at once", async () => {
            const { target, one, two } = await guarded();
            const outcomes = await Promise.allSettled(
                [1, 2, 3, 4].map(() => authentik.create("policyBinding", { target, group: one, order: 0 })),
            );
            expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
            expect((await api(backend, "GET", `/policies/bindings/?target=${target}`)).body.results).toHaveLength(1);
            await expect(authentik.create("policyBinding", { target, group: two, order: 0 })).rejects.toThrow(
                /order 0 of this target belongs to the group test-one-.*choose another order/,
            );
        });

        test("that would swap orders with another is told how", async () => {
            const { target, one, two } = await guarded();
            const first = await authentik.create("policyBinding", { target, group: one, order: 0 });
            await authentik.create("policyBinding", { target, group: two, order: 1 });
            await expect(first.update({ target, group: one, order: 1 })).rejects.toThrow(
                /give one of them a free number first/,
            );
        });

        test("of which a change is refused for one that was made by hand with the same order names that one", async () => {
            const { target, one, two } = await guarded();
            const ours = await authentik.create("policyBinding", { target, group: one, order: 0 });
            const { body } = await api(backend, "POST", "/policies/bindings/", { target, group: two, order: 0 });
            await expect(ours.update({ target, group: one, order: 0, enabled: false })).rejects.toThrow(
                new RegExp(`order 0 of this target also belongs to the group test-two-\\S+ \\(binding ${body.pk}\\)`),
            );
        });

        test("has exactly one subject", async () => {
            expect(await authentik.failures("policyBinding", { target: "t", order: 0 })).toEqual([
                "group: one of group, user and policy is required: who or what the binding is for",
            ]);
            expect(await authentik.failures("policyBinding", { target: "t", order: 0, group: "g", user: 1 })).toEqual([
                "user: only one of group, user and policy can be given, not group and user",
            ]);
            expect(await authentik.failures("policyBinding", { target: UNKNOWN, order: 0, group: UNKNOWN })).toEqual(
                [],
            );
        });
    });

    test("a login flow of one's own: flow, stages, their bindings, and a policy on one of them", async () => {
        const name = uniqueName("login");
        const passwordStage = (await api(backend, "GET", "/stages/password/?name=default-authentication-password")).body
            .results[0].pk as string;
        const flowInputs = {
            name: "CI login",
            slug: name,
            title: "CI login",
            designation: "authentication",
            authentication: "require_unauthenticated",
        };
        const flow = await authentik.create("flow", flowInputs);
        expect(flow.id).toBe(name);
        const identification = await authentik.create("stageIdentification", {
            name: `${name}-identification`,
            userFields: ["username"],
            passwordStage,
        });
        const login = await authentik.create("stageUserLogin", { name: `${name}-login`, sessionDuration: "minutes=5" });
        const target = flow.properties.uuid!;
        const first = await authentik.create("flowStageBinding", { target, stage: identification.id, order: 0 });
        const second = await authentik.create("flowStageBinding", {
            target,
            stage: login.id,
            order: 1,
            reEvaluatePolicies: true,
        });
        const policy = await authentik.create("policyExpression", {
            name: `${name}-only-ci`,
            expression: 'return request.context["pending_user"].username == "zot-ci"\n',
        });
        const binding = await authentik.create("policyBinding", { target: second.id, policy: policy.id, order: 0 });

        for (const managed of [flow, identification, login, first, second, policy, binding]) {
            expect([managed.type, await managed.refresh()]).toEqual([managed.type, []]);
            expect([managed.type, await managed.diff(managed.inputs)]).toEqual([managed.type, []]);
            const imported = await authentik.read(managed.type, managed.id);
            expect([managed.type, await managed.diff(imported!.inputs!)]).toEqual([managed.type, []]);
        }

        await api(backend, "PATCH", `/stages/user_login/${login.id}/`, {
            name: `${name}-login`,
            session_duration: "days=300",
        });
        await api(backend, "PATCH", `/policies/expression/${policy.id}/`, {
            name: `${name}-only-ci`,
            expression: "return True",
        });
        for (const managed of [login, policy]) {
            const { inputs } = managed;
            expect(await managed.refresh()).not.toEqual([]);
            await managed.update(inputs);
            expect(await managed.refresh()).toEqual([]);
        }
        await second.update({
            target,
            stage: login.id,
            order: 7,
            reEvaluatePolicies: true,
            invalidResponseAction: "restart",
        });
        expect(await second.refresh()).toEqual([]);
        await flow.update({ ...flowInputs, title: "Another title" });
        expect(await flow.refresh()).toEqual([]);
        await identification.update({ name: `${name}-identification`, userFields: ["username", "email"] });
        expect(identification.properties).not.toHaveProperty("passwordStage");
        await expect(authentik.create("flow", flowInputs)).rejects.toThrow(
            `pulumi import authentik:index/flow:Flow thing ${name}`,
        );
    });
});
