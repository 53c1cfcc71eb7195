/** Reports of days as the ledger keeps them: what the store of an adapter does. */
import type { Page, PageRequest } from './ledger.ts'

export interface KeptDay {
  /** UTC, e.g. `2026-06-27`. */
  readonly date: string
  /** Nothing of the day was open any more. */
  readonly final: boolean
  /** Milliseconds since 1970. */
  readonly madeAt: number
}

export interface KeptReport extends KeptDay {
  /** The signed report, as JSON. */
  readonly text: string
}

/** Every method rejects with PurserError `ledger_unavailable` where the store cannot be read or written. */
export interface ReportStore {
  /** The first one of a day stays, until a final one takes the place of one that was not. True where this one is kept now. */
  keep(report: KeptReport): Promise<boolean>
  kept(date: string): Promise<KeptReport | undefined>
  /** Newest day first. `final` false: only days that are not closed. */
  days(page: PageRequest, filter?: { readonly final: false }): Promise<Page<KeptDay>>
}
