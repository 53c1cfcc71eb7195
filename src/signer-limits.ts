/** Bounds of the signer process and of the way to it. As in `limits.ts`, each with its reason. */

/** A login with all its resources fits many times over; nothing honest is longer. */
export const MAX_SIGNER_FRAME_BYTES = 65_536
/** A proxy has one connection, each of its workers another; replicas on the machine a few more. */
export const MAX_SIGNER_CONNECTIONS = 64
/** Requests of one connection that wait for their answer: what a full event loop can have open, and no queue without end. */
export const MAX_SIGNER_PENDING = 4_096
/** A signature takes a disk's sync and less than a millisecond; whoever waits longer waits for nobody. */
export const SIGNER_ANSWER_MS = 5_000
/** Who connects says at once who it is. */
export const SIGNER_HELLO_MS = 5_000
/** Five times what the proxy signs by default, which leaves room for clocks that differ: guarantee G8 beside the proxy's own. */
export const MAX_SIGNER_WINDOW_S = 600
/** Nonces that are remembered before those whose window is over are dropped. One takes some 300 bytes. */
export const MAX_SIGNER_NONCES = 100_000
