import { dials } from "./dials";
import { runs } from "./runs";

runs("embedded");
dials("embedded");
