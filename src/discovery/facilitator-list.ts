/** Asks a facilitator for its list from time to time and keeps the last one that could be read. */
import type { Fetch } from '../http.ts'
import { DISCOVERY_PAGE, DISCOVERY_TIMEOUT_MS, MAX_DISCOVERED_RESOURCES, MAX_DISCOVERY_PAGE_BYTES } from '../limits.ts'
import type { Asset } from '../money.ts'
import type { Events } from '../telemetry/events.ts'
import { type Discovery, discoveryOver, type Listed, type Seen } from './discovery.ts'
import { ListingError, type ListingPage, readListing } from './listing.ts'

export interface FacilitatorListOptions {
  /** Of the list itself, e.g. `https://facilitator.example/discovery/resources`. */
  readonly url: string
  readonly refresh_ms: number
  /** What this house could pay with; prices in other assets are left out. */
  readonly assets: readonly Asset[]
  /** The operator's rules. */
  readonly see: (listed: Listed) => Seen
  readonly events: Pick<Events, 'warned'>
  readonly timeout_ms?: number
  /** The way out, where it is not the usual one. */
  readonly fetch?: Fetch
}

export interface FacilitatorList extends Discovery {
  /** Asks now, and then every `refresh_ms` until `stop`. */
  start(): void
  stop(): void
  /** Asks now. A list that cannot be had leaves the last one as it was, with one warning until it can be had again. */
  refresh(): Promise<void>
}

export function createFacilitatorList(options: FacilitatorListOptions): FacilitatorList {
  let list: ReadonlyMap<string, Listed> = new Map()
  let warned = false
  let timer: NodeJS.Timeout | undefined
  let asking: Promise<void> | undefined
  const ask = async () => {
    try {
      list = await wholeList(options)
      warned = false
    } catch (cause) {
      if (!warned) options.events.warned(`The list of resources at ${new URL(options.url).host} could not be read.`, cause)
      warned = true
    }
  }
  const refresh = () => {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
  return {
    ...discoveryOver(() => list, options.see),
    refresh,
    start() {
      void refresh()
      timer ??= setInterval(() => void refresh(), options.refresh_ms).unref()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/** Page by page, up to `MAX_DISCOVERED_RESOURCES` entries. @throws ListingError, or a fault of the connection. */
async function wholeList(options: FacilitatorListOptions): Promise<ReadonlyMap<string, Listed>> {
  const all = new Map<string, Listed>()
  for (let offset = 0; offset < MAX_DISCOVERED_RESOURCES; ) {
    const { listed, entries, total } = await pageAt(options, offset)
    for (const [place, one] of listed) {
      const before = all.get(place)
      if (!before || one.amount < before.amount) all.set(place, one)
    }
    offset += entries
    if (entries === 0 || total === undefined || offset >= total) break
  }
  return all
}

async function pageAt(
  { url, assets, timeout_ms = DISCOVERY_TIMEOUT_MS, fetch: ask = fetch }: FacilitatorListOptions,
  offset: number,
): Promise<ListingPage> {
  const place = new URL(url)
  place.searchParams.set('limit', String(DISCOVERY_PAGE))
  place.searchParams.set('offset', String(offset))
  const signal = AbortSignal.timeout(timeout_ms)
  const response = await ask(place, { headers: { accept: 'application/json' }, signal, redirect: 'error' })
  const text = await boundedText(response)
  if (!response.ok) throw new ListingError(`the facilitator answered ${response.status}`)
  return readListing(text, assets)
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_DISCOVERY_PAGE_BYTES) throw new ListingError(`a page is longer than ${MAX_DISCOVERY_PAGE_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
