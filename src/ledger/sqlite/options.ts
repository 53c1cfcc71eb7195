/** What a ledger in a file is opened with. */
import type { Clock, Ids } from '../../clock.ts'
import type { Events } from '../../telemetry/events.ts'
import type { Schedule } from './batch.ts'
import type { Pending } from './pending.ts'
import type { Flush } from './write-ahead-log.ts'

export interface SqliteLedgerOptions {
  readonly file: string
  readonly clock: Clock
  readonly ids: Ids
  /** Names this start of the process: only the run that signed may take back. Fresh for every start. */
  readonly runId: string
  readonly events?: LedgerEvents
  /** Percent of a cap, rising, at which operators are told. */
  readonly thresholds?: readonly number[]
  /** Networks (CAIP-2) whose chain can be asked: there a recipient is known only once the chain has confirmed a payment. */
  readonly confirmable?: readonly string[]
  /** Where the high-water mark stands; beside the file unless told otherwise. */
  readonly mark?: string
  /** An operator says that this copy of the ledger is the one to go on with, though it is older than its mark. */
  readonly acceptRestored?: boolean
  readonly schedule?: Schedule
  /** How the file's log is put on the disk; by Node's `fdatasync` unless told otherwise. */
  readonly flush?: Flush
  /** Where rows wait to be written. */
  readonly pending?: Pending
}

export type LedgerEvents = Pick<
  Events,
  'ledgerTook' | 'receiptWritten' | 'paymentEntered' | 'thresholdReached' | 'reconciled' | 'warned' | 'faulted'
>
