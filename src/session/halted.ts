/** What an agent hears of a halt: what is stopped, since when, and why, in the words of whoever stopped it. */

export interface Stop {
  readonly scope: 'all' | 'agent' | 'session' | 'recipient'
  readonly value: string
  /** Of an operator; one line. */
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** "Payments of agent a are halted since 2026-06-27T12:00:00.000Z: odd spending." */
export function haltedSentence({ scope, value, reason, at }: Stop): string {
  const what = scope === 'all' ? 'All payments are' : `Payments of ${scope} ${value} are`
  const why = reason.trim().replace(/\.$/, '')
  return `${what} halted since ${new Date(at).toISOString()}${why === '' ? '' : `: ${why}`}.`
}
