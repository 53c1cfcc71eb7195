/** What the admin API is given: the ports, the policy in force, time and names. */
import type { Approvals } from '../approval/approvals.ts'
import type { Links } from '../approval/links.ts'
import type { Notices } from '../approval/notices.ts'
import type { Contacts } from '../approval/people.ts'
import type { Post } from '../approval/webhook.ts'
import type { CheckpointSigner } from '../audit/checkpoint.ts'
import type { Checkpointing } from '../audit/checkpointing.ts'
import type { Clock, Ids } from '../clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { MandateDesk } from '../mandate/desk.ts'
import type { Asset } from '../money.ts'
import type { ClassifyRules } from '../policy/classify.ts'
import type { PolicyMode } from '../policy/decision.ts'
import type { Finding } from '../policy/lint.ts'
import type { Tier } from '../policy/tiers.ts'
import type { SessionJwts } from '../session/jwt.ts'
import type { Session } from '../session/session.ts'
import type { Events } from '../telemetry/events.ts'
import type { Wallet } from '../wallet/wallet.ts'
import type { Authorize } from './authorize.ts'
import type { CeilingsView } from './ceilings.ts'
import type { ConsoleFiles } from './console-files.ts'
import type { EventFeed } from './event-feed.ts'
import type { FundingView } from './funding-view.ts'
import type { Oidc } from './oidc.ts'
import type { ReconcileReport } from './report.ts'
import type { HoldingView } from './views.ts'

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
  /** The format that carries exemplars, for scrapers that accept it. */
  readonly openMetrics?: { readonly render: () => Promise<string>; readonly contentType: string }
  /** All of them are asked, each time. */
  readonly readiness: readonly ReadinessCheck[]
}

/** Sentences that say why payments cannot be made now; none where they can. */
export type ReadinessCheck = () => readonly string[] | Promise<readonly string[]>

/** The cancellation of an authorization, as far as it came. The ledger changes only by what the chain shows afterwards. */
export interface Cancelled {
  /** `signed`: nobody here pays for gas; whoever has some can submit `call`. */
  readonly kind: 'submitted' | 'signed'
  readonly paymentId: string
  readonly network: string
  readonly transaction: string | null
  readonly call: { readonly chainId: number; readonly to: string; readonly data: string }
  /** What happens next, for people. */
  readonly note: string
}

/** People: what they are asked and told, and the doors through which they answer. */
export interface PeopleDeps {
  readonly approvals: Approvals
  readonly notices: Pick<Notices, 'alert' | 'retry' | 'delivered'>
  readonly links: Links
  readonly contacts: Contacts
  /** Whether browsers reach this listener by https. */
  readonly secureCookies: boolean
  /** Without it there is no door for Slack. */
  readonly slackSigningSecret: string | undefined
  /** Tells Slack’s channel what became of it. */
  readonly post: Post
}

/** The operators' console. */
export interface ConsoleDeps {
  /** Purser's own. */
  readonly version: string
  /** Absent where it was never built. */
  readonly files?: ConsoleFiles | undefined
  /** Absent: people sign in with a token alone. */
  readonly oidc?: Oidc | undefined
  /** Where browsers reach this listener, if not under the address at which they ask. */
  readonly pageUrl?: string | undefined
}

export interface AdminDeps extends StatusDeps {
  readonly console?: ConsoleDeps
  /** Without it there is no stream of events. */
  readonly feed?: EventFeed
  readonly people: PeopleDeps
  /** Judges a payment that is only described. */
  readonly authorize: Authorize
  readonly ledger: Ledger
  /** What the wallet of a session holds; absent where no network can be asked. */
  readonly holdings?: (of: Pick<Session, 'wallet' | 'networks' | 'assets'>) => Promise<readonly HoldingView[]>
  /** The most that the chain lets a session spend, in millionths of its currency; undefined where nobody can tell. */
  readonly outerCeiling?: (of: Pick<Session, 'wallet' | 'networks' | 'assets' | 'currency'>) => Promise<bigint | undefined>
  /** What the chain lets be taken from this wallet, and for it; absent where no network can be asked. */
  readonly ceilings?: (walletName: string | null) => Promise<CeilingsView>
  /** What the treasury has moved for a session; absent where there is no treasury. */
  readonly fundingOf?: ((session: Session) => Promise<FundingView | undefined>) | undefined
  /** Mints session tokens that can be verified offline. */
  readonly jwts?: SessionJwts
  /** Where mandates are presented; absent: none are taken. */
  readonly mandates?: MandateDesk | undefined
  readonly clock: Clock
  readonly ids: Ids
  readonly wallet: Pick<Wallet, 'address' | 'ofSession' | 'childrenShare' | 'solana'>
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
  /** Signs the receipts; makes a checkpoint for every export. */
  readonly checkpointing: Pick<Checkpointing, 'publicKey' | 'now'>
  /** Signs daily reports; the same key. */
  readonly signer: CheckpointSigner
  /** Ends what a revoked session still has open. */
  readonly onRevoked: (sessionId: string) => void
  /** Looks into every open payment now, and into what came back. `fromBlock` by network: where the search begins. */
  readonly reconcile: (options: { readonly fromBlock?: Readonly<Record<string, bigint>> }) => Promise<ReconcileReport>
  /**
   * Signs the cancellation of an open authorization, and submits it where somebody pays for gas.
   * @throws PurserError `not_found`, `conflict`
   */
  readonly cancel: (paymentId: string) => Promise<Cancelled>
}
