/** Where the host keeps its deployments, as host/deploy.sh has it: beside the config. */
export const stateFolder = (configFile: string): string => `${configFile}.zot-hardening`;
