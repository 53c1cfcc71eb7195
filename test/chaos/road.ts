/** The road between a replica and the merchants: how long each way takes, and where on it something gets lost. */
import { Readable } from 'node:stream'
import type { Answer } from '../../src/http.ts'
import { UPSTREAM_HEAD_TIMEOUT_MS } from '../../src/limits.ts'
import type { Send, SendResult, UnpaidAnswer } from '../../src/session/exchange.ts'
import type { Agenda, Life } from './agenda.ts'
import { type Merchant, type Presented, presentedIn, type Reply } from './merchants.ts'
import type { Random } from './random.ts'

export interface RoadOptions {
  readonly agenda: Agenda
  readonly random: Random
  readonly life: Life
  readonly merchant: Merchant
  readonly url: string
  readonly way_ms: readonly [low: number, high: number]
  /** The merchant has asked for nothing yet. */
  readonly first?: boolean
  /** Right before the first byte of a payment leaves. */
  readonly onLeaving: (nonce: string, headers: readonly string[]) => void
}

const CONNECT_FAILS = 0.03
const LOST_GOING = 0.03
const LOST_COMING = 0.05

/** Asks without paying; undefined where nothing came back. */
export async function askUnpaid({ agenda, random, life, merchant, url, way_ms }: RoadOptions): Promise<UnpaidAnswer | undefined> {
  await agenda.pause(random.spread(...way_ms), life)
  if (random.chance(CONNECT_FAILS)) return undefined
  const { status, headers, body } = merchant.challenge(url)
  await agenda.pause(random.spread(...way_ms), life)
  return { status, headers, body: Buffer.from(body) }
}

/** As the proxy's own: a connection first, then the last look, then bytes that cannot be called back. */
export function roadOf(options: RoadOptions): Send {
  const { agenda, random, life, url, way_ms, onLeaving } = options
  return async ({ set, beforeSend }) => {
    await agenda.pause(random.spread(...way_ms), life)
    if (random.chance(CONNECT_FAILS)) return failed(false, 'upstream_unreachable')
    if (beforeSend && !beforeSend()) return failed(false, 'upstream_timeout')
    const presented = presentedIn(set, url)
    onLeaving(presented.nonce, set)
    return new Promise((resolve) => travel(options, presented, resolve))
  }
}

function travel(options: RoadOptions, presented: Presented, resolve: (result: SendResult) => void): void {
  const { agenda, random, life, merchant, way_ms, first = false } = options
  let over = false
  const end = (result: SendResult) => {
    if (!over) resolve(result)
    over = true
  }
  const [going, coming] = [random.chance(LOST_GOING), random.chance(LOST_COMING)]
  // Where the connection breaks after all of the request is out, the merchant has it and nobody else knows.
  if (going) agenda.later(random.spread(...way_ms), life, () => end(failed(true, 'upstream_unreachable')))
  if (going && random.chance(0.5)) return
  agenda.later(UPSTREAM_HEAD_TIMEOUT_MS, life, () => end(failed(true, 'upstream_timeout')))
  agenda.later(random.spread(...way_ms), agenda.world, () => {
    void merchant.receive(presented, first).then((reply) => {
      if (reply.kind === 'silence') return
      agenda.later(random.spread(...way_ms), life, () => end(coming ? failed(true, 'upstream_unreachable') : resultOf(reply)))
    })
  })
}

function resultOf(reply: Exclude<Reply, { kind: 'silence' }>): SendResult {
  if (reply.kind === 'reset') return failed(true, 'upstream_unreachable')
  const { status, headers, body, broken } = reply
  const answer: Answer = { status, statusText: '', headers, body: broken ? breaking(body) : streamOf(body), trailers: () => [] }
  return { kind: 'answer', answer }
}

function failed(sent: boolean, code: 'upstream_unreachable' | 'upstream_timeout'): SendResult {
  return { kind: 'failed', sent, code, detail: 'The road broke.' }
}

function streamOf(body: string | Uint8Array): Readable {
  const stream = new Readable({ read: () => undefined })
  stream.push(body)
  stream.push(null)
  return stream
}

function breaking(body: string | Uint8Array): Readable {
  const stream = new Readable({ read: () => void stream.destroy(new Error('the connection was reset')) })
  stream.on('error', () => undefined)
  stream.push(body.slice(0, 2))
  return stream
}
