import { findSshd } from "../../../testbed/sshHost";
import { dials } from "./dials";
import { runs } from "./runs";

if (findSshd()) {
    runs("openssh");
    dials("openssh");
} else test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});
