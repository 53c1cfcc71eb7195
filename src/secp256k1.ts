/**
 * ECDSA on secp256k1 as Ethereum uses it. libsecp256k1 serves where its binding loads and gives the known answers, else
 * viem's JavaScript: the same bytes, an order of magnitude slower.
 */
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { bytesToHex, type Hex, recoverPublicKey } from 'viem'
import { publicKeyToAddress, sign } from 'viem/accounts'

export interface Ecdsa {
  readonly name: 'native' | 'portable'
  /**
   * The one signature that this key gives for this digest: canonical, its nonce by RFC 6979.
   * @throws Error where either is not 32 bytes or the key is no key; the message holds nothing of them.
   */
  signDigest(digest: Uint8Array, key: Uint8Array): Promise<Hex>
  /**
   * Checksummed address whose key signed the digest; undefined where the signature is not canonical or nobody's.
   * @throws Error where the digest is not 32 bytes.
   */
  recoverAddress(digest: Uint8Array, signature: Hex): Promise<Hex | undefined>
}

/** What is used of the package `secp256k1`. */
export type Binding = Pick<typeof import('secp256k1'), 'contextRandomize' | 'ecdsaRecover' | 'ecdsaSign'>

interface Curve {
  readonly name: Ecdsa['name']
  sign(digest: Uint8Array, key: Uint8Array): Hex | Promise<Hex>
  /** Uncompressed: 65 bytes. */
  publicKey(digest: Uint8Array, signature: Hex): Hex | Promise<Hex>
}

const ORDER = Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex')
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'
const CANONICAL = /^0x[0-9a-f]{64}([0-9a-f]{64})(1b|1c)$/

/** What the key 1, whose public key is the curve's generator, makes of 32 times 0x2a. */
const KNOWN = {
  key: Buffer.from('01'.padStart(64, '0'), 'hex'),
  digest: Buffer.alloc(32, 0x2a),
  signature:
    '0x74a6b203feee506ab5c39ecb33a32769f79cbf765db4578d15f7e196fb6863a96e4b0679559655534b1c575b9857f1f2604eaf21edd0e703cf723042992c2cb41c',
  publicKey:
    '0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
} as const

/** The one form that every token contract takes: r, s in the lower half, and 27 or 28; 65 bytes in lower case. */
export function isCanonical(signature: string): boolean {
  const [, s] = CANONICAL.exec(signature) ?? []
  return s !== undefined && s <= HALF_ORDER
}

const javascript: Curve = {
  name: 'portable',
  sign: (digest, key) => sign({ hash: bytesToHex(digest), privateKey: bytesToHex(key), to: 'hex' }),
  publicKey: (digest, signature) => recoverPublicKey({ hash: digest, signature }),
}

/** Serves everywhere. */
export const portable: Ecdsa = createEcdsa(javascript)

/** Undefined where the binding does not load on this machine. Its package's own fallback is never used. */
export const native: Ecdsa | undefined = openNative(() => createRequire(import.meta.url)('secp256k1/bindings.js'))

/** The faster of those that this machine has. */
export const ecdsa: Ecdsa = native ?? portable

/** Undefined where nothing loads, or something that answers other than the curve does. */
export function openNative(load: () => Binding): Ecdsa | undefined {
  try {
    const binding = load()
    const curve = nativeCurve(binding)
    const signs = curve.sign(KNOWN.digest, KNOWN.key) === KNOWN.signature
    const recovers = curve.publicKey(KNOWN.digest, KNOWN.signature) === KNOWN.publicKey
    if (!signs || !recovers) return undefined
    binding.contextRandomize(randomBytes(32))
    return createEcdsa(curve)
  } catch {
    return undefined
  }
}

function nativeCurve(binding: Binding): Curve {
  return {
    name: 'native',
    sign(digest, key) {
      // RFC 6979 reduces a digest beyond the order before it makes the nonce of it; libsecp256k1 does not.
      if (Buffer.compare(digest, ORDER) >= 0) return javascript.sign(digest, key)
      const { signature, recid } = binding.ecdsaSign(digest, key)
      if (recid > 1) throw new Error('the signature has no canonical form')
      return `0x${Buffer.from(signature).toString('hex')}${recid === 0 ? '1b' : '1c'}`
    },
    publicKey(digest, signature) {
      const compact = Buffer.from(signature.slice(2, 130), 'hex')
      const key = binding.ecdsaRecover(compact, signature.endsWith('1b') ? 0 : 1, digest, false)
      return `0x${Buffer.from(key).toString('hex')}`
    },
  }
}

function createEcdsa(curve: Curve): Ecdsa {
  return {
    name: curve.name,
    async signDigest(digest, key) {
      checkLength('digest', digest)
      checkLength('key', key)
      const signature = await signQuietly(curve, { digest, key })
      if (!signature) throw new Error('the key is not a secp256k1 key')
      return signature
    },
    async recoverAddress(digest, signature) {
      checkLength('digest', digest)
      if (!isCanonical(signature)) return undefined
      try {
        return publicKeyToAddress(await curve.publicKey(digest, signature))
      } catch {
        return undefined
      }
    },
  }
}

/** A library's error may quote the key, so it is not kept as a cause. */
async function signQuietly(curve: Curve, { digest, key }: { digest: Uint8Array; key: Uint8Array }): Promise<Hex | undefined> {
  try {
    return await curve.sign(digest, key)
  } catch {
    return undefined
  }
}

function checkLength(name: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new Error(`the ${name} is not 32 bytes`)
}
