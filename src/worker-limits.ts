/** The bounds of workers, each with its reason. */

/** Beyond this many processes one listener and one ledger are the limit, whatever the machine has. */
export const MAX_WORKERS = 64

/** A worker that dies right after its start would otherwise keep a core busy with dying. */
export const WORKER_RESTART_MS = 200

/** So many deaths within the window are a fault that starting again does not mend: the program ends, and says so. */
export const MAX_WORKER_DEATHS = 5
export const WORKER_DEATHS_WINDOW_MS = 60_000

/** Start-up of a whole worker on a busy machine; what takes longer hangs. */
export const WORKER_START_TIMEOUT_MS = 60_000

/** A scrape shows what was last known of a worker that does not answer within this: its loop is busy or gone. */
export const WORKER_STATUS_TIMEOUT_MS = 1_000

/** What a worker has counted is asked for this often, so that one that is killed takes no more than that with it. */
export const WORKER_STATUS_INTERVAL_MS = 5_000

/** Beyond its own bounded drain: what a worker still needs to close its files and connections. */
export const WORKER_EXIT_MS = 5_000
