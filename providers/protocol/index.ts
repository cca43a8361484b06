export * from "./provider";
export { serve } from "./server";
export * from "./values";
