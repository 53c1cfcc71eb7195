/** Bounds on what a challenge may carry beyond its offers, and on logins; each with its reason. */

/** A `did:jwk` of a P-256 key has about 200. */
export const MAX_DID_CHARS = 512
/** One for each of the most offers that real challenges list; each costs a verification, up to half a millisecond. */
export const MAX_SIGNED_OFFERS = 16
/** A signed offer has about 800; more would bloat the records that keep it. */
export const MAX_SIGNED_CHARS = 4_096
/** A login lives as long as a request may reasonably travel, whatever the site asks for. */
export const MAX_LOGIN_MS = 120_000
/** Sites and we may disagree on the time by this much; sites themselves refuse logins that are older. */
export const MAX_LOGIN_AGE_MS = 300_000
/** Resources named in a login; sites name the one that was asked for. */
export const MAX_LOGIN_RESOURCES = 10
/** Of each text of a login. */
export const MAX_LOGIN_CHARS = 2_048
/** Earlier payments to a host that are looked through for one to the same origin. */
export const MAX_EARLIER_PAYMENTS = 20
/** Of one listed recipient: keys are rotated, one at a time. */
export const MAX_SIGNERS = 16
