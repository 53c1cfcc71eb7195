/** The bounds of payments inside MCP, each with its reason. Units stand last in the names. */

/** A challenge is an answer of at most twice a 402's body, with room for what stands around it; larger answers are none and stream on. */
export const MAX_UNPAID_MESSAGE_BYTES = 256 * 1024
/** A paid answer is held until it is known what it says of the money, and gets the agent's id: a few images as base64. */
export const MAX_PAID_MESSAGE_BYTES = 8 * 1024 * 1024
/** Tools may work for minutes. Nobody knows after this time whether an answer still comes; the payment is held like any without one. */
export const CALL_TIMEOUT_MS = 15 * 60_000
