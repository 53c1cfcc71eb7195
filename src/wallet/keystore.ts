/** Web3 Secret Storage, version 3: a key encrypted under a password, as common wallets export it. */
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto'
import { keccak256 } from 'viem'
import { z } from 'zod'
import { MAX_KEYSTORE_MEMORY_BYTES, MAX_KEYSTORE_ROUNDS } from '../limits.ts'
import type { Hex } from './wallet.ts'

const hex = (bytes?: number) => z.string().regex(bytes ? new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`) : /^([0-9a-fA-F]{2}){1,64}$/)
const dklen = z.literal(32)
const derivation = z.discriminatedUnion('kdf', [
  z.object({
    kdf: z.literal('scrypt'),
    kdfparams: z.object({ n: z.int().min(2), r: z.int().min(1).max(64), p: z.int().min(1).max(16), dklen, salt: hex() }),
  }),
  z.object({
    kdf: z.literal('pbkdf2'),
    kdfparams: z.object({ c: z.int().min(1).max(MAX_KEYSTORE_ROUNDS), prf: z.literal('hmac-sha256'), dklen, salt: hex() }),
  }),
])
const encryption = z.object({
  cipher: z.literal('aes-128-ctr'),
  ciphertext: hex(),
  cipherparams: z.object({ iv: hex(16) }),
  mac: hex(32),
})
const keystore = z.object({ version: z.literal(3), crypto: derivation.and(encryption) })
type Crypto = z.infer<typeof keystore>['crypto']
type ScryptParams = Extract<Crypto, { kdf: 'scrypt' }>['kdfparams']

/** @throws Error where it is no such keystore or the password is wrong; the message holds neither. */
export function decryptKeystore(text: string, password: string | undefined): Hex {
  const { crypto } = parse(text)
  if (password === undefined) throw new Error('the wallet keystore needs a password')
  const derived = derive(crypto, password)
  const ciphertext = Buffer.from(crypto.ciphertext, 'hex')
  const mac = keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), 'bytes')
  if (!timingSafeEqual(mac, Buffer.from(crypto.mac, 'hex'))) throw new Error('the password of the wallet keystore is wrong')
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), Buffer.from(crypto.cipherparams.iv, 'hex'))
  return `0x${Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('hex')}`
}

function parse(text: string): z.infer<typeof keystore> {
  try {
    return keystore.parse(JSON.parse(text))
  } catch {
    throw new Error('the wallet keystore is not one of version 3 with scrypt or pbkdf2 and aes-128-ctr')
  }
}

function derive(crypto: Crypto, password: string): Buffer {
  const salt = Buffer.from(crypto.kdfparams.salt, 'hex')
  if (crypto.kdf === 'pbkdf2') return pbkdf2Sync(password, salt, crypto.kdfparams.c, crypto.kdfparams.dklen, 'sha256')
  return deriveByScrypt(crypto.kdfparams, password, salt)
}

function deriveByScrypt({ n, r, p, dklen: length }: ScryptParams, password: string, salt: Buffer): Buffer {
  const cost = { N: n, r, p, maxmem: MAX_KEYSTORE_MEMORY_BYTES }
  try {
    return scryptSync(password, salt, length, cost)
  } catch (cause) {
    throw new Error('the wallet keystore asks for scrypt parameters that are not allowed or need too much memory', { cause })
  }
}

/** As common wallets write it: 128 MiB of memory for each guess at the password. */
const SCRYPT = { n: 131_072, r: 8, p: 1, dklen: 32 } as const

/** The same under a password, as JSON text. @param secret 16 to 64 bytes */
export function encryptKeystore(secret: Uint8Array, password: string): string {
  const [salt, iv] = [randomBytes(32), randomBytes(16)]
  const kdfparams = { ...SCRYPT, salt: salt.toString('hex') }
  const derived = deriveByScrypt(kdfparams, password, salt)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()])
  const mac = Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), 'bytes')).toString('hex')
  const cipherparams = { iv: iv.toString('hex') }
  const crypto = { cipher: 'aes-128-ctr', ciphertext: ciphertext.toString('hex'), cipherparams, kdf: 'scrypt', kdfparams, mac }
  return `${JSON.stringify({ version: 3, id: randomUUID(), crypto })}\n`
}
