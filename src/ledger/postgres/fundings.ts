/** The journal of funded sessions, shared by all processes: an account is one process's at a time, by its lease. */
import { plannedColumns, progressColumns, readAccount, readFunding } from '../funding-row.ts'
import type { FundedAccount, Funding, FundingProgress, FundingState, FundingStore, PlannedFunding } from '../fundings.ts'
import type { Batch } from './batch.ts'
import { equal } from './lists.ts'
import { type Hands, housekeeping, type Write } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Row } from './store.ts'

export interface PostgresFundingsOptions {
  readonly reading: Pick<Reading, 'select'>
  readonly batch: Pick<Batch<Hands>, 'write'>
}

export class PostgresFundings implements FundingStore {
  readonly #options: PostgresFundingsOptions

  constructor(options: PostgresFundingsOptions) {
    this.#options = options
  }

  open({ sessionId, address }: Pick<FundedAccount, 'sessionId' | 'address'>, now: number): Promise<void> {
    return this.#onAccount(sessionId, (row, { set }) => {
      if (row) wished(row, { set }, now)
      else set.insert('funded_accounts', { session_id: sessionId, address: address.toLowerCase(), due_at: now, leased_until: 0, wishes: 0 })
    })
  }

  wish(sessionId: string, now: number): Promise<void> {
    return this.#onAccount(sessionId, (row, hands) => {
      if (row) wished(row, hands, now)
    })
  }

  async claim({ now, until, limit }: Parameters<FundingStore['claim']>[0]): Promise<readonly FundedAccount[]> {
    const past = (column: string) => ({ columns: [column], is: '<', values: [now + 1] }) as const
    const where = [past('due_at'), past('leased_until')]
    const due = await this.#options.reading.select({ table: 'funded_accounts', where, order: { by: ['due_at'] }, limit })
    const claimed = await Promise.all(due.map((row) => this.#lease(readAccount(row).sessionId, now, until)))
    return claimed.flatMap((account) => account ?? [])
  }

  release({ sessionId, wishes }: FundedAccount, { dueAt, endedAt }: Parameters<FundingStore['release']>[1]): Promise<void> {
    return this.#onAccount(sessionId, (row, { set }) => {
      if (!row) return
      const due = readAccount(row).wishes === wishes ? { due_at: dueAt } : {}
      set.update('funded_accounts', row, { leased_until: 0, ended_at: endedAt, ...due })
    })
  }

  async account(sessionId: string): Promise<FundedAccount | undefined> {
    const [row] = await this.#options.reading.select({ table: 'funded_accounts', where: equal('session_id', sessionId) })
    return row && readAccount(row)
  }

  async accountAt(address: string): Promise<FundedAccount | undefined> {
    const [row] = await this.#options.reading.select({ table: 'funded_accounts', where: equal('address', address.toLowerCase()) })
    return row && readAccount(row)
  }

  async fundings(sessionId: string): Promise<readonly Funding[]> {
    const where = equal('session_id', sessionId)
    return (await this.#options.reading.select({ table: 'fundings', where, order: { by: ['number'] } })).map(readFunding)
  }

  plan(funding: PlannedFunding): Promise<boolean> {
    return this.#options.batch.write(
      onFunding(funding, (row, { set }) => {
        if (row) return false
        set.insert('fundings', plannedColumns(funding))
        return true
      }),
    )
  }

  advance(funding: Pick<Funding, 'sessionId' | 'number'>, from: FundingState, progress: FundingProgress): Promise<boolean> {
    return this.#options.batch.write(
      onFunding(funding, (row, { set }) => {
        if (!row || readFunding(row).state !== from) return false
        set.update('fundings', row, progressColumns(progress))
        return true
      }),
    )
  }

  /** Who comes second finds it leased. */
  #lease(sessionId: string, now: number, until: number): Promise<FundedAccount | undefined> {
    return this.#onAccount(sessionId, (row, { set }) => {
      const account = row && readAccount(row)
      if (!row || !account || account.dueAt > now || account.leasedUntil > now) return undefined
      set.update('funded_accounts', row, { leased_until: until })
      return { ...account, leasedUntil: until }
    })
  }

  #onAccount<T>(sessionId: string, run: (row: Row | undefined, hands: Hands) => T): Promise<T> {
    const operation = housekeeping(
      'fundings',
      (wants) => wants.row({ access: 'fundedAccount', values: [sessionId] }),
      (hands: Hands) => run(hands.set.row('fundedAccount', sessionId), hands),
    )
    return this.#options.batch.write(operation)
  }
}

function wished(row: Row, { set }: Pick<Hands, 'set'>, now: number): void {
  set.update('funded_accounts', row, { due_at: now, wishes: readAccount(row).wishes + 1 })
}

function onFunding<T>(
  { sessionId, number }: Pick<Funding, 'sessionId' | 'number'>,
  run: (row: Row | undefined, hands: Hands) => T,
): Write<T> {
  return housekeeping(
    'fundings',
    (wants) => wants.row({ access: 'funding', values: [sessionId, BigInt(number)] }),
    (hands: Hands) => run(hands.set.row('funding', sessionId, BigInt(number)), hands),
  )
}
