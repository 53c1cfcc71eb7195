import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { bytesToHex, type Hex, hexToBytes, numberToHex, recoverAddress } from 'viem'
import { privateKeyToAddress, sign } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { type Binding, ecdsa, isCanonical, javascript, type Module, native, openNative, openPortable } from '../src/secp256k1.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const KEY = hexToBytes(`0x${'c0ffee11'.repeat(8)}`)
const DIGEST = new Uint8Array(32).fill(7)
const ADDRESS = privateKeyToAddress(bytesToHex(KEY))

const binding = (): Binding => createRequire(import.meta.url)('secp256k1/bindings.js')
const wasm = (): Module => createRequire(import.meta.url)('tiny-secp256k1')
const portable = openPortable()
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const key32 = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((key) => hexToBytes(numberToHex(key, { size: 32 })))
const curves = [javascript, ...(portable ? [portable] : []), ...(native ? [native] : [])]

/** The other signature of the same message: s from the far side of the order. */
function mirrored(signature: Hex): Hex {
  const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`)
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
}

const withS = (s: bigint): string => `0x${'11'.repeat(32)}${s.toString(16).padStart(64, '0')}1b`

describe('the curve', () => {
  it('is the native one where its binding loads, else the portable one, and there is one for every machine', () => {
    expect(ecdsa.name).toBe(native ? 'native' : 'portable')
    expect([native?.name ?? 'native', portable?.name, javascript.name]).toEqual(['native', 'portable', 'javascript'])
  })

  it('is native on a platform that the package has a binary for', () => {
    const prebuilt = ['linux-x64', 'darwin-arm64', 'win32-x64'].includes(`${process.platform}-${process.arch}`)
    expect(native !== undefined).toBe(prebuilt)
  })

  it.each<[string, () => Binding]>([
    [
      'does not load',
      () => {
        throw new Error('no binary')
      },
    ],
    ['signs otherwise', () => ({ ...binding(), ecdsaSign: () => ({ signature: new Uint8Array(64), recid: 0 }) })],
    ['recovers otherwise', () => ({ ...binding(), ecdsaRecover: () => new Uint8Array(65) })],
    ['verifies whatever it is given', () => ({ ...binding(), ecdsaVerify: () => true })],
    ['verifies nothing', () => ({ ...binding(), ecdsaVerify: () => false })],
    ['has another public key', () => ({ ...binding(), publicKeyCreate: () => new Uint8Array(65) })],
  ])('is not taken from a binding that %s', (_, load) => {
    expect(openNative(load)).toBeUndefined()
  })

  it.each<[string, () => Module]>([
    [
      'does not load',
      () => {
        throw new Error('no WebAssembly')
      },
    ],
    ['signs otherwise', () => ({ ...wasm(), signRecoverable: () => ({ signature: new Uint8Array(64), recoveryId: 0 }) })],
    ['recovers otherwise', () => ({ ...wasm(), recover: () => new Uint8Array(65) })],
    ['recovers nobody', () => ({ ...wasm(), recover: () => null })],
    ['verifies whatever it is given', () => ({ ...wasm(), verify: () => true })],
    ['verifies nothing', () => ({ ...wasm(), verify: () => false })],
    ['has another public key', () => ({ ...wasm(), pointFromScalar: () => new Uint8Array(65) })],
  ])('is not taken from a module that %s', (_, load) => {
    expect(openPortable(load)).toBeUndefined()
  })

  it.skipIf(!native)('is taken from a binding that gives the known answers', async () => {
    expect(await openNative(binding)?.signDigest(DIGEST, KEY)).toBe(await ecdsa.signDigest(DIGEST, KEY))
  })
})

describe.each(curves)('the $name curve', (curve) => {
  it('gives the bytes that viem gives, canonical, and recovers the address that viem recovers', async () => {
    const holds = fc.asyncProperty(bytes32, key32, async (digest, key) => {
      const [hash, privateKey] = [bytesToHex(digest), bytesToHex(key)]
      const signature = await curve.signDigest(digest, key)
      expect(signature).toBe(await sign({ hash, privateKey, to: 'hex' }))
      expect(isCanonical(signature)).toBe(true)
      const signer = await curve.recoverAddress(digest, signature)
      expect(signer).toBe(await recoverAddress({ hash, signature }))
      expect(signer).toBe(privateKeyToAddress(privateKey))
      expect(curve.addressOf(key)).toBe(signer)
    })
    await fc.assert(holds, { numRuns: 300 })
  })

  it('gives them for digests at and beyond the order too', async () => {
    for (const number of [0n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n]) {
      const hash = numberToHex(number, { size: 32 })
      const signature = await curve.signDigest(hexToBytes(hash), KEY)
      expect(signature).toBe(await sign({ hash, privateKey: bytesToHex(KEY), to: 'hex' }))
      expect(await curve.recoverAddress(hexToBytes(hash), signature)).toBe(ADDRESS)
    }
  })

  it('recovers from any 65 bytes what the portable one does, and throws nothing', async () => {
    const near = fc.bigInt({ min: ORDER - 3n, max: ORDER + 3n }).map((r) => hexToBytes(numberToHex(r, { size: 32 })))
    const lowS = fc.bigInt({ min: 0n, max: ORDER / 2n }).map((s) => numberToHex(s, { size: 32 }).slice(2))
    const r = fc.oneof({ weight: 4, arbitrary: bytes32 }, { weight: 1, arbitrary: near })
    const holds = fc.asyncProperty(bytes32, r, lowS, fc.constantFrom('1b', '1c'), async (digest, head, s, v) => {
      const signature = `${bytesToHex(head)}${s}${v}` as Hex
      expect(await curve.recoverAddress(digest, signature)).toBe(await javascript.recoverAddress(digest, signature))
    })
    await fc.assert(holds, { numRuns: 300 })
  })

  it('knows an address’s own signatures from all others, the first time as well as later', async () => {
    const holds = fc.asyncProperty(bytes32, bytes32, key32, key32, async (digest, other, key, stranger) => {
      fc.pre(bytesToHex(digest) !== bytesToHex(other) && bytesToHex(key) !== bytesToHex(stranger))
      const [own, foreign] = [await curve.signDigest(digest, key), await curve.signDigest(digest, stranger)]
      const address = curve.addressOf(key)
      const given: [Uint8Array, Hex][] = [
        [digest, foreign],
        [other, own],
        [digest, own],
        [digest, foreign],
        [other, own],
        [digest, mirrored(own)],
        [digest, own],
      ]
      const seen: boolean[] = []
      for (const [bytes, signature] of given) seen.push(await curve.isSignedBy(bytes, signature, address))
      expect(seen).toEqual([false, false, true, false, false, false, true])
    })
    await fc.assert(holds, { numRuns: 20 })
  })

  it('takes a signature of no form or of nobody for no one’s', async () => {
    const signature = await curve.signDigest(DIGEST, KEY)
    for (const text of ['0x', signature.slice(0, -2), `${signature.slice(0, -2)}00`, `0x${'00'.repeat(64)}1b`, signature])
      expect([text, await curve.isSignedBy(DIGEST, text as Hex, ADDRESS)]).toEqual([text, text === signature])
    await expect(curve.isSignedBy(new Uint8Array(31), signature, ADDRESS)).rejects.toThrow('the digest is not 32 bytes')
  })

  it('recovers nobody from a signature whose s was mirrored, which a signer did not make', async () => {
    const other = mirrored(await curve.signDigest(DIGEST, KEY))
    expect(await recoverAddress({ hash: bytesToHex(DIGEST), signature: other })).toBe(ADDRESS)
    expect(await curve.recoverAddress(DIGEST, other)).toBeUndefined()
  })

  it('recovers nobody from another length, another last byte or zeros', async () => {
    const signature = await curve.signDigest(DIGEST, KEY)
    const broken = ['0x', `${signature}00`, signature.slice(0, -2), `${signature.slice(0, -2)}00`, `${signature.slice(0, -2)}1d`]
    for (const text of [...broken, `0x${'00'.repeat(64)}1b`, `0x${'00'.repeat(32)}${signature.slice(66)}`]) {
      expect([text, await curve.recoverAddress(DIGEST, text as Hex)]).toEqual([text, undefined])
    }
  })

  it('takes digests and keys of 32 bytes only', async () => {
    for (const length of [0, 31, 33, 64]) {
      await expect(curve.signDigest(new Uint8Array(length), KEY)).rejects.toThrow('the digest is not 32 bytes')
      await expect(curve.signDigest(DIGEST, new Uint8Array(length))).rejects.toThrow('the key is not 32 bytes')
      await expect(curve.recoverAddress(new Uint8Array(length), '0x')).rejects.toThrow('the digest is not 32 bytes')
      expect(() => curve.addressOf(new Uint8Array(length))).toThrow('the key is not 32 bytes')
    }
  })

  it.each([0n, ORDER, 2n ** 256n - 1n])('refuses the key %s, and says nothing of it', async (number) => {
    const key = hexToBytes(numberToHex(number, { size: 32 }))
    const fault = await curve.signDigest(DIGEST, key).catch((cause: unknown) => cause)
    expect(fault).toMatchObject({ message: 'the key is not a secp256k1 key' })
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toMatch(/f{32}|0{32}|cause/)
    expect(() => curve.addressOf(key)).toThrow(/^the key is not a secp256k1 key$/)
  })
})

describe('a signature', () => {
  it('is canonical with s up to half the order, and not above', () => {
    expect([1n, ORDER / 2n].map((s) => isCanonical(withS(s)))).toEqual([true, true])
    expect([ORDER / 2n + 1n, ORDER - 1n, 2n ** 256n - 1n].map((s) => isCanonical(withS(s)))).toEqual([false, false, false])
  })

  it('is canonical in lower case only', () => {
    expect(isCanonical(withS(0xabcn))).toBe(true)
    expect(isCanonical(withS(0xabcn).replace('abc', 'ABC'))).toBe(false)
  })
})
