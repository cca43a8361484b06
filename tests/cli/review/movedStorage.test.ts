/** What a review says of images, accounts and keys that zot would look for elsewhere. */
import { otherRights } from "../../../cli/review/rights";

const local = { storage: { rootDirectory: "/var/lib/zot" } };
const inBucket = { storage: { ...local.storage, storageDriver: { name: "s3", rootdirectory: "/zot", bucket: "`x`" } } };

test("another place is to be read, with names as code", () => {
    expect(otherRights(local, inBucket)).toEqual([
        {
            effect: "unclear",
            words:
                "zot will keep images in the bucket `` `x` `` below `zot/zot` instead of the folder `/var/lib/zot`. " +
                "It sees only those that were copied there.",
        },
    ]);
    expect(otherRights(inBucket, inBucket)).toEqual([]);
});
