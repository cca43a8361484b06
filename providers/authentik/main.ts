/** The plugin `pulumi-resource-authentik`: what Pulumi's engine starts for resources of the package `authentik`. */
import { serve } from "../protocol";
import { authentikProvider } from "./provider";

serve(authentikProvider());
