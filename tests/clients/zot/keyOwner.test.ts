import fc from "fast-check";
import { labelFor, ownerIn, ownerOf } from "../../../clients/zot/keyOwner";

const OWNER = { project: "zot-hardening", stack: "prod", name: "registry" };

describe("the label", () => {
    test("says whose key it is, whatever the resource is called", () => {
        const name = fc
            .string({ minLength: 1 })
            .filter((text) => text.trim() === text && !/[\n\r]/.test(text) && !text.includes("pulumi:"));
        fc.assert(
            fc.property(name, fc.constantFrom("ci", "builds at home"), (resource, label) =>
                expect(ownerIn(labelFor(label, { ...OWNER, name: resource }))).toEqual({ ...OWNER, name: resource }),
            ),
        );
    });

    test("of a key that was made by hand says nothing", () => {
        expect([ownerIn("laptop"), ownerIn(""), ownerIn("pulumi"), ownerIn("my pulumi: key")]).toEqual([
            undefined,
            undefined,
            undefined,
            undefined,
        ]);
    });

    test("comes from the URN", () => {
        expect(ownerOf("urn:pulumi:prod::zot-hardening::a:b:C$zot:index/apiKey:ApiKey::with::colons")).toEqual({
            project: "zot-hardening",
            stack: "prod",
            name: "with::colons",
        });
    });
});
