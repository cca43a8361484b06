import type { Fields } from "../apiSchema";
import type { Reference, Stored } from "../stored";
import { flowSummary } from "./flowSummary";
import type { ObjectKind, World } from "./kind";

interface StageTable {
    /** Below stages/: "user_login". */
    readonly name: string;
    /** "authentik_stages_user_login.userloginstage" */
    readonly model: string;
    readonly className: string;
    readonly verboseName: string;
    readonly applicationName: string;
    readonly component: string;
    readonly defaults: Fields;
    readonly references?: Record<string, Reference>;
    /** Members that are only shown. */
    readonly shown?: Fields;
}

const toFlow: Reference = { to: ["flows/instances"], whenDeleted: "null" };
const toStage = (name: string): Reference => ({ to: [`stages/${name}`], whenDeleted: "null" });

const tables: readonly StageTable[] = [
    {
        name: "identification",
        model: "authentik_stages_identification.identificationstage",
        className: "IdentificationStage",
        verboseName: "Identification Stage",
        applicationName: "authentik Stages.Identification",
        component: "ak-stage-identification-form",
        defaults: {
            user_fields: [],
            password_stage: null,
            captcha_stage: null,
            case_insensitive_matching: true,
            show_matched_user: true,
            enrollment_flow: null,
            recovery_flow: null,
            passwordless_flow: null,
            sources: [],
            show_source_labels: false,
            pretend_user_exists: true,
            enable_remember_me: false,
            webauthn_stage: null,
        },
        references: {
            password_stage: toStage("password"),
            captcha_stage: toStage("captcha"),
            sources: { to: [], whenDeleted: "remove" },
            webauthn_stage: toStage("authenticator/validate"),
            enrollment_flow: toFlow,
            recovery_flow: toFlow,
            passwordless_flow: toFlow,
        },
    },
    {
        name: "password",
        model: "authentik_stages_password.passwordstage",
        className: "PasswordStage",
        verboseName: "Password Stage",
        applicationName: "authentik Stages.Password",
        component: "ak-stage-password-form",
        defaults: { configure_flow: null, failed_attempts_before_cancel: 5, allow_show_password: false },
        references: { configure_flow: toFlow },
    },
    {
        name: "user_login",
        model: "authentik_stages_user_login.userloginstage",
        className: "UserLoginStage",
        verboseName: "User Login Stage",
        applicationName: "authentik Stages.User Login",
        component: "ak-stage-user-login-form",
        defaults: {
            session_duration: "seconds=0",
            terminate_other_sessions: false,
            remember_me_offset: "seconds=0",
            network_binding: "no_binding",
            geoip_binding: "no_binding",
            remember_device: "days=30",
        },
    },
    {
        name: "user_logout",
        model: "authentik_stages_user_logout.userlogoutstage",
        className: "UserLogoutStage",
        verboseName: "User Logout Stage",
        applicationName: "authentik Stages.User Logout",
        component: "ak-stage-user-logout-form",
        defaults: {},
    },
    {
        name: "consent",
        model: "authentik_stages_consent.consentstage",
        className: "ConsentStage",
        verboseName: "Consent Stage",
        applicationName: "authentik Stages.Consent",
        component: "ak-stage-consent-form",
        defaults: { mode: "expiring", consent_expire_in: "weeks=4" },
    },
    {
        name: "authenticator/validate",
        model: "authentik_stages_authenticator_validate.authenticatorvalidatestage",
        className: "AuthenticatorValidateStage",
        verboseName: "Authenticator Validation Stage",
        applicationName: "authentik Stages.Authenticator.Validate",
        component: "ak-stage-authenticator-validate-form",
        defaults: {
            not_configured_action: "skip",
            device_classes: ["static", "totp", "webauthn", "duo", "sms", "email"],
            configuration_stages: [],
            last_auth_threshold: "seconds=0",
            webauthn_user_verification: "preferred",
            webauthn_hints: [],
            webauthn_allowed_device_types: [],
        },
        references: { configuration_stages: { to: ["stages/authenticator/totp"], whenDeleted: "remove" } },
        shown: { webauthn_allowed_device_types_obj: [] },
    },
    {
        name: "authenticator/totp",
        model: "authentik_stages_authenticator_totp.authenticatortotpstage",
        className: "AuthenticatorTOTPStage",
        verboseName: "TOTP Authenticator Setup Stage",
        applicationName: "authentik Stages.Authenticator.TOTP",
        component: "ak-stage-authenticator-totp-form",
        defaults: { configure_flow: null, friendly_name: "", digits: "6" },
        references: { configure_flow: toFlow },
    },
];

export const stagePaths: readonly string[] = tables.map((table) => `stages/${table.name}`);

/** The kinds of stages that the stand-in's flows can hold. Their names are unique among all of them. */
export const stages: readonly ObjectKind[] = tables.map((table) => ({
    path: `stages/${table.name}`,
    model: table.model,
    className: table.className,
    verboseName: table.verboseName,
    applicationName: table.applicationName,
    primaryKey: "uuid",
    pathParameter: "stage_uuid",
    defaults: () => structuredClone(table.defaults),
    unique: { name: { message: "stage with this name already exists.", among: stagePaths } },
    references: table.references ?? {},
    ordering: ["name"],
    search: ["name"],
    represent: (stage, { world }) => ({
        ...commonMembers(world, stage, table),
        ...Object.fromEntries(
            Object.keys({ ...table.defaults, ...required(stage) }).map((name) => [name, stage[name]]),
        ),
        ...table.shown,
    }),
}));

/** Stored members that have no default because a request must give them. */
function required(stage: Stored): Fields {
    const { pk: _pk, name: _name, ...rest } = stage;
    return rest;
}

function commonMembers(world: World, stage: Stored, table: StageTable): Fields {
    return {
        pk: stage.pk,
        name: stage.name,
        component: table.component,
        verbose_name: table.verboseName,
        verbose_name_plural: `${table.verboseName}s`,
        meta_model_name: table.model,
        flow_set: flowsOf(world, stage),
    };
}

function flowsOf(world: World, stage: Stored): Fields[] {
    const keys = new Set(
        world.store.all("flows/bindings").flatMap((binding) => (binding.stage === stage.pk ? [binding.target] : [])),
    );
    return world.store
        .all("flows/instances")
        .filter((flow) => keys.has(flow.pk))
        .map(flowSummary);
}

/** A stage as a binding shows it; `unspecific` right after a write, when Authentik shows its base class. */
export function stageSummary(world: World, pk: unknown, unspecific: boolean): Fields {
    const { kind, object } = world.store.getAmong(stagePaths, pk) as { kind: ObjectKind; object: Stored };
    const table = tables.find((candidate) => `stages/${candidate.name}` === kind.path) as StageTable;
    const common = commonMembers(world, object, table);
    if (!unspecific) return common;
    return {
        ...common,
        component: "",
        verbose_name: "stage",
        verbose_name_plural: "stages",
        meta_model_name: "authentik_flows.stage",
    };
}
