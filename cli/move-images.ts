/** npm run move-images: prints a script that copies a registry's images into the bucket in its settings. */
import { membersOf } from "../components/settings";
import { scriptToMoveImages } from "./move/images";
import { command, print, run } from "./shared/command";
import { declaredByOption, withStackOption } from "./shared/stack";

const program = withStackOption(
    command(
        "npm run move-images --",
        "Prints a script for the registry's machine that copies the images there into the bucket in the stack's " +
            "settings, with Amazon's command line (aws): blobs while zot runs, everything once it is stopped, and then it " +
            "compares both. The bucket's credentials must be where aws finds them.",
        "npm run --silent move-images -- --stack prod | ssh zot@registry-host.example.org sh -s -- blobs",
    ),
)
    .option("--folder <path>", "where the images are (default: zot.rootDirectory, that of the first of host.members)")
    .action(({ folder }: { folder?: string }) => {
        const [first] = membersOf(declaredByOption(program).settings);
        print(scriptToMoveImages(first.settings, folder));
    });
void run(program);
