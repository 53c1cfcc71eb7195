/**
 * A purchase: one intent of the agent to get one resource once. Its identity says which later request is a repeat of it
 * (rule R1); its nonce ties every signature made for it to the one transfer that the chain will take.
 */
import { createHmac, hash } from 'node:crypto'
import { PurserError, type Refusal } from '../errors.ts'
import { headerValues, type RawHeaders } from '../http.ts'
import type { PurchaseIdentity } from '../ledger/ledger.ts'
import { MAX_IDEMPOTENCY_KEY_CHARS } from '../limits.ts'
import type { BodyState, PaidRequest } from '../session/exchange.ts'

/** Headers that choose the answer: the same URL with another value of these is another purchase. */
const CHOOSING_HEADERS = [
  'authorization',
  'cookie',
  'range',
  'accept',
  'content-type',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]
const PLACES: ReadonlyMap<string, number> = new Map(CHOOSING_HEADERS.map((name, place) => [name, place]))

export interface PurchaseRequest {
  readonly sessionId: string
  readonly method: string
  /** Canonical absolute URL. */
  readonly url: string
  readonly headers: RawHeaders
  /** SHA-256 of the body, hex. */
  readonly bodyDigest: string
}

/**
 * The identity of the purchase that this request is for. With an `Idempotency-Key` only method, URL and body decide
 * whether the key is used for the same thing, so that a client may vary the rest between its attempts.
 * @throws PurserError `request_invalid` for several keys, an empty one, or one that is too long.
 */
export function identityOf(request: PurchaseRequest): PurchaseIdentity {
  const { sessionId, method, url, headers, bodyDigest } = request
  const key = idempotencyKey(headers)
  const choosing = key === undefined ? valuesOfChoosing(headers) : []
  return {
    sessionId,
    fingerprint: digest([sessionId, method, url, bodyDigest, choosing]),
    keyDigest: key === undefined ? null : digest([sessionId, new URL(url).origin, key]),
  }
}

/** The purchase that a request of an agent is for, or why it is for none. */
export function purchaseOf(request: PaidRequest, body: BodyState): PurchaseIdentity | Refusal {
  try {
    return identityOf({ ...request, sessionId: request.session.id, bodyDigest: body.digest })
  } catch (fault) {
    if (fault instanceof PurserError) return fault.refusal
    throw fault
  }
}

/** What all requests for this purchase have in common. */
export function nameOf({ sessionId, fingerprint, keyDigest }: PurchaseIdentity): string {
  return `${sessionId} ${keyDigest ?? fingerprint}`
}

/**
 * The 32-byte nonce of a purchase: HMAC-SHA256 of its id under a secret of this installation. Deterministic, so that
 * a crash or a retry can only present the same payment; the ledger keeps it and is the truth from then on.
 */
export function nonceOf(secret: Uint8Array, purchaseId: string): `0x${string}` {
  return `0x${createHmac('sha256', secret).update(`purser nonce ${purchaseId}`).digest('hex')}`
}

/** The values of each of them, in their order. */
function valuesOfChoosing(headers: RawHeaders): readonly string[][] {
  const values = CHOOSING_HEADERS.map((): string[] => [])
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const place = PLACES.get(headers[at]?.toLowerCase() ?? '')
    if (place !== undefined) values[place]?.push(headers[at + 1] ?? '')
  }
  return values
}

function idempotencyKey(headers: RawHeaders): string | undefined {
  const keys = headerValues(headers, 'idempotency-key')
  const [key] = keys
  if (key === undefined) return undefined
  if (keys.length > 1 || key === '' || key.length > MAX_IDEMPOTENCY_KEY_CHARS) {
    const detail = `Idempotency-Key must be sent once, with 1 to ${MAX_IDEMPOTENCY_KEY_CHARS} characters.`
    throw new PurserError({ code: 'request_invalid', detail })
  }
  return key
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'hex')
}
