/** The challenges of a 402: what its `WWW-Authenticate` headers say under the scheme `Payment`. All reasons are our own words. */
import { MAX_402_HEADER_BYTES, MAX_OFFERS } from '../../limits.ts'
import { type AuthChallenge, readAuthChallenges } from './auth-params.ts'

export type Params = AuthChallenge['params']

/** none: nobody asks for a payment by this protocol. broken: somebody does, and cannot be relied on. */
export type ReadPayments =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'payments'; readonly payments: readonly Params[] }

const NONE: ReadPayments = { kind: 'none' }
/** As a careless client would look for it, quoted or not. */
const CLAIM = /(?:^|,)[ \t]*payment(?:[ \t]|$)/i

/** Reads the values of `WWW-Authenticate`, which may name challenges of other schemes too. */
export function readPayments(values: readonly string[]): ReadPayments {
  if (!values.some((value) => CLAIM.test(value))) return NONE
  const length = values.reduce((sum, value) => sum + value.length, 0)
  if (length > MAX_402_HEADER_BYTES) return broken(`holds more than ${MAX_402_HEADER_BYTES} bytes`)
  const payments: Params[] = []
  for (const value of values) {
    const challenges = readAuthChallenges(value)
    if (!challenges && CLAIM.test(value)) return broken('asks for a payment and cannot be read as a list of challenges')
    payments.push(...(challenges ?? []).filter(({ scheme }) => scheme === 'payment').map(({ params }) => params))
  }
  if (payments.length > MAX_OFFERS) return broken(`lists more than ${MAX_OFFERS} payments`)
  return payments.length === 0 ? NONE : { kind: 'payments', payments }
}

function broken(what: string): ReadPayments {
  return { kind: 'broken', reason: `WWW-Authenticate ${what}.` }
}
