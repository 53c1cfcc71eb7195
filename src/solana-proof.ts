/**
 * What a payment on Solana is looked for by. The transaction's id is the fee payer's signature, which nobody knows
 * beforehand; the owner's own signature is in the transaction too, and is over exactly the bytes that were decided. It is
 * kept with the window in which a block may take it, as one text: 64 bytes, two numbers of 8 bytes, and the memo.
 */
import { encodeBase58 } from './solana-address.ts'

export interface SolanaProof {
  /** The owner's, base 58. */
  readonly signature: string
  /** The last height of a block that may take it. */
  readonly lastValidBlockHeight: bigint
  /** No block before this slot can have it. */
  readonly slot: bigint
  readonly memo: string
}

const SIGNATURE_BYTES = 64
const NUMBER_BYTES = 8

/**
 * @param signature 64 bytes
 * @throws RangeError where a part is not of its kind.
 */
export function writeProof(signature: Uint8Array, { lastValidBlockHeight, slot, memo }: Omit<SolanaProof, 'signature'>): `0x${string}` {
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError('a signature has 64 bytes')
  const numbers = Buffer.alloc(2 * NUMBER_BYTES)
  numbers.writeBigUInt64BE(lastValidBlockHeight)
  numbers.writeBigUInt64BE(slot, NUMBER_BYTES)
  return `0x${Buffer.concat([signature, numbers, Buffer.from(memo)]).toString('hex')}`
}

/** @throws RangeError where it is none that was written here. */
export function readProof(text: string): SolanaProof {
  if (!/^0x([0-9a-f]{2})*$/.test(text)) throw new RangeError('the proof of a Solana payment is not hex')
  const bytes = Buffer.from(text.slice(2), 'hex')
  if (bytes.length <= SIGNATURE_BYTES + 2 * NUMBER_BYTES) throw new RangeError('the proof of a Solana payment is too short')
  return {
    signature: encodeBase58(bytes.subarray(0, SIGNATURE_BYTES)),
    lastValidBlockHeight: bytes.readBigUInt64BE(SIGNATURE_BYTES),
    slot: bytes.readBigUInt64BE(SIGNATURE_BYTES + NUMBER_BYTES),
    memo: bytes.subarray(SIGNATURE_BYTES + 2 * NUMBER_BYTES).toString('utf8'),
  }
}
