/**
 * What goes over the signer's socket: frames of four bytes of length (big-endian) and a JSON text. Each request has an id
 * and gets one answer with it; many may be under way. Amounts and times are decimal texts.
 */
import { z } from 'zod'
import { MAX_SIGNER_FRAME_BYTES } from '../signer-limits.ts'
import type { Hex } from './wallet.ts'

const hex = (bytes: number) =>
  z.custom<Hex>((value) => typeof value === 'string' && new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`).test(value))
const account = hex(20)
const word = hex(32)
const uint = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/)
  .transform((text) => BigInt(text))
const text = z.string().max(4_096)
const name = z.string().min(1).max(200)
const chainId = z.int().min(1)
const id = z.int().min(0)
const domain = z.strictObject({ name: text, version: text, chainId, verifyingContract: account })
const purpose = z.strictObject({ sessionId: name, paymentId: name })

const transfer = z.strictObject({
  ...{ domain, from: account, to: account, value: uint, validAfter: uint, validBefore: uint, nonce: word },
})
const permit = z.strictObject({
  ...{ chainId, token: account, from: account, amount: uint, spender: account, nonce: word, deadline: uint },
  witness: z.strictObject({ to: account, validAfter: uint, facilitator: account.exactOptional() }),
})
const login = z.strictObject({
  ...{ domain: text, address: account, statement: text.exactOptional(), uri: text, chainId, nonce: text, issuedAt: text },
  expirationTime: text.exactOptional(),
  resources: z.array(text).max(100).exactOptional(),
})

const request = z.discriminatedUnion('op', [
  z.strictObject({ id, op: z.literal('hello'), token: text }),
  z.strictObject({ id, op: z.literal('prove'), paymentId: name, nonce: word }),
  z.strictObject({ id, op: z.literal('transfer'), purpose, data: transfer }),
  z.strictObject({ id, op: z.literal('permit'), purpose, data: permit }),
  z.strictObject({ id, op: z.literal('cancel'), data: z.strictObject({ domain, authorizer: account, nonce: word }) }),
  z.strictObject({ id, op: z.literal('login'), data: login }),
])
export type SignerRequest = z.output<typeof request>
/** Before its id is given. */
export type SignerAsk = SignerRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never

const answer = z.union([
  z.strictObject({ id, kind: z.literal('known'), address: account, head: name.nullable() }),
  z.strictObject({ id, kind: z.literal('proven') }),
  z.strictObject({ id, kind: z.literal('signed'), signature: hex(65) }),
  z.strictObject({
    ...{ id, kind: z.literal('refused'), detail: text },
    code: z.enum(['spending_limit_exceeded', 'wallet_unavailable', 'ledger_unavailable', 'internal_error']),
  }),
])
export type SignerAnswer = z.output<typeof answer>

/** @throws ZodError or SyntaxError where it is no request. */
export const readRequest = (frame: string): SignerRequest => request.parse(JSON.parse(frame))
/** @throws ZodError or SyntaxError where it is no answer. */
export const readAnswer = (frame: string): SignerAnswer => answer.parse(JSON.parse(frame))

/** @throws RangeError where it is longer than a frame may be. */
export function frameOf(message: SignerAnswer | (SignerAsk & { readonly id: number })): Buffer {
  const json = JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
  const body = Buffer.from(json, 'utf8')
  if (body.length > MAX_SIGNER_FRAME_BYTES) throw new RangeError('the message is longer than a frame may be')
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** Cuts a stream into its frames. @throws RangeError for a length beyond the bound, before anything of that length is kept. */
export function createFrameReader(): (chunk: Uint8Array) => string[] {
  let kept: Buffer = Buffer.alloc(0)
  return (chunk) => {
    kept = kept.length === 0 ? Buffer.from(chunk) : Buffer.concat([kept, chunk])
    const frames: string[] = []
    let at = 0
    while (kept.length - at >= 4) {
      const length = kept.readUInt32BE(at)
      if (length > MAX_SIGNER_FRAME_BYTES) throw new RangeError('a frame is longer than it may be')
      if (kept.length - at - 4 < length) break
      frames.push(kept.toString('utf8', at + 4, at + 4 + length))
      at += 4 + length
    }
    kept = kept.subarray(at)
    return frames
  }
}
