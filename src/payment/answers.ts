/**
 * Paid answers: what an agent paid for is kept where it may not have arrived, so that its repeat is answered without
 * another payment (rules R1 and R2). Keyed purchases are answered again for their whole lifetime.
 */
import { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { type Answer, headerValues, type RawHeaders } from '../http.ts'
import type { Ledger, PurchaseIdentity } from '../ledger/ledger.ts'
import { DELIVERED_ANSWERS_BYTES, KEYED_PURCHASE_TTL_MS, MAX_KEPT_ANSWER_BYTES, RESET_WATCH_MS, UNDELIVERED_TTL_MS } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import { nameOf } from './purchase.ts'
import { createRecorder, type Record } from './recording.ts'
import { openAnswer, sealAnswer, type WholeAnswer } from './sealing.ts'

export interface Answers {
  readonly record: Record
  /** Durable when this resolves. */
  keep(paymentId: string, answer: WholeAnswer, identity: PurchaseIdentity): Promise<void>
  /** The kept answer to a payment, ready to be streamed; undefined where there is none that can be read. */
  stored(paymentId: string, method: string): Promise<Answer | undefined>
  /** Holds a delivered answer at hand for a moment. */
  remember(paymentId: string, answer: WholeAnswer): void
  remembered(paymentId: string): WholeAnswer | undefined
  /** From now on an identical request waits until `work` has ended: it may make the purchase one that can be repeated. */
  whileReopening(identity: PurchaseIdentity, work: Promise<unknown>): void
  /** Resolves when no such work is under way for this purchase. */
  reopened(identity: PurchaseIdentity): Promise<void>
}

export interface AnswersOptions {
  readonly ledger: Pick<Ledger, 'keepAnswer' | 'keptAnswer'>
  /** 32 bytes; what is kept is sealed with it. */
  readonly key: Uint8Array
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
}

export function createAnswers({ ledger, key, clock, events }: AnswersOptions): Answers {
  const delivered = new LRUCache<string, WholeAnswer>({
    ...{ maxSize: DELIVERED_ANSWERS_BYTES, maxEntrySize: MAX_KEPT_ANSWER_BYTES, ttl: RESET_WATCH_MS, ttlResolution: 0 },
    sizeCalculation: ({ body }) => body.length + 1,
    perf: { now: () => clock.monotonic() },
  })
  const reopening = new Map<string, Promise<unknown>>()
  return {
    record: createRecorder(),
    keep: (paymentId, answer, { keyDigest }) => {
      const ttl_ms = keyDigest === null ? UNDELIVERED_TTL_MS : KEYED_PURCHASE_TTL_MS
      const sealed = sealAnswer(answer, { key, paymentId })
      passing('answer sealed')
      return ledger.keepAnswer(paymentId, { sealed, expiresAt: clock.now() + ttl_ms })
    },
    stored: async (paymentId, method) => {
      const kept = await ledger.keptAnswer(paymentId)
      if (!kept || kept.expiresAt <= clock.now()) return undefined
      const whole = openAnswer(kept.sealed, { key, paymentId })
      if (!whole) events.warned(`The kept answer to payment ${paymentId} was sealed with another key.`)
      return whole && streamed(whole, method)
    },
    remember: (paymentId, answer) => void delivered.set(paymentId, answer),
    remembered: (paymentId) => delivered.get(paymentId),
    whileReopening: (identity, work) => {
      const name = nameOf(identity)
      const all = Promise.allSettled([reopening.get(name), work])
      reopening.set(name, all)
      void all.then(() => reopening.get(name) === all && reopening.delete(name))
    },
    reopened: async (identity) => {
      await reopening.get(nameOf(identity))
    },
  }
}

/** As if it came from the upstream just now. */
function streamed({ status, statusText, headers, body, trailers }: WholeAnswer, method: string): Answer {
  const fresh = framed(headers, { method, status, bytes: body.length, trailed: trailers.length > 0 })
  return {
    status,
    statusText,
    headers: fresh,
    body: Readable.from(body.length > 0 ? [body] : [], { objectMode: false }),
    trailers: () => trailers,
  }
}

interface Framing {
  readonly method: string
  readonly status: number
  readonly bytes: number
  readonly trailed: boolean
}

/** The length is made anew, except where it tells of a body that is not there; with trailers the body goes in chunks. */
function framed(headers: RawHeaders, { method, status, bytes, trailed }: Framing): RawHeaders {
  if (method === 'HEAD' || status === 204) return headers
  const kept = headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== 'content-length')
  return trailed && headerValues(headers, 'trailer').length > 0 ? kept : [...kept, 'Content-Length', String(bytes)]
}
