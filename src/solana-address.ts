/** Solana's addresses: 32 bytes written in base 58, letter case counts; and where a wallet keeps a token. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'

export const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'
export const TOKEN_2022_PROGRAM = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb'
const ASSOCIATED_TOKEN_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL'

/** The two programs that keep tokens; nothing else may move one. */
export type TokenProgram = typeof TOKEN_PROGRAM | typeof TOKEN_2022_PROGRAM

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/
const ADDRESS_BYTES = 32
/** What is longer takes long to read, and nothing of ours is: a signature has 64 bytes. */
const MAX_BASE58_CHARS = 128

/** Whether it is 32 bytes in base 58. */
export function isSolanaAddress(text: string): boolean {
  return ADDRESS.test(text) && decodeBase58(text)?.length === ADDRESS_BYTES
}

/** @throws RangeError where it is no address. */
export function addressBytes(address: string): Uint8Array {
  const bytes = ADDRESS.test(address) ? decodeBase58(address) : undefined
  if (bytes?.length !== ADDRESS_BYTES) throw new RangeError('a Solana address is 32 bytes in base 58')
  return bytes
}

export function encodeBase58(bytes: Uint8Array): string {
  const zeros = bytes.findIndex((byte) => byte !== 0)
  let rest = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; rest > 0n; rest /= 58n) text = `${ALPHABET[Number(rest % 58n)]}${text}`
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text
}

/** Undefined where it is no base 58, or longer than anything of ours. */
export function decodeBase58(text: string): Uint8Array | undefined {
  if (text.length > MAX_BASE58_CHARS) return undefined
  let value = 0n
  for (const sign of text) {
    const digit = ALPHABET.indexOf(sign)
    if (digit < 0) return undefined
    value = value * 58n + BigInt(digit)
  }
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  const hex = value === 0n ? '' : value.toString(16)
  return Uint8Array.from([...new Uint8Array(zeros), ...Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')])
}

const P = 2n ** 255n - 19n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/**
 * Whether a key can be behind this address, as the chain itself judges it: its 32 bytes are a point of Curve25519
 * (`bytes_are_curve_point` of Solana's SDK, which takes y modulo p).
 */
export function isOnCurve(bytes: Uint8Array): boolean {
  const little = Buffer.from(bytes).reverse()
  const y = (BigInt(`0x${little.toString('hex')}`) & (2n ** 255n - 1n)) % P
  const square = (y * y) % P
  const xSquared = ((square - 1n + P) * power(D * square + 1n, P - 2n)) % P
  return xSquared === 0n || power(xSquared, (P - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, factor] = [1n, base % P]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % P
    factor = (factor * factor) % P
  }
  return result
}

/** Whose token account, of which token. */
export interface TokenAccount {
  readonly owner: string
  readonly mint: string
  readonly tokenProgram: TokenProgram
}

/**
 * The associated token account: the one place that a payment leaves from and goes to. It follows from owner and mint, so
 * that nobody has to be asked for it.
 * @throws RangeError where a part is no address.
 */
export function tokenAccountOf({ owner, mint, tokenProgram }: TokenAccount): string {
  const seeds = [owner, tokenProgram, mint].map(addressBytes)
  for (let bump = 255; bump >= 0; bump--) {
    const hash = createHash('sha256')
    for (const seed of seeds) hash.update(seed)
    hash.update(Uint8Array.of(bump)).update(addressBytes(ASSOCIATED_TOKEN_PROGRAM)).update('ProgramDerivedAddress')
    const place = hash.digest()
    if (!isOnCurve(place)) return encodeBase58(place)
  }
  throw new RangeError('a token account has no address')
}

/** What stands before the 32 bytes of an Ed25519 public key in SPKI (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** The key behind an address, for checking signatures. @throws RangeError where it is no address. */
export function publicKeyOf(address: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, addressBytes(address)]), format: 'der', type: 'spki' })
}
