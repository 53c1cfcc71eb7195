/** The kind of resource that prices are compared within: one agent's payments at one origin for paths of one shape. */
import { hash } from 'node:crypto'
import { pathShape } from '../session/path-shape.ts'
import type { Attempt, Terms } from './ledger.ts'

export interface PricedKind {
  readonly agent: string
  readonly origin: string
  readonly method: string
  /** With or without what varies in it. */
  readonly path: string
  readonly currency: string
}

const KEY_CHARS = 32

/** The first 128 bits of a SHA-256, in hex: equal for what is compared, whatever the numbers and ids in the path. */
export function priceKeyOf({ agent, origin, method, path, currency }: PricedKind): string {
  const parts = [agent, origin, method.toUpperCase(), pathShape(path), currency]
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, KEY_CHARS)
}

export function pricedKindOf({ agent, origin, method, url, terms }: Attempt & { readonly terms: Terms }): PricedKind {
  return { agent, origin, method, path: new URL(url).pathname, currency: terms.currency }
}
