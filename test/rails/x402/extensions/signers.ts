/** Keys as the official helpers sign with them, and their names. */
import { type KeyObject, sign } from 'node:crypto'
import type { JWSSigner } from '@x402/extensions/offer-receipt'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const PREFIX: Readonly<Record<string, string>> = { Ed25519: 'ed01', 'P-256': '8024', secp256k1: 'e701' }
const ALGORITHM: Readonly<Record<string, string>> = { Ed25519: 'EdDSA', 'P-256': 'ES256', secp256k1: 'ES256K' }

export function didKey(key: KeyObject): string {
  const { crv = '', x = '', y } = key.export({ format: 'jwk' })
  const point = `${Buffer.from(x, 'base64url').toString('hex').padStart(64, '0')}`
  const odd = y !== undefined && (Buffer.from(y, 'base64url').at(-1) ?? 0) % 2 === 1
  const bytes = `${PREFIX[crv]}${y === undefined ? '' : odd ? '03' : '02'}${point}`
  let value = BigInt(`0x${bytes}`)
  let text = ''
  for (; value > 0n; value /= 58n) text = `${ALPHABET[Number(value % 58n)]}${text}`
  return `did:key:z${text}`
}

export function didJwk(key: KeyObject): string {
  return `did:jwk:${Buffer.from(JSON.stringify(key.export({ format: 'jwk' }))).toString('base64url')}`
}

/** `kid`: what it says its name is. */
export function jwsSigner({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }, kid = didKey(publicKey)): JWSSigner {
  const { crv = '' } = publicKey.export({ format: 'jwk' })
  return {
    kid,
    format: 'jws',
    algorithm: ALGORITHM[crv] ?? '',
    sign: async (input) =>
      sign(crv === 'Ed25519' ? null : 'sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  }
}
