/**
 * What a chain permits at most, whatever Purser thinks: balances, ERC-20 allowances and spend permissions, as a port with
 * its words. They are shown to people; nothing is decided by them. Amounts in atomic units, times in seconds since 1970.
 */

type Hex = `0x${string}`

/** A permission of Coinbase's SpendPermissionManager, as its contract has it (`SpendPermission`), and where it holds. */
export interface SpendPermission {
  /** CAIP-2. */
  readonly network: string
  /** Whose money it is. */
  readonly account: Hex
  readonly spender: Hex
  readonly token: Hex
  /** For each period. */
  readonly allowance: bigint
  /** In seconds. */
  readonly period: number
  readonly start: number
  readonly end: number
  readonly salt: bigint
  readonly extraData: Hex
}

/** What could not be read is unknown, and never zero. `reason`: short and printable, for people. */
export type Read<T> = { readonly kind: 'read'; readonly value: T } | { readonly kind: 'unknown'; readonly reason: string }

export interface PermissionState {
  readonly state: 'usable' | 'not_approved' | 'revoked' | 'not_started' | 'ended'
  /** In the period that runs; zero where none does. */
  readonly spent: bigint
  /** What may still be taken in it; zero where it is not usable. */
  readonly left: bigint
  /** When the next period begins; null where there is none. */
  readonly nextPeriod_s: number | null
}

export interface CeilingQuery {
  /** CAIP-2. */
  readonly network: string
  readonly wallet: string
  readonly tokens: readonly string[]
  /** Who may be allowed to take tokens from the wallet. */
  readonly spenders: readonly Hex[]
  readonly permissions: readonly SpendPermission[]
}

export interface TokenCeiling {
  readonly balance: Read<bigint>
  /** One for each spender, in their order. */
  readonly allowed: readonly Read<bigint>[]
}

export interface PermissionCeiling {
  readonly standing: Read<PermissionState>
  /** What the account has of the token. */
  readonly balance: Read<bigint>
}

/** In the order of what was asked, all as of the end of one block. */
export interface NetworkCeilings {
  readonly tokens: readonly TokenCeiling[]
  readonly permissions: readonly PermissionCeiling[]
}

export interface CeilingReader {
  /** EVM networks that can be asked (CAIP-2). */
  readonly networks: readonly string[]
  /** Where two servers are configured, both have to show the same block and the same values. */
  read(query: CeilingQuery): Promise<NetworkCeilings>
}
