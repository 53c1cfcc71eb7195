/** DIDs: the public key that a signer's name holds. Only names that hold their key: nothing is fetched for `did:web`. */
import { createPublicKey, ECDH, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { MAX_DID_CHARS } from '../../../extension-limits.ts'
import { readStrictJson } from '../../strict-json.ts'

export type Algorithm = 'EdDSA' | 'ES256' | 'ES256K'

export type DidKey =
  | { readonly kind: 'key'; readonly key: KeyObject; readonly algorithm: Algorithm }
  /** It names a key that would have to be fetched, or one of a kind that is not known here. */
  | { readonly kind: 'elsewhere' }
  /** It claims to hold a key and does not. */
  | { readonly kind: 'broken' }

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** Multicodec prefixes of public keys, as varints. */
const CODECS = { ed01: 'Ed25519', e701: 'secp256k1', '8024': 'P-256' } as const
const ECDH_NAME = { secp256k1: 'secp256k1', 'P-256': 'prime256v1' } as const
const ALGORITHM = { Ed25519: 'EdDSA', 'P-256': 'ES256', secp256k1: 'ES256K' } as const

const jwkSchema = z.discriminatedUnion('crv', [
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('EC'), crv: z.literal('secp256k1'), x: z.string(), y: z.string() }),
])
type Jwk = z.infer<typeof jwkSchema>

/** Reads `did:key` (base58btc) and `did:jwk`; a fragment is left out of account, for both have one key. Never throws. */
export function keyOf(did: string): DidKey {
  if (did.length > MAX_DID_CHARS) return { kind: 'elsewhere' }
  const [, method, identifier = ''] = /^did:([a-z0-9]+):([^#]*)/.exec(did) ?? []
  if (method !== 'key' && method !== 'jwk') return { kind: 'elsewhere' }
  try {
    const jwk = method === 'key' ? jwkOfMultikey(identifier) : jwkOfText(Buffer.from(identifier, 'base64url').toString('utf8'))
    return jwk ? { kind: 'key', key: createPublicKey({ key: jwk, format: 'jwk' }), algorithm: ALGORITHM[jwk.crv] } : { kind: 'broken' }
  } catch {
    return { kind: 'broken' }
  }
}

/** The members of a public key alone: a private one in a name is not taken up. */
function jwkOfText(text: string): Jwk | undefined {
  const json = readStrictJson(text)
  return json.kind === 'read' ? jwkSchema.safeParse(json.value).data : undefined
}

function jwkOfMultikey(identifier: string): Jwk | undefined {
  const bytes = identifier.startsWith('z') ? fromBase58(identifier.slice(1)) : undefined
  const curve = Object.entries(CODECS).find(([prefix]) => bytes?.toString('hex', 0, 2) === prefix)?.[1]
  const key = bytes?.subarray(2)
  if (!key || !curve) return undefined
  if (curve === 'Ed25519') return key.length === 32 ? { kty: 'OKP', crv: curve, x: key.toString('base64url') } : undefined
  if (key.length !== 33) return undefined
  const point = Buffer.from(ECDH.convertKey(key, ECDH_NAME[curve], undefined, undefined, 'uncompressed'))
  return { kty: 'EC', crv: curve, x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33, 65) }
}

function fromBase58(text: string): Buffer | undefined {
  let value = 0n
  for (const sign of text) {
    const digit = BASE58.indexOf(sign)
    if (digit < 0) return undefined
    value = value * 58n + BigInt(digit)
  }
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
