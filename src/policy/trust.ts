/** How far a recipient is trusted: by the operator's listing, by what was paid before, or not at all. */
import { createHash } from 'node:crypto'
import { uniformAddress } from '../address.ts'
import type { History, Trust } from '../session/history.ts'
import { matchesHost } from '../session/host-pattern.ts'

/** A recipient that the operator lists. Without an address it is pinned at its first payment. */
export interface VerifiedRecipient {
  /** Host pattern. */
  readonly host: string
  readonly payTo?: string
  /** ISO 3166. */
  readonly jurisdiction?: string
  readonly kind?: 'service' | 'agent'
  /** Whose signatures on offers and receipts are known to be this recipient's: addresses or DIDs. */
  readonly signers?: readonly string[]
  /** Absent: nothing is ever signed to log in there. */
  readonly signIn?: boolean
}

/** A recipient that is never paid: by host, by address, or where both hold. */
export interface BlockedRecipient {
  readonly host?: string
  readonly payTo?: string
}

/** Addresses that are never paid at any host, from lists that others keep. */
export interface BlockedAddresses {
  /** In their one spelling: hex in lower case. */
  readonly addresses: ReadonlySet<string>
  /** SHA-256 (hex) of the addresses in order: the policy's version changes with them. */
  readonly digest: string
}

/** @param all in their one spelling, in any order, perhaps twice */
export function blockedAddresses(all: readonly string[]): BlockedAddresses {
  const addresses = new Set(all.toSorted())
  const digest = createHash('sha256')
    .update([...addresses].join('\n'))
    .digest('hex')
  return { addresses, digest }
}

export interface Recipient {
  readonly host: string
  readonly port: number
  readonly payTo: string
}

/** What is known of a recipient before it is paid. */
export interface Standing {
  readonly trust: Trust
  readonly reason: string
  readonly recipientChanged: boolean
  /** Where the recipient changed: how far the one before it was trusted. */
  readonly before?: Trust
  /** It is to be pinned with this payment. */
  readonly pin: boolean
}

type Past = Pick<History, 'known' | 'lastPayTo' | 'pinnedPayTo'>

/**
 * A listing decides before the past does: where the operator lists this host, another recipient than the listed or
 * pinned one is unknown, however often it was paid.
 */
export function standingOf(recipient: Recipient, listings: readonly VerifiedRecipient[], past: Past): Standing {
  const { host, payTo } = recipient
  if (listings.some((listing) => listing.payTo !== undefined && sameAddress(listing.payTo, payTo))) {
    return { ...steady('verified', `${host} is listed with this recipient.`), pin: false }
  }
  if (listings.some((listing) => listing.payTo === undefined)) return pinnedStanding(recipient, past)
  if (listings.length > 0) return changed('verified', `${host} is listed with another recipient than ${payTo}.`)
  return strangerStanding(recipient, past)
}

function pinnedStanding({ host, payTo }: Recipient, { pinnedPayTo }: Past): Standing {
  if (pinnedPayTo === undefined)
    return { ...steady('verified', `${host} is listed; its recipient is pinned with the first payment.`), pin: true }
  if (sameAddress(pinnedPayTo, payTo)) return { ...steady('verified', `${host} is listed, and this is its pinned recipient.`), pin: true }
  return changed('verified', `${host} asks to pay ${payTo}, but its pinned recipient is ${pinnedPayTo}.`)
}

function strangerStanding({ host, payTo }: Recipient, { known, lastPayTo }: Past): Standing {
  if (known) return steady('known', `This agent has paid this recipient at ${host} before.`)
  if (lastPayTo === undefined || sameAddress(lastPayTo, payTo)) {
    return steady('unknown', `${host} is not listed, and this agent has no delivered payment to this recipient there.`)
  }
  return changed('known', `${host} asks to pay ${payTo}, but this agent paid ${lastPayTo} there before.`)
}

function steady(trust: Trust, reason: string): Standing {
  return { trust, reason, recipientChanged: false, pin: false }
}

function changed(before: Trust, reason: string): Standing {
  return { trust: 'unknown', reason, recipientChanged: true, before, pin: false }
}

/** The listings of the recipient's host. */
export function listingsOf(recipient: Recipient, verified: readonly VerifiedRecipient[]): VerifiedRecipient[] {
  return verified.filter(({ host }) => matchesHost(host, recipient.host, recipient.port))
}

/** Whether an entry of the blocked list names the recipient; an entry with neither host nor address names nobody. */
export function isBlocked(recipient: Recipient, blocked: readonly BlockedRecipient[]): boolean {
  return blocked.some(({ host, payTo }) => {
    if (host === undefined && payTo === undefined) return false
    const hostHolds = host === undefined || matchesHost(host, recipient.host, recipient.port)
    return hostHolds && (payTo === undefined || sameAddress(payTo, recipient.payTo))
  })
}

export function isListedAddress({ payTo }: Recipient, listed: BlockedAddresses | undefined): boolean {
  return listed?.addresses.has(uniformAddress(payTo)) === true
}

/** Hex addresses of one account differ at most in the case of their letters; in base 58 every letter counts. */
export function sameAddress(a: string, b: string): boolean {
  return uniformAddress(a) === uniformAddress(b)
}
