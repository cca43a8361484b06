// oidc-provider brings no types; what the stand-in uses of it is described in oidcEngine.ts.
declare module "oidc-provider";
