/** Sealing: a paid answer as the ledger keeps it. Only the holder of the key can read it, and only as this payment's. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Head, RawHeaders } from '../http.ts'

/** A paid answer to its last byte. */
export interface WholeAnswer extends Head {
  readonly statusText: string
  readonly body: Uint8Array
  readonly trailers: RawHeaders
}

export interface Sealing {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly paymentId: string
}

const FORMAT = 1
const IV_BYTES = 12
const TAG_BYTES = 16
const LENGTH_BYTES = 4

const headSchema = z.object({
  status: z.int().min(200).max(299),
  statusText: z.string(),
  headers: z.array(z.string()),
  trailers: z.array(z.string()),
})

/** AES-256-GCM over head and body, bound to the payment: format, 12 bytes IV, ciphertext, 16 bytes tag. */
export function sealAnswer({ status, statusText, headers, trailers, body }: WholeAnswer, { key, paymentId }: Sealing): Uint8Array {
  const head = Buffer.from(JSON.stringify({ status, statusText, headers, trailers }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(head.length)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(boundTo(paymentId))
  const sealed = [length, head, body].map((part) => cipher.update(part))
  return Buffer.concat([Buffer.of(FORMAT), iv, ...sealed, cipher.final(), cipher.getAuthTag()])
}

/** The answer, or undefined where these bytes were not sealed with this key for this payment. */
export function openAnswer(sealed: Uint8Array, { key, paymentId }: Sealing): WholeAnswer | undefined {
  const plain = unseal(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength), { key, paymentId })
  if (!plain) return undefined
  const end = LENGTH_BYTES + plain.readUInt32BE(0)
  const head = headSchema.parse(JSON.parse(plain.toString('utf8', LENGTH_BYTES, end)))
  return { ...head, body: plain.subarray(end) }
}

function unseal(sealed: Buffer, { key, paymentId }: Sealing): Buffer | undefined {
  if (sealed.length < 1 + IV_BYTES + LENGTH_BYTES + TAG_BYTES || sealed[0] !== FORMAT) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(boundTo(paymentId)).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plain = decipher.update(sealed.subarray(1 + IV_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    // The tag does not fit: another key, another payment, or changed bytes.
    return undefined
  }
}

function boundTo(paymentId: string): Buffer {
  return Buffer.from(`purser answer ${paymentId}`)
}
