/**
 * Discovery: what a facilitator lists of paid resources. It informs people and agents (is this resource known, at what
 * price, what else is there of the same category) and decides nothing: what is listed is trusted no more than what is not.
 * Categories come from the operator's rules, never from the list, and none of the list's own text is kept but its URLs.
 */
import { MAX_ALTERNATIVES } from '../limits.ts'
import { displayAmount } from '../money.ts'

/** A listed resource at the cheapest price that this house could pay. */
export interface Listed {
  /** Canonical, http or https, without fragment. */
  readonly url: string
  /** CAIP-2. */
  readonly network: string
  readonly payTo: string
  /** Millionths of `currency`. */
  readonly amount: bigint
  readonly currency: string
}

/** What the operator's rules say of a listed resource. */
export interface Seen {
  readonly category: string | undefined
  readonly blocked: boolean
}

export interface Wanted {
  /** Of the payment that is not made; its own host is no alternative to it. */
  readonly url: string
  readonly categories: readonly string[]
  readonly amount: bigint
  readonly currency: string
}

export interface Discovery {
  /** What is listed for this URL, whatever its query. */
  known(url: string): Listed | undefined
  /** Up to `MAX_ALTERNATIVES` resources of other hosts in one of the categories that cost no more, cheapest first. */
  alternatives(wanted: Wanted): readonly Listed[]
}

/** Where nobody is asked. */
export const noDiscovery: Discovery = { known: () => undefined, alternatives: () => [] }

const MAX_SHOWN_CHARS = 120

/** Answers from a list that may be replaced at any time. */
export function discoveryOver(list: () => ReadonlyMap<string, Listed>, see: (listed: Listed) => Seen): Discovery {
  return {
    known: (url) => (URL.canParse(url) ? list().get(placeIn(url)) : undefined),
    alternatives({ url, categories, amount, currency }) {
      if (categories.length === 0 || !URL.canParse(url)) return []
      const { host } = new URL(url)
      const fitting = [...list().values()].filter((listed) => {
        if (listed.currency !== currency || listed.amount > amount || new URL(listed.url).host === host) return false
        const { category, blocked } = see(listed)
        return !blocked && category !== undefined && categories.includes(category)
      })
      return fitting.sort(cheapestFirst).slice(0, MAX_ALTERNATIVES)
    },
  }
}

/** By what listings are found: origin and path. */
export function placeIn(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** "A facilitator lists https://api.example.com/search for $0.01." Long URLs are cut to their origin. */
export function listedSentence({ url, amount, currency }: Listed): string {
  const place = placeIn(url)
  const shown = place.length <= MAX_SHOWN_CHARS ? place : new URL(url).origin
  return `A facilitator lists ${shown} for ${displayAmount(amount, currency)}.`
}

/** What people are to know where the price that is asked is not the listed one; undefined where it is, or none is listed. */
export function priceDifference(
  listed: Listed | undefined,
  asked: { readonly amount: bigint; readonly currency: string },
): string | undefined {
  if (!listed || listed.currency !== asked.currency || listed.amount === asked.amount) return undefined
  const [there, here] = [displayAmount(listed.amount, listed.currency), displayAmount(asked.amount, asked.currency)]
  return `A facilitator lists this resource for ${there}; it asks for ${here}.`
}

function cheapestFirst(a: Listed, b: Listed): number {
  if (a.amount !== b.amount) return a.amount < b.amount ? -1 : 1
  return a.url < b.url ? -1 : 1
}
