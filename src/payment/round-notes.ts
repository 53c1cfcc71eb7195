/** What one round of recovery writes down as it goes. */
import type { Incoming } from '../chain/chain.ts'
import { PROOF_CONCURRENCY } from '../limits.ts'
import type { MatchedRefund, Resolved, RoundReport, StillOpen } from './report.ts'

export class RoundNotes {
  readonly resolved: Resolved[] = []
  readonly open: StillOpen[] = []
  readonly refunds: MatchedRefund[] = []
  readonly unmatched: Incoming[] = []
  takenOver = 0
  failures = 0
  readonly #unavailable = new Map<string, string>()
  readonly #unanswered = new Map<string, number>()
  readonly #answered = new Set<string>()

  /** The first reason is kept: the ones after it are about the same. */
  unavailableAt(network: string | undefined, reason: string): void {
    if (network === undefined) return
    if (!this.#unavailable.has(network)) this.#unavailable.set(network, reason)
    this.#unanswered.set(network, (this.#unanswered.get(network) ?? 0) + 1)
  }

  answeredBy(network: string | undefined): void {
    if (network !== undefined) this.#answered.add(network)
  }

  /**
   * Why the network needs not be asked again in this round: it gave no answer to as many questions as are asked at once,
   * and none to any other. One payment that it cannot tell about keeps no other waiting.
   */
  silenceOf(network: string | undefined): string | undefined {
    if (network === undefined || this.#answered.has(network)) return undefined
    return (this.#unanswered.get(network) ?? 0) < PROOF_CONCURRENCY ? undefined : this.#unavailable.get(network)
  }

  /** Why the network could not be asked about something in this round; undefined where nothing of that kind was seen. */
  reasonOf(network: string | undefined): string | undefined {
    return network === undefined ? undefined : this.#unavailable.get(network)
  }

  report(): RoundReport {
    const { resolved, open, refunds, unmatched, takenOver, failures } = this
    const unavailable = [...this.#unavailable].map(([network, reason]) => ({ network, reason }))
    return { takenOver, resolved, open, refunds, unmatched, unavailable, failures }
  }
}
