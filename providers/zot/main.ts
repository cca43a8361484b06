/** The plugin `pulumi-resource-zot`: what Pulumi's engine starts for resources of the package `zot`. */
import { serve } from "../protocol";
import { zotProvider } from "./provider";

serve(zotProvider());
