/** The table of schemes: which ways of paying there are, by the names that offers give them. */
import type { Offer } from '../../rail.ts'
import { exactByEip3009 } from './eip3009.ts'
import { byPermit2 } from './permit2.ts'
import type { Scheme } from './scheme.ts'

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['exact eip3009', exactByEip3009],
  ['exact permit2', byPermit2],
  ['upto permit2', byPermit2],
])

/** How this offer is signed; undefined where it cannot be. */
export function schemeOf({ scheme, method }: Pick<Offer, 'scheme' | 'method'>): Scheme | undefined {
  return SCHEMES.get(`${scheme} ${method ?? 'eip3009'}`)
}
