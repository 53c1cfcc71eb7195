/**
 * Store: where the rows are, as the batch sees it. A write transaction locks rows, reads rows in a later statement
 * (rule R8: what is summed is read after the locks are held), and commits all changes at once together with a mark, by
 * which a commit whose answer was lost is looked up. Reads outside of it see what is committed.
 */
import type { Span } from '../insight.ts'
import type { Change } from '../ledger.ts'
import type { Row } from '../rows.ts'

export type { Row } from '../rows.ts'

/** Whole numbers are bigint, as in the rows; numbers are taken too where they are safe integers. */
export type Value = Row[string]

export type TableName =
  | 'sessions'
  | 'admin_keys'
  | 'payments'
  | 'spending'
  | 'rolling'
  | 'rolling_heads'
  | 'pins'
  | 'dealings'
  | 'refusal_runs'
  | 'receipts'
  | 'halts'
  | 'admin_tokens'
  | 'refunds'
  | 'corrections'
  | 'kept_answers'
  | 'scans'
  | 'checkpoints'
  | 'meta'
  | 'approvals'
  | 'notices'
  | 'marks'
  | 'policies'
  | 'daily_reports'
  | 'archive_segments'
  | 'archive_names'
  | 'channels'
  | 'channel_vouchers'
  | 'funded_accounts'
  | 'fundings'
  | 'runs'

/** What makes a row of its table unique; writes name rows by it. */
export const PRIMARY_KEYS = {
  sessions: ['id'],
  admin_keys: ['key'],
  payments: ['id'],
  spending: ['session_id', 'bucket'],
  rolling: ['series', 'ordinal'],
  rolling_heads: ['series'],
  pins: ['origin', 'network'],
  dealings: ['agent', 'origin', 'network', 'pay_to'],
  refusal_runs: ['session_id', 'digest'],
  receipts: ['session_id', 'number'],
  halts: ['scope', 'value'],
  admin_tokens: ['id'],
  refunds: ['source'],
  corrections: ['payment_id'],
  kept_answers: ['payment_id'],
  scans: ['network', 'wallet'],
  checkpoints: ['number'],
  meta: ['key'],
  approvals: ['id'],
  notices: ['id'],
  marks: ['mark'],
  policies: ['version'],
  daily_reports: ['date'],
  archive_segments: ['number'],
  archive_names: ['name', 'segment'],
  channels: ['id'],
  channel_vouchers: ['payment_id'],
  funded_accounts: ['session_id'],
  fundings: ['session_id', 'number'],
  runs: ['id'],
} as const satisfies Record<TableName, readonly string[]>

/** One way to find rows for a write: those whose columns have the values of a key, and the fixed ones besides. */
export interface Access {
  readonly table: TableName
  readonly by: readonly string[]
  readonly fixed?: Readonly<Record<string, Value>>
  /** The rows are locked (in this order of accesses, and by key within each) before anything is read. */
  readonly lock?: true
}

/** In the order in which locks are taken, so that no two transactions wait for each other. */
export const ACCESSES = {
  session: { table: 'sessions', by: ['id'], lock: true },
  sessionNamed: { table: 'sessions', by: ['name'], lock: true },
  children: { table: 'sessions', by: ['parent'], lock: true },
  head: { table: 'rolling_heads', by: ['series'], lock: true },
  pin: { table: 'pins', by: ['origin', 'network'], lock: true },
  dealing: { table: 'dealings', by: ['agent', 'origin', 'network', 'pay_to'], lock: true },
  identity: { table: 'meta', by: ['key'], lock: true },
  approval: { table: 'approvals', by: ['id'], lock: true },
  notice: { table: 'notices', by: ['id'], lock: true },
  report: { table: 'daily_reports', by: ['date'], lock: true },
  channel: { table: 'channels', by: ['id'], lock: true },
  fundedAccount: { table: 'funded_accounts', by: ['session_id'], lock: true },
  funding: { table: 'fundings', by: ['session_id', 'number'], lock: true },
  /** The question that is open for a session and a digest. */
  asked: { table: 'approvals', by: ['session_id', 'digest'], fixed: { state: 'pending', kind: 'approval' } },
  mark: { table: 'marks', by: ['mark'] },
  adminKey: { table: 'admin_keys', by: ['key'] },
  payment: { table: 'payments', by: ['id'] },
  nonce: { table: 'payments', by: ['nonce'] },
  /** Both digests name their session, so they are looked up by themselves; whoever reads checks the session too. */
  keyed: { table: 'payments', by: ['key_digest'], fixed: { purchase_open: 1n } },
  unkeyed: { table: 'payments', by: ['fingerprint'], fixed: { purchase_open: 1n, key_digest: null } },
  reserved: { table: 'payments', by: ['session_id'], fixed: { state: 'reserved' } },
  spending: { table: 'spending', by: ['session_id', 'bucket'] },
  entry: { table: 'rolling', by: ['series', 'ordinal'] },
  refusalRun: { table: 'refusal_runs', by: ['session_id', 'digest'] },
  refund: { table: 'refunds', by: ['source'] },
  refundsOf: { table: 'refunds', by: ['payment_id'] },
  correction: { table: 'corrections', by: ['payment_id'] },
  halts: { table: 'halts', by: [] },
  meta: { table: 'meta', by: ['key'] },
  policy: { table: 'policies', by: ['version'] },
  token: { table: 'admin_tokens', by: ['id'] },
  scan: { table: 'scans', by: ['network', 'wallet'] },
  checkpoint: { table: 'checkpoints', by: ['number'] },
  segment: { table: 'archive_segments', by: ['number'] },
  receiptsOf: { table: 'receipts', by: ['payment_id'] },
  channelsOf: { table: 'channels', by: ['session_id'] },
  channelSalt: { table: 'channels', by: ['salt'] },
  voucher: { table: 'channel_vouchers', by: ['payment_id'] },
  depositsOf: { table: 'channel_vouchers', by: ['channel_id'], fixed: { brings: 1n } },
  runsOf: { table: 'refusal_runs', by: ['session_id'] },
  /** Runs that nobody has declared ended. */
  livingRuns: { table: 'runs', by: [], fixed: { ended_at: null } },
} as const satisfies Record<string, Access>

export type AccessName = keyof typeof ACCESSES

export const ACCESS_NAMES: readonly AccessName[] = Object.keys(ACCESSES).filter((name): name is AccessName => name in ACCESSES)

/** Rows that a write wants to see. */
export interface RowKey {
  readonly access: AccessName
  readonly values: readonly Value[]
}

/** What a window of a rolling series holds; `void` entries do not count. Its head is locked before. */
export interface WindowKey {
  readonly series: string
  /** Entries later than this, in milliseconds since 1970. */
  readonly after: number
}

export interface WindowSum {
  /** The last entry that is not later than `after`; zeros where there is none. */
  readonly before: { readonly ordinal: bigint; readonly total: bigint }
  /** The sum of the voided entries behind it. */
  readonly voided: bigint
  /** When the first entry behind it that counts was added. */
  readonly oldest: number | null
}

/** When the entry was added with which `amount` of what follows `ordinal` (voided entries left out) is reached. */
export interface LeavesKey {
  readonly series: string
  readonly ordinal: bigint
  readonly amount: bigint
}

/** Fresh places in the order of writing, rising within each session because its row is locked when they are drawn. */
export type Sequence = 'sessions' | 'payments' | 'receipts'

export interface Wanted {
  readonly rows: readonly RowKey[]
  readonly windows: readonly WindowKey[]
  readonly leaves: readonly LeavesKey[]
  /** How many places to draw. */
  readonly places: Readonly<Record<Sequence, number>>
}

/** In the order of what was wanted. */
export interface Loaded {
  readonly rows: readonly (readonly Row[])[]
  readonly windows: readonly WindowSum[]
  readonly leaves: readonly (number | null)[]
  readonly places: Readonly<Record<Sequence, readonly bigint[]>>
}

/** A changed row. Inserting what is there already, or changing what is not, fails the transaction as `retry`. */
export type RowChange =
  | { readonly kind: 'insert'; readonly table: TableName; readonly row: Readonly<Record<string, Value>> }
  /** `row` has the columns that changed and those of the primary key. */
  | { readonly kind: 'update'; readonly table: TableName; readonly row: Readonly<Record<string, Value>> }
  | { readonly kind: 'delete'; readonly table: TableName; readonly row: Readonly<Record<string, Value>> }

export interface Opening {
  /** From 0. */
  readonly lane: number
  /** Only keys whose access locks. */
  readonly locks: readonly RowKey[]
}

export interface StoreTransaction {
  /** The run that it belongs to; fails to commit once that run was declared ended. */
  readonly runId: string
  /** Locks further rows, where a write has met what nobody foresaw. */
  lock(keys: readonly RowKey[]): Promise<void>
  /** In a statement of its own, so that it sees all that was committed before the locks were had. */
  load(wanted: Wanted): Promise<Loaded>
  /** Writes all changes and the mark of this commit, tells the others, and commits. */
  commit(changes: readonly RowChange[], announcements: readonly Change[]): Promise<void>
  /**
   * After a commit whose outcome is `unknown`: whether it happened. Resolves when that is certain, because the mark is
   * there or whoever could still write it is gone; rejects with `unavailable` where it cannot be told yet.
   */
  outcome(): Promise<boolean>
  /** Never rejects. */
  rollback(): Promise<void>
}

/**
 * What went wrong, as the batch has to tell it apart.
 * - `retry`: another transaction was first (serialization, deadlock, unique key); nothing was written.
 * - `rejected`: these changes can never be written (a check, a value that the database cannot hold); nothing was written.
 * - `fenced`: this run was declared ended, or the server is not the one that acknowledged earlier commits.
 * - `unavailable`: the store cannot be reached; nothing was written.
 * - `unknown`: the commit was asked for and its answer was lost.
 */
export type FaultKind = 'retry' | 'rejected' | 'fenced' | 'unavailable' | 'unknown'

export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

/** One of the columns is, compared so, what one of the values is (`before`: each is what its value is). `like` ignores case. */
export interface Filter {
  readonly columns: readonly [string, ...string[]]
  /**
   * `present`: is not null; it has no values. `holds`: JSON that has at least the members of the value, which is JSON too.
   * `before`: the columns together, of which the first counts most, are less than the values together.
   */
  readonly is: '=' | 'like' | '<' | '>' | '>=' | 'present' | 'absent' | 'holds' | 'before'
  readonly values: readonly Value[]
  /** The columns are those of the payment that the row names in `payment_id`. */
  readonly ofPayment?: true
}

export interface Selection {
  readonly table: TableName
  /** All of them unless told otherwise. */
  readonly columns?: readonly string[]
  /** All of them hold. */
  readonly where: readonly Filter[]
  readonly order?: { readonly by: readonly [string, ...string[]]; readonly falling?: true }
  readonly limit?: number
}

export interface Claim {
  readonly networks: readonly string[]
  readonly limit: number
  /** Milliseconds since 1970. */
  readonly now: number
  readonly until: number
}

/** An answer that is kept, with what it takes to keep no more than is allowed. */
export interface AnswerRow {
  readonly paymentId: string
  readonly sealed: Uint8Array
  readonly expiresAt: number
}

/** Recipients by name: origin, network and address, a line each. */
export interface DealtWanted {
  readonly is: '>' | '='
  readonly name: string
  readonly limit: number
}

/** Reads that are more than a selection. All of them see what is committed; times are milliseconds since 1970. */
export interface Reports {
  /** For metrics: rows `{ currency, whole, rest }` of what unresolved payments hold, in millionths. */
  exposure(): Promise<readonly Row[]>
  /** Rows `{ state, sessions }`, by `stateOf`, before what budgets are refilled by. */
  states(now: number): Promise<readonly Row[]>
  /** Rows `{ id, session_id }` of payments that nobody works on any more and recovery has to look at, oldest first. */
  unattended(now: number): Promise<readonly Row[]>
  /**
   * Behind this name, rows `{ name, host, pay_to, network, currency, undelivered, disputes, disputed_whole, disputed_rest,
   * refunded_whole, refunded_rest }` by name and currency, of recipients against whom something is held.
   */
  troubled(after: string, limit: number): Promise<readonly Row[]>
  /** Rows `{ at, tier, state, code, currency, payments, whole, rest }` of payments by the step in which they were decided, oldest first. */
  activity(span: Span): Promise<readonly Row[]>
  /** Rows `{ name, origin, network, pay_to, agents, payment_id, pinned, pinned_at, uses }` by name: behind it, or the one of it. */
  dealings(wanted: DealtWanted): Promise<readonly Row[]>
  /** Rows `{ session_id, number, hash }`: the last entry of each chain among these places, `from` excluded. */
  heads(places: { readonly from: bigint; readonly upTo: bigint }): Promise<readonly Row[]>
  /**
   * Rows `{ earliest, amount }` of settled payments with this price key reserved later than `after`: `earliest` is 0 for
   * the newest, newest first, and 1 for the oldest, oldest first; at most `samples` of each.
   */
  prices(past: { readonly key: string; readonly after: number; readonly samples: number }): Promise<readonly Row[]>
  /** The payments of this session that count (`earliest` 1: the oldest, oldest first; 0: the newest, newest first), at most `limit` of each. */
  conduct(of: { readonly sessionId: string; readonly limit: number }): Promise<readonly Row[]>
  /** A place in the order of writing up to which every receipt that will ever be there is committed. */
  settledReceipts(): Promise<bigint>
}

/** Rejects with StoreFault only. */
export interface Store extends AsyncDisposable, Reports {
  /** This process on this store now: another one once it was declared ended and came back. */
  readonly runId: string
  /** How many transactions it can have open at a time; a lane has one at a time. */
  readonly lanes: number
  /** Begins a transaction: checks that this run is alive, and locks. */
  begin(opening: Opening): Promise<StoreTransaction>

  select(selection: Selection): Promise<readonly Row[]>
  count(selection: Pick<Selection, 'table' | 'where'>): Promise<number>
  /** As for a write, without locks: the sum of what counts, and when the oldest of it was added. */
  windows(keys: readonly WindowKey[]): Promise<readonly { readonly sum: bigint; readonly oldest: number | null }[]>
  /**
   * In one statement: payments that are due (`check_at` is past) and that no living run has claimed until later, oldest
   * due first, skipping what another transaction has locked, become this run's until `until`: unknown ones, and expired
   * ones and those settled on a server's word on `networks`. Answers their rows.
   */
  claim(claim: Claim): Promise<readonly Row[]>
  /** In place of an earlier one of this payment. */
  keepAnswer(answer: AnswerRow): Promise<void>
  /** Removes what has expired by `now`, and the oldest of what is beyond so many bytes. */
  pruneAnswers(now: number, bytes: number): Promise<void>

  /** Looks at once whether others have ended, instead of in a moment: their transactions fail from then on. */
  refresh(): Promise<void>
  watch(listener: (change: Change) => void): () => void
  /** Why nothing can be written now; empty where it can. */
  readiness(): readonly string[]
}
