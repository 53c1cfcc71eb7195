/** Lineages: from a session to its root. They never change, so they are asked for once and known before a lane is chosen. */
import type { SessionTerms } from '../session-row.ts'
import type { Reading } from './reading.ts'
import type { Terms } from './sessions.ts'

export interface KnownLineage {
  /** The root's agent: whatever is done to the budgets of one agent, which share its series, goes through one lane. */
  readonly queue: string
  /** From the session to the root. Without terms where there is no such session. */
  readonly ids: readonly string[]
  readonly terms: readonly SessionTerms[]
}

export class Lineages {
  readonly #store: Pick<Reading, 'select'>
  readonly #terms: Terms
  readonly #asking = new Map<string, Promise<KnownLineage>>()

  constructor(store: Pick<Reading, 'select'>, terms: Terms) {
    this.#store = store
    this.#terms = terms
  }

  /** Without asking the store, where all of it is known. */
  known(id: string): KnownLineage | undefined {
    const line: SessionTerms[] = []
    for (let next: string | null = id; next !== null; ) {
      const terms = this.#terms.find(next)
      if (!terms) return undefined
      line.push(terms)
      next = terms.parent
    }
    return lineage(id, line)
  }

  /** Whoever asks at the same time waits for the same answer, and they go on in the order in which they came. */
  of(id: string): Promise<KnownLineage> {
    const asking = this.#asking.get(id) ?? this.#look(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  async #look(id: string): Promise<KnownLineage> {
    const line: SessionTerms[] = []
    for (let next: string | null = id; next !== null; ) {
      const terms: SessionTerms | undefined = this.#terms.find(next) ?? (await this.#ask(next))
      if (!terms) break
      line.push(terms)
      next = terms.parent
    }
    return lineage(id, line)
  }

  async #ask(id: string): Promise<SessionTerms | undefined> {
    const [row] = await this.#store.select({ table: 'sessions', where: [{ columns: ['id'], is: '=', values: [id] }] })
    return row && this.#terms.of(row)
  }
}

function lineage(id: string, terms: readonly SessionTerms[]): KnownLineage {
  return { queue: terms.at(-1)?.agent ?? id, ids: terms.length === 0 ? [id] : terms.map((one) => one.id), terms }
}
