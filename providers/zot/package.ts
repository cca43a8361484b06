/** The name of the package `zot`, and its types. */

export const packageName = "zot";
export const packageVersion = "0.1.0";
export const apiKeyToken = "zot:index/apiKey:ApiKey";
export const clientSecretToken = "zot:index/clientSecret:ClientSecret";
export const hostObservationToken = "zot:index/hostObservation:HostObservation";
export const hostWithdrawalToken = "zot:index/hostWithdrawal:HostWithdrawal";
