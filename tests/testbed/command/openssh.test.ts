import { findSshd } from "../../../testbed/sshHost";
import { onHost } from "./contract";

if (findSshd()) onHost("openssh");
else test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});
