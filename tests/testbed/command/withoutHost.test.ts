import { withoutHost } from "./contract";

withoutHost();
