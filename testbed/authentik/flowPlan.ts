/** What a flow that is being carried out still has to do, kept in the session. */
export interface FlowPlan {
    readonly flow: string;
    /**
     * Keys of flow stage bindings, first the current one; or the last step of an authorization, which is no stage of a
     * flow.
     */
    steps: string[];
    /** Context variable `pending_user`: a user, or only the name that was given. */
    pendingUser?: { pk?: number; username: string };
    /** How the pending user was authenticated. */
    method?: "password" | "token";
    /** The application that somebody wants to get to. */
    application?: string;
    /** What the authorization endpoint was asked for. */
    authorization?: Record<string, string>;
    /** A consent form's token. */
    consentToken?: string;
}

/** The step that ends an authorization: the code is issued. */
export const fulfillment = "oauth-fulfillment";
