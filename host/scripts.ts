/** The scripts that run on the registry's host, each put together from its files. */
import commonScript from "./common.sh";
import deployScript from "./deploy.sh";
import endScript from "./end.sh";
import filesScript from "./files.sh";
import firstDeploymentScript from "./firstDeployment.sh";
import lockScript from "./lock.sh";
import managerScript from "./manager.sh";
import outputScript from "./output.sh";
import payloadScript from "./payload.sh";
import preflightScript from "./preflight.sh";
import probeScript from "./probe.sh";
import processesScript from "./processes.sh";
import rightsScript from "./rights.sh";
import rollbackScript from "./rollback.sh";
import secretFilesScript from "./secretFiles.sh";
import serviceScript from "./service.sh";
import serviceFileScript from "./serviceFile.sh";
import stagingScript from "./staging.sh";
import startScript from "./start.sh";
import startInUseScript from "./startInUse.sh";
import transactionScript from "./transaction.sh";
import versionScript from "./version.sh";
import zotLogScript from "./zotLog.sh";
import zotUserScript from "./zotUser.sh";

/**
 * What runs a script on the host that comes on standard input: read whole before any of it runs. Without single quote,
 * backslash, exclamation mark and line break in it, which login shells read differently.
 */
export const WHOLE_SCRIPT = `exec /bin/sh -c 'PATH=\${PATH:+$PATH:}/usr/bin:/bin; script=$(cat) && eval "$script"'`;

/**
 * What is sent has no comments: they are a third of it, and the state of a stack keeps it. What a linter reads of them
 * stays.
 */
const withoutComments = (scripts: string[]) => scripts.join("\n").replace(/^[ \t]*#(?! shellcheck).*\n/gm, "");

/**
 * What changes nothing on the host: what a deployment checks first, and what the observation of a host runs. Functions
 * alone.
 */
export const inspectionScript = withoutComments([
    commonScript,
    outputScript,
    filesScript,
    zotUserScript,
    versionScript,
    probeScript,
    managerScript,
    startInUseScript,
    processesScript,
    rightsScript,
    preflightScript,
    firstDeploymentScript,
    serviceFileScript,
]);

/** A deployment, whole. It ends with `exit`, so that whatever follows it in the same file is not run. */
export const deploymentScript = withoutComments([
    inspectionScript,
    payloadScript,
    lockScript,
    endScript,
    serviceScript,
    zotLogScript,
    secretFilesScript,
    stagingScript,
    transactionScript,
    rollbackScript,
    deployScript,
]);

/** What starts zot where its identity provider may be away; a deployment puts it on the host. */
export const zotStartScript = `${commonScript}\n${startScript}`;
