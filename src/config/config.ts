/** Configuration: what an operator wrote, checked and parsed. Amounts in millionths, durations in milliseconds, paths absolute. */
import type { Asset } from '../money.ts'
import type { Tier } from '../policy/tiers.ts'
import type { SessionSpec } from '../session/spec.ts'
import type { OidcConfig } from './console.ts'
import type { IdentityConfig } from './identity.ts'
import type { MandatesConfig } from './mandates.ts'
import type { ParentsConfig } from './parent.ts'
import type { ApprovalsConfig, PersonConfig } from './people.ts'
import type { SecretRef } from './secrets.ts'
import type { TelemetryConfig } from './telemetry.ts'
import type { WalletConfig } from './wallet.ts'

export interface Listen {
  /** An address, without brackets, or a name. */
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** Paths of PEM files. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  /** Roots of client certificates, by which workloads may prove what they are; for the proxy only. */
  readonly clientCa?: string
}

interface Listener {
  readonly listen: Listen
  /** Further names by which clients may ask for this listener. */
  readonly hosts: readonly string[]
  readonly serverTls?: ServerTls
  readonly unsafePlainListener: boolean
}

export interface ProxyConfig extends Listener {
  /** Processes that serve agents and pay; 1: the one that does everything else too. */
  readonly workers: number | 'auto'
  readonly connectPorts: readonly number[]
  /** False: every client without credentials shares `defaultSession`. */
  readonly authenticate: boolean
  readonly defaultSession: SessionSpec | null
  /** Host patterns. */
  readonly intercept: { readonly hosts: readonly string[]; readonly except: readonly string[] }
  readonly routes: readonly { readonly prefix: string; readonly upstream: string }[]
  readonly upgradeToHttps: readonly string[]
  /** CIDRs. */
  readonly unsafeAllowPrivateUpstreams: readonly string[]
  /** Paths of PEM files. */
  readonly tls: { readonly caFiles: readonly string[] }
  /** Through which other proxies upstreams are reached, as configured or as the environment says. */
  readonly parents: ParentsConfig
}

export interface Config {
  readonly mode: 'open' | 'report' | 'enforce'
  readonly dataDir: string
  readonly proxy: ProxyConfig
  /** `oidc` null: people sign in to the console with tokens alone. */
  readonly admin: Listener & { readonly oidc: OidcConfig | null }
  readonly metrics: { readonly listen: Listen | null }
  readonly people: readonly PersonConfig[]
  readonly ledger:
    | { readonly kind: 'sqlite'; readonly file: string }
    | {
        readonly kind: 'postgres'
        /** Without the password. */
        readonly url: string
        readonly password?: SecretRef
        /** A replicated server may acknowledge what a failover loses. */
        readonly unsafeAsyncReplication: boolean
      }
  /** What is older and final leaves the ledger's tables for files in this folder; null: everything stays. */
  readonly retention: { readonly after_ms: number; readonly folder: string } | null
  /** 32 bytes each, in hex; where absent they are made in the data folder. Replicas of one ledger must share them. */
  readonly keys: {
    readonly nonce?: SecretRef
    readonly receipt?: SecretRef
    readonly answer?: SecretRef
    readonly token?: SecretRef
    /** Signs session tokens that are JWTs; derived from `token` where absent. */
    readonly session?: SecretRef
    /** PEM files of the local authority. */
    readonly ca?: { readonly cert: string; readonly key: SecretRef }
  }
  readonly sessions: {
    /** Percent of the cap. */
    readonly thresholds: readonly number[]
  }
  readonly wallet: WalletConfig
  /** Only these are paid on. `id` is CAIP-2. */
  readonly networks: readonly {
    readonly id: string
    readonly rpc?: string
    /** A second server, which has to agree before anything is concluded. */
    readonly secondRpc?: string
    /** Blocks below the head from which on a block is final. */
    readonly finalityBlocks: number
  }[]
  /** Pays for the gas of cancellations; nothing else. */
  readonly gasWallet: { readonly key: SecretRef } | null
  /** Beyond the protocol's own table. */
  readonly assets: readonly Asset[]
  readonly recipients: {
    readonly verified: readonly {
      readonly host: string
      readonly payTo?: string
      readonly jurisdiction?: string
      readonly kind?: 'service' | 'agent'
    }[]
    readonly blocked: readonly { readonly host?: string; readonly payTo?: string }[]
    /** Paths of lists of addresses, one a line. */
    readonly blockedFiles: readonly string[]
  }
  readonly categories: readonly {
    readonly host: string
    readonly path?: string
    readonly method?: string
    readonly tool?: string
    readonly category: string
  }[]
  readonly jurisdictions: { readonly sanctioned: readonly string[] }
  /** A price of more than `factor` (in millionths) times the usual one within `over_ms`, and what follows; null: none is compared. */
  readonly priceDrift: { readonly factor: bigint; readonly over_ms: number; readonly on: 'report' | 'escalate' | 'deny' } | null
  /** A facilitator's list of resources; it informs and widens nothing. */
  readonly discovery: { readonly url: string; readonly refresh_ms: number } | null
  /** Null: nothing is paused after failures. */
  readonly circuitBreaker: {
    readonly errorRate: number
    readonly minimum: number
    readonly window_ms: number
    readonly cooldown_ms: number
  } | null
  /** Null: nobody is stopped who retries without thinking. */
  readonly loopGuard: { readonly after: number; readonly within_ms: number } | null
  /** Paying with the first attempt, where a route has asked the same `after` times; terms live so long. Null: never. */
  readonly permit2: { readonly sponsored: boolean }
  /** In millionths of a session's currency, and seconds. */
  readonly channels: {
    readonly bounds: { readonly deposit: bigint; readonly maxDeposit: bigint }
    readonly maxWithdrawDelay_s: number
  } | null
  readonly preemptive: { readonly after: number; readonly terms_ms: number; readonly hosts: readonly string[] } | null
  readonly identity: IdentityConfig
  readonly tiers: readonly Tier[]
  readonly approvals: ApprovalsConfig
  /** AP2 mandates; null: none are taken. Paths of JWK sets. */
  readonly mandates: MandatesConfig
  readonly log: { readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' }
  /** Null: no traces. Of what an agent's own trace does not decide, `sampleRatio` (0 to 1) is kept. */
  readonly telemetry: TelemetryConfig
  /** Sentences for the operator: what was allowed that is dangerous, and secrets that stand in the file itself. */
  readonly warnings: readonly string[]
}
