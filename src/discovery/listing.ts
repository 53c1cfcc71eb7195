/** One page of a facilitator's list, read with a schema: what is not understood is left out. */
import { z } from 'zod'
import { type Asset, priceOf } from '../money.ts'
import { resolveNetwork } from '../session/networks.ts'
import { type Listed, placeIn } from './discovery.ts'

/** The list is not of the form that facilitators answer with. */
export class ListingError extends Error {
  override readonly name = 'ListingError'
}

const MAX_URL_CHARS = 2_048
const UINT256 = 2n ** 256n

const atomic = z
  .string()
  .regex(/^[1-9][0-9]{0,77}$/)
  .transform((digits) => BigInt(digits))
  .refine((amount) => amount < UINT256)

/** Version 1 says `maxAmountRequired`, version 2 `amount`. */
const acceptSchema = z.object({
  scheme: z.literal('exact'),
  network: z.string(),
  asset: z.string(),
  payTo: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  amount: atomic.optional(),
  maxAmountRequired: atomic.optional(),
})

const itemSchema = z.object({ resource: z.string().max(MAX_URL_CHARS), accepts: z.array(z.unknown()) })
const pageSchema = z.object({
  items: z.array(z.unknown()),
  pagination: z.object({ total: z.int().nonnegative() }).optional(),
})

export interface ListingPage {
  /** By origin and path. */
  readonly listed: ReadonlyMap<string, Listed>
  /** Entries of the page, read or not. */
  readonly entries: number
  /** Of the whole list, where it says so. */
  readonly total: number | undefined
}

/**
 * Reads a page. Of a resource that is listed several ways, the cheapest one in a known asset stays.
 * @throws ListingError
 */
export function readListing(text: string, assets: readonly Asset[]): ListingPage {
  const page = pageSchema.safeParse(parseJson(text))
  if (!page.success) throw new ListingError('the answer is no list of resources')
  const listed = new Map<string, Listed>()
  for (const one of page.data.items.flatMap((item) => resourceIn(item, assets))) {
    const place = placeIn(one.url)
    const before = listed.get(place)
    if (!before || one.amount < before.amount) listed.set(place, one)
  }
  return { listed, entries: page.data.items.length, total: page.data.pagination?.total }
}

function resourceIn(value: unknown, assets: readonly Asset[]): Listed[] {
  const item = itemSchema.safeParse(value)
  if (!item.success || !URL.canParse(item.data.resource)) return []
  const url = new URL(item.data.resource)
  url.hash = ''
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return []
  return item.data.accepts.flatMap((accept) => {
    const priced = priceIn(accept, assets)
    return priced ? [{ url: url.href, ...priced }] : []
  })
}

function priceIn(value: unknown, assets: readonly Asset[]): Omit<Listed, 'url'> | undefined {
  const accept = acceptSchema.safeParse(value)
  if (!accept.success) return undefined
  const network = resolveNetwork(accept.data.network)
  const address = accept.data.asset.toLowerCase()
  const asset = assets.find((known) => known.network === network && known.address.toLowerCase() === address)
  const amount = accept.data.amount ?? accept.data.maxAmountRequired
  if (!asset || network === undefined || amount === undefined) return undefined
  return { network, payTo: accept.data.payTo, amount: priceOf(amount, asset), currency: asset.currency }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
