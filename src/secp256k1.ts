/**
 * ECDSA on secp256k1 as Ethereum uses it. libsecp256k1 serves where its binding loads and gives the known answers; else the
 * same as WebAssembly, at a third of the speed; else viem's JavaScript, an order of magnitude slower. All give the same bytes.
 */
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { LRUCache } from 'lru-cache'
import { bytesToHex, type Hex, recoverPublicKey } from 'viem'
import { privateKeyToAccount, publicKeyToAddress, sign } from 'viem/accounts'

export interface Ecdsa {
  readonly name: 'native' | 'portable' | 'javascript'
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
  /** As `recoverAddress`, at once; undefined also where this machine has no curve that answers at once. Never throws. */
  recoverNow(digest: Uint8Array, signature: Hex): Hex | undefined
  /**
   * Whether the key of this checksummed address signed the digest, canonically. Its key is known from the first
   * signature on, and the later ones are only verified, which costs less than to recover it.
   * @throws Error where the digest is not 32 bytes.
   */
  isSignedBy(digest: Uint8Array, signature: Hex, address: Hex): Promise<boolean>
  /**
   * Checksummed address of this key.
   * @throws Error where it is not 32 bytes or no key; the message holds nothing of it.
   */
  addressOf(key: Uint8Array): Hex
}

/** What is used of the package `secp256k1`. */
export type Binding = Pick<
  typeof import('secp256k1'),
  'contextRandomize' | 'ecdsaRecover' | 'ecdsaSign' | 'ecdsaVerify' | 'publicKeyCreate'
>

/** What is used of the package `tiny-secp256k1`. */
export type Module = Pick<typeof import('tiny-secp256k1'), 'pointFromScalar' | 'recover' | 'signRecoverable' | 'verify'>

interface Curve {
  readonly name: Ecdsa['name']
  sign(digest: Uint8Array, key: Uint8Array): Hex | Promise<Hex>
  /** Who signed. Uncompressed: 65 bytes. */
  publicKey(digest: Uint8Array, signature: Hex): Hex | Promise<Hex>
  /** Whether the holder of this public key made the signature. Undefined where that costs more than to recover it. */
  readonly verifies?: (digest: Uint8Array, signature: Hex, publicKey: Uint8Array) => boolean
  /** Whose key this is. Uncompressed: 65 bytes. */
  ownKey(key: Uint8Array): Hex
}

/** A payer has some few keys; to make an address of one takes half as long as to recover it. */
const MAX_ADDRESSES = 1_000
const addresses = new LRUCache<Hex, Hex>({ max: MAX_ADDRESSES, memoMethod: (publicKey) => publicKeyToAddress(publicKey) })

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

const inJavaScript: Curve = {
  name: 'javascript',
  sign: (digest, key) => sign({ hash: bytesToHex(digest), privateKey: bytesToHex(key), to: 'hex' }),
  publicKey: (digest, signature) => recoverPublicKey({ hash: digest, signature }),
  ownKey: (key) => privateKeyToAccount(bytesToHex(key)).publicKey,
}

const require = createRequire(import.meta.url)

/** Serves everywhere. */
export const javascript: Ecdsa = createEcdsa(inJavaScript)

/** Undefined where the binding does not load on this machine. Its package's own fallback is never used. */
export const native: Ecdsa | undefined = openNative(() => require('secp256k1/bindings.js'))

/** The fastest of those that this machine has. The module is not loaded where the binding serves: it takes 10 MB. */
export const ecdsa: Ecdsa = native ?? openPortable() ?? javascript

/** Undefined where nothing loads, or something that answers other than the curve does. */
export function openNative(load: () => Binding): Ecdsa | undefined {
  return open(() => {
    const binding = load()
    return { curve: nativeCurve(binding), ready: () => binding.contextRandomize(randomBytes(32)) }
  })
}

/** As `openNative`, for any machine that runs WebAssembly. */
export function openPortable(load: () => Module = () => require('tiny-secp256k1')): Ecdsa | undefined {
  return open(() => ({ curve: portableCurve(load()) }))
}

function open(load: () => { readonly curve: Curve; readonly ready?: () => void }): Ecdsa | undefined {
  try {
    const { curve, ready } = load()
    const signs = curve.sign(KNOWN.digest, KNOWN.key) === KNOWN.signature
    const recovers = curve.publicKey(KNOWN.digest, KNOWN.signature) === KNOWN.publicKey
    const knowsItself = curve.ownKey(KNOWN.key) === KNOWN.publicKey
    if (!signs || !recovers || !verifies(curve) || !knowsItself) return undefined
    ready?.()
    return createEcdsa(curve)
  } catch {
    return undefined
  }
}

/** The known signature, and no other of that key. */
function verifies({ verifies: verify }: Curve): boolean {
  const key = bytesOf(KNOWN.publicKey)
  return verify?.(KNOWN.digest, KNOWN.signature, key) === true && !verify(Buffer.alloc(32, 0x2b), KNOWN.signature, key)
}

function nativeCurve(binding: Binding): Curve {
  return {
    name: 'native',
    sign(digest, key) {
      if (isBeyondOrder(digest)) return inJavaScript.sign(digest, key)
      const { signature, recid } = binding.ecdsaSign(digest, key)
      return signatureOf(signature, recid)
    },
    publicKey: (digest, signature) => hexOf(binding.ecdsaRecover(compactOf(signature), recoveryIdOf(signature), digest, false)),
    verifies: (digest, signature, publicKey) => binding.ecdsaVerify(compactOf(signature), digest, publicKey),
    ownKey: (key) => hexOf(binding.publicKeyCreate(key, false)),
  }
}

function portableCurve(module: Module): Curve {
  return {
    name: 'portable',
    sign(digest, key) {
      if (isBeyondOrder(digest)) return inJavaScript.sign(digest, key)
      const { signature, recoveryId } = module.signRecoverable(digest, key)
      return signatureOf(signature, recoveryId)
    },
    publicKey: (digest, signature) => hexOf(module.recover(digest, compactOf(signature), recoveryIdOf(signature), false)),
    verifies: (digest, signature, publicKey) => module.verify(digest, publicKey, compactOf(signature), true),
    ownKey: (key) => hexOf(module.pointFromScalar(key, false)),
  }
}

/** RFC 6979 reduces such a digest before it makes the nonce of it; libsecp256k1 does not. */
function isBeyondOrder(digest: Uint8Array): boolean {
  return Buffer.compare(digest, ORDER) >= 0
}

function signatureOf(compact: Uint8Array, recoveryId: number): Hex {
  if (recoveryId > 1) throw new Error('the signature has no canonical form')
  return `${hexOf(compact)}${recoveryId === 0 ? '1b' : '1c'}`
}

function recoveryIdOf(signature: Hex): 0 | 1 {
  return signature.endsWith('1b') ? 0 : 1
}

/** @throws Error for null, by which the module says that there is no such point. */
function hexOf(bytes: Uint8Array | null): Hex {
  if (!bytes) throw new Error('no such point')
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** r and s. */
function compactOf(signature: Hex): Buffer {
  return Buffer.from(signature.slice(2, 130), 'hex')
}

function bytesOf(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), 'hex')
}

function createEcdsa(curve: Curve): Ecdsa {
  const publicKeys = new LRUCache<Hex, Uint8Array>({ max: MAX_ADDRESSES })
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
      const publicKey = await signerOf(curve, digest, signature)
      return publicKey && addresses.memo(publicKey)
    },
    recoverNow(digest, signature) {
      if (digest.length !== 32 || !isCanonical(signature) || curve.name === 'javascript') return undefined
      try {
        const publicKey = curve.publicKey(digest, signature)
        return typeof publicKey === 'string' ? addresses.memo(publicKey) : undefined
      } catch {
        return undefined
      }
    },
    async isSignedBy(digest, signature, address) {
      checkLength('digest', digest)
      if (!isCanonical(signature)) return false
      const known = publicKeys.get(address)
      if (known && curve.verifies) return curve.verifies(digest, signature, known)
      const publicKey = await signerOf(curve, digest, signature)
      if (!publicKey || addresses.memo(publicKey) !== address) return false
      publicKeys.set(address, bytesOf(publicKey))
      return true
    },
    addressOf(key) {
      checkLength('key', key)
      try {
        return publicKeyToAddress(curve.ownKey(key))
      } catch {
        // No cause: a library's error may quote the key.
        throw new Error('the key is not a secp256k1 key')
      }
    },
  }
}

/** Undefined where the signature is nobody's. */
async function signerOf(curve: Curve, digest: Uint8Array, signature: Hex): Promise<Hex | undefined> {
  try {
    return await curve.publicKey(digest, signature)
  } catch {
    return undefined
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
