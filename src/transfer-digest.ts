/**
 * What the signature of an EIP-3009 transfer, or of its cancellation, is over: its EIP-712 digest, as viem's
 * `hashTypedData` gives it, without walking the types anew for each payment.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Hex, isAddress, keccak256 as keccakInJavaScript } from 'viem'

interface Domain {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Hex
}

/** Amount in atomic units, times in seconds since 1970, a nonce of 32 bytes. */
interface Transfer {
  readonly domain: Domain
  readonly from: Hex
  readonly to: Hex
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: Hex
}

interface Cancellation {
  readonly domain: Domain
  readonly authorizer: Hex
  /** 32 bytes. */
  readonly nonce: Hex
}

const WORD_BYTES = 32
const ADDRESS_BYTES = 20
const UINT256_END = 2n ** 256n
const UINT64 = 2n ** 64n - 1n
const BYTES32 = /^0x[0-9a-fA-F]{64}$/
/** A domain is a token on a chain: a payer has a few, the protocol's own table some dozens. */
const MAX_DOMAINS = 1_000
const MAX_ADDRESSES = 1_000

/**
 * In hex, which Node gives out in half the time that memory of its own takes. OpenSSL has it since 3.2 and is five times
 * as fast; what it calls by this name has to be the right function.
 */
const keccak256 = isKeccakBuiltIn()
  ? (bytes: Uint8Array): string => hash('keccak-256', bytes, 'hex')
  : (bytes: Uint8Array): string => keccakInJavaScript(bytes, 'hex').slice(2)

export const DOMAIN_TYPE_HASH = hashText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
export const TRANSFER_TYPE_HASH = hashText(
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
)
export const CANCEL_TYPE_HASH = hashText('CancelAuthorization(address authorizer,bytes32 nonce)')

const separators = new LRUCache<string, Uint8Array>({ max: MAX_DOMAINS })
/** Of wallets and recipients, of which a payer has a few. */
const addresses = new LRUCache<Hex, Uint8Array>({ max: MAX_ADDRESSES, memoMethod: readAddress })

// Written whole for each digest, and read before anything else can run; nothing in them is secret.
const struct = Buffer.alloc(7 * WORD_BYTES)
struct.set(TRANSFER_TYPE_HASH)
const cancelStruct = Buffer.alloc(3 * WORD_BYTES)
cancelStruct.set(CANCEL_TYPE_HASH)
const envelope = Buffer.alloc(2 + 2 * WORD_BYTES)
envelope.set([0x19, 0x01])

/**
 * 32 bytes.
 * @throws RangeError where a part is not of its type; mixed-case addresses need the right checksum.
 */
export function digestTransfer({ domain, from, to, value, validAfter, validBefore, nonce }: Transfer): Uint8Array {
  const separator = separatorOf(domain)
  checkNonce(nonce)
  writeAddress(struct, 1, from)
  writeAddress(struct, 2, to)
  writeUint(struct, 3, value)
  writeUint(struct, 4, validAfter)
  writeUint(struct, 5, validBefore)
  struct.write(nonce.slice(2), 6 * WORD_BYTES, 'hex')
  return seal(separator, struct)
}

/**
 * 32 bytes.
 * @throws RangeError where a part is not of its type; mixed-case addresses need the right checksum.
 */
export function digestCancel({ domain, authorizer, nonce }: Cancellation): Uint8Array {
  const separator = separatorOf(domain)
  checkNonce(nonce)
  writeAddress(cancelStruct, 1, authorizer)
  cancelStruct.write(nonce.slice(2), 2 * WORD_BYTES, 'hex')
  return seal(separator, cancelStruct)
}

function seal(separator: Uint8Array, message: Uint8Array): Uint8Array {
  envelope.set(separator, 2)
  envelope.write(keccak256(message), 2 + WORD_BYTES, 'hex')
  return Buffer.from(keccak256(envelope), 'hex')
}

function checkNonce(nonce: Hex): void {
  if (!BYTES32.test(nonce)) throw new RangeError('the nonce is not 32 bytes')
}

function separatorOf(domain: Domain): Uint8Array {
  const { name, version, chainId, verifyingContract } = domain
  const key = JSON.stringify([name, version, chainId, verifyingContract])
  const known = separators.get(key)
  if (known) return known
  const separator = hashDomain(domain)
  separators.set(key, separator)
  return separator
}

function hashDomain({ name, version, chainId, verifyingContract }: Domain): Uint8Array {
  if (!Number.isSafeInteger(chainId)) throw new RangeError('the chain id is not a whole number')
  const words = Buffer.alloc(5 * WORD_BYTES)
  words.set(DOMAIN_TYPE_HASH)
  words.set(hashText(name), WORD_BYTES)
  words.set(hashText(version), 2 * WORD_BYTES)
  writeUint(words, 3, BigInt(chainId))
  writeAddress(words, 4, verifyingContract)
  return Buffer.from(keccak256(words), 'hex')
}

/** The word's first 12 bytes stay the zeros that they are. */
function writeAddress(words: Buffer, word: number, address: Hex): void {
  words.set(addresses.memo(address), (word + 1) * WORD_BYTES - ADDRESS_BYTES)
}

function readAddress(address: Hex): Uint8Array {
  if (!isAddress(address)) throw new RangeError('an address is not 20 bytes or has a wrong checksum')
  return Buffer.from(address.slice(2), 'hex')
}

function writeUint(words: Buffer, word: number, value: bigint): void {
  if (value < 0n || value >= UINT256_END) throw new RangeError('a number is not within 256 bits')
  const end = (word + 1) * WORD_BYTES
  for (let at = end - 8, rest = value; at >= end - WORD_BYTES; at -= 8, rest >>= 64n) words.writeBigUInt64BE(rest & UINT64, at)
}

function hashText(text: string): Uint8Array {
  return Buffer.from(keccak256(Buffer.from(text, 'utf8')), 'hex')
}

function isKeccakBuiltIn(): boolean {
  try {
    return hash('keccak-256', '') === keccakInJavaScript(new Uint8Array()).slice(2)
  } catch {
    return false
  }
}
