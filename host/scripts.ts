/** The scripts that run on the registry's host, each assembled from its files. */
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
 * Runs a script that arrives on standard input, and reads all of it before any part runs. It contains no single quote,
 * backslash, exclamation mark or line break, which login shells read differently.
 */
export const WHOLE_SCRIPT = `exec /bin/sh -c 'PATH=\${PATH:+$PATH:}/usr/bin:/bin; script=$(cat) && eval "$script"'`;

/**
 * Comments are not sent: they are a third of the text, and a stack's state would keep them. Directives for the linter
 * stay.
 */
const withoutComments = (scripts: string[]) => scripts.join("\n").replace(/^[ \t]*#(?! shellcheck).*\n/gm, "");

/**
 * Functions that change nothing on the host: what a deployment checks first, and what the observation of a host runs.
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

/** A whole deployment. It ends with `exit`, so nothing that follows it in the same file runs. */
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

/** Starts zot if its identity provider may be away; a deployment installs it on the host. */
export const zotStartScript = `${commonScript}\n${startScript}`;
