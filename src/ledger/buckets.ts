/** Buckets: which of a session's limits a payment counts against. Pure. */
import { uniformAddress } from '../address.ts'
import type { Code } from '../errors.ts'
import { matchesHost } from '../session/host-pattern.ts'
import type { SessionLimits } from '../session/session.ts'
import { isSolanaAddress } from '../solana-address.ts'
import type { Attempt, Terms } from './ledger.ts'

/** A bound that a payment counts against. */
export interface BoundedBucket {
  /** Dimension and name, unique within the session. */
  readonly bucket: string
  /** For sentences, e.g. `tool "web_search"`. */
  readonly label: string
  /** Millionths; undefined where the limits do not name it and have no `*`: then nothing may be paid. */
  readonly max: bigint | undefined
  readonly code: Extract<Code, `${'recipient' | 'category' | 'tool' | 'user'}_limit_exceeded`>
}

/** What of a payment decides its buckets. */
export type Counted = Pick<Attempt, 'origin' | 'host' | 'tool' | 'user' | 'categories'> & { readonly terms: Pick<Terms, 'payTo'> }

type Bounds = Readonly<Record<string, bigint>>
type Dimension = 'recipient' | 'category' | 'tool' | 'user'

/** All buckets of a payment, each once: recipients, categories, the tool, the user. */
export function bucketsOf(limits: SessionLimits, payment: Counted): BoundedBucket[] {
  const { perRecipient, perCategory, perTool, perUser } = limits
  const categories = payment.categories.length > 0 ? payment.categories : ['']
  return [
    ...(perRecipient ? recipientBuckets(perRecipient, payment) : []),
    ...(perCategory ? [...new Set(categories)].map((name) => namedBucket('category', perCategory, name)) : []),
    ...(perTool ? [namedBucket('tool', perTool, payment.tool ?? '')] : []),
    ...(perUser ? [namedBucket('user', perUser, payment.user ?? '')] : []),
  ]
}

function recipientBuckets(bounds: Bounds, payment: Counted): BoundedBucket[] {
  const named = Object.entries(bounds).filter(([key]) => key !== '*' && namesRecipient(key, payment))
  if (named.length > 0) return named.map(([key, max]) => bucket('recipient', { name: `named:${key}`, shown: key, max }))
  const host = payment.host.toLowerCase().replace(/\.$/, '')
  const address = uniformAddress(payment.terms.payTo)
  const max = bounds['*']
  return [
    bucket('recipient', { name: `host:${host}`, shown: host, max }),
    bucket('recipient', { name: `address:${address}`, shown: payment.terms.payTo, max }),
  ]
}

const ADDRESS = /^0x[0-9a-f]{40}$/i

/** True where a limit's or halt's `key`, a host pattern or an address, names the recipient of this payment. */
export function namesRecipient(key: string, payment: Pick<Counted, 'origin' | 'host' | 'terms'>): boolean {
  if (ADDRESS.test(key) || isSolanaAddress(key)) return uniformAddress(key) === uniformAddress(payment.terms.payTo)
  return matchesHost(key, payment.host, portOf(payment.origin))
}

function namedBucket(dimension: Dimension, bounds: Bounds, name: string): BoundedBucket {
  const named = name !== '*' && Object.hasOwn(bounds, name)
  return bucket(dimension, { name, shown: name, max: named ? bounds[name] : bounds['*'] })
}

function bucket(dimension: Dimension, { name, shown, max }: { name: string; shown: string; max: bigint | undefined }): BoundedBucket {
  const label = shown === '' ? `payments without a ${dimension}` : `${dimension} ${JSON.stringify(shown)}`
  return { bucket: `${dimension}:${name}`, label, max, code: `${dimension}_limit_exceeded` }
}

function portOf(origin: string): number {
  const { port, protocol } = new URL(origin)
  if (port !== '') return Number(port)
  return protocol === 'http:' ? 80 : 443
}
