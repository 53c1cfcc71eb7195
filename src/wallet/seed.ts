/** Seeds: what keys are derived from, as a mnemonic (BIP-39), as hex, or in a keystore. */
import { createHash, pbkdf2Sync } from 'node:crypto'
import { english } from 'viem/accounts'
import { decryptKeystore } from './keystore.ts'

/** BIP-32: 128 to 512 bits. */
const HEX_SEED = /^0x(?:[0-9a-fA-F]{2}){16,64}$/
const MNEMONIC = /^[a-z]+(?:\s+[a-z]+)+$/
const WORD_BITS = 11
/** Of every 33 bits of a mnemonic 32 are entropy and one is a check. */
const GROUP_BITS = 33

/**
 * The seed that stands in a file: 12, 15, 18, 21 or 24 English words of BIP-39 without a passphrase, `0x` and 16 to 64
 * bytes in hex, or a keystore (version 3) of such bytes with its password.
 * @throws Error where it is none of them; the message holds nothing of the text.
 */
export function parseSeed(text: string, password?: string): Uint8Array {
  const trimmed = text.trim()
  if (MNEMONIC.test(trimmed)) return seedOfWords(trimmed.split(/\s+/))
  const hex = trimmed.startsWith('{') ? decryptKeystore(trimmed, password) : trimmed
  if (!HEX_SEED.test(hex)) {
    throw new Error('a wallet seed is a mnemonic of 12 to 24 English words, 0x and 16 to 64 bytes in hex, or a JSON keystore of version 3')
  }
  return bytesOf(Buffer.from(hex.slice(2), 'hex'))
}

function seedOfWords(words: readonly string[]): Uint8Array {
  if (!isMnemonic(words))
    throw new Error('the wallet mnemonic is none: a word is not of the English list, is missing or has changed places')
  return bytesOf(pbkdf2Sync(words.join(' '), 'mnemonic', 2048, 64, 'sha512'))
}

/** By its last bits: a mnemonic that was copied wrongly would pay from addresses that nobody funded. */
function isMnemonic(words: readonly string[]): boolean {
  const places = words.map((word) => english.indexOf(word))
  if (words.length < 12 || words.length > 24 || words.length % 3 !== 0 || places.includes(-1)) return false
  const bits = places.map((place) => place.toString(2).padStart(WORD_BITS, '0')).join('')
  const checkBits = bits.length / GROUP_BITS
  const entropy = bits.slice(0, -checkBits).match(/.{8}/g) ?? []
  const digest = createHash('sha256')
    .update(Uint8Array.from(entropy, (byte) => Number.parseInt(byte, 2)))
    .digest()
  return digest.readUInt8(0).toString(2).padStart(8, '0').startsWith(bits.slice(-checkBits))
}

/** Memory of its own: a small Buffer may lie in a pool that other buffers show. */
function bytesOf(buffer: Buffer): Uint8Array {
  return Uint8Array.from(buffer)
}
