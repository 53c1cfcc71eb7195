/** The bounds of paying with the first attempt, each with its reason. Units stand last in the names. */

/** Routes whose terms are remembered, about 2 KB each; the least recently paid go first. */
export const MAX_RECURRING_ROUTES = 10_000
/** Whoever wants more proof than this wants the feature off. */
export const MAX_RECURRENCES = 1_000
/** Nothing asked for this payment, so it gets the shortest window there is. */
export const PREEMPTIVE_WINDOW_S = 10
/** A slower route may settle too late for that window: facilitators want 6 s of it left when the answer is made. */
export const PREEMPTIVE_MAX_ANSWER_MS = 2_000
/** After a miss or a waste a route is asked for its terms like any other for so long, and has to recur anew after that. */
export const PREEMPTIVE_PAUSE_MS = 10 * 60_000
