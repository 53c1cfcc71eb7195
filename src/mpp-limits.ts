/** The bounds of the MPP rail, each with its reason. Units stand last in the names. */

/** Id and realm of a challenge: honest ones are a digest and a host name. They go back whole in the payment header. */
export const MAX_CHALLENGE_NAME_CHARS = 256
/** The request of a challenge, base64url: honest ones have some 400. It goes back whole in the payment header. */
export const MAX_CHALLENGE_REQUEST_CHARS = 3 * 1024
/** What of a challenge goes back: with the signed transfer, and in base64, it has to fit into `MAX_PAYMENT_HEADER_BYTES`. */
export const MAX_CHALLENGE_ECHO_CHARS = 4 * 1024
/** A receipt is a header of some 200 characters. */
export const MAX_RECEIPT_CHARS = 8 * 1024
