/** What the admin API is given: the ports, the policy in force, time and names. */
import type { Clock, Ids } from '../clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Asset } from '../money.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import type { PolicyMode } from '../policy/decision.ts'
import type { Finding } from '../policy/lint.ts'
import type { Tier } from '../policy/tiers.ts'
import type { Events } from '../telemetry/events.ts'
import type { Wallet } from '../wallet/wallet.ts'

/** What a session gets where its opener names nothing, and the bounds of what an opener may name. */
export interface SessionDefaults {
  readonly currency: string
  /** CAIP-2 names. A session may only name networks out of these. */
  readonly networks: readonly string[]
  /** Symbols or addresses. A session may only name assets out of these. */
  readonly assets: readonly string[]
  readonly owner: string
  readonly wallet: string | null
}

/** The policy that is in force, for people to read. */
export interface PolicyInfo {
  readonly mode: PolicyMode
  readonly version: string
  readonly tiers: readonly Tier[]
  /** The rules by which payments are classified; other tiers are checked against them. */
  readonly rules?: ClassifyRules
  /** The policy as people read it. */
  readonly sentences: readonly string[]
  readonly lint: readonly Finding[]
}

export interface StatusDeps {
  /** The text of /metrics. */
  readonly render: () => Promise<string>
  /** Prometheus' text format unless given. */
  readonly contentType?: string
  /** Why payments cannot be made now; empty when they can. */
  readonly readiness: () => Promise<readonly string[]>
}

export interface AdminDeps extends StatusDeps {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly ids: Ids
  readonly wallet: Pick<Wallet, 'address'>
  /** Session tokens are derived from it, so that a replayed creation shows the same one. */
  readonly tokenSecret: Uint8Array
  /** The token of the data folder: all roles. */
  readonly adminToken: string
  readonly defaults: SessionDefaults
  /** Known assets: they tell which address belongs to which symbol, and which currencies can be paid in. */
  readonly assets: readonly Pick<Asset, 'symbol' | 'address' | 'currency'>[]
  /** Where agents reach the proxy, e.g. `http://127.0.0.1:4020`; read for each answer. */
  readonly proxyUrl: string
  /** Further host names by which this listener is asked for; loopback and its own address always are. */
  readonly hosts?: readonly string[]
  /** Read for each answer, so that a reload shows at once. */
  readonly policy: () => PolicyInfo
  readonly events: Pick<Events, 'warned' | 'faulted'>
  /** Ends what a revoked session still has open. */
  readonly onRevoked: (sessionId: string) => void
}
