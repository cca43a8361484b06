import { onHost } from "./contract";

onHost("embedded");
