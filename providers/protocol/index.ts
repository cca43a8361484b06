export * from "./provider";
export * from "./values";
export { serve } from "./server";
