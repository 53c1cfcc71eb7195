/**
 * The one transaction that is ever signed for Solana: version 0, two compute budget instructions, one TransferChecked,
 * one memo, as `exact` of x402 wants it. Written from typed parts, so that whoever signs can write it anew and compares
 * nothing but its own bytes. It has no lookup tables, and its lifetime is a recent blockhash: with no instruction of the
 * system program it can never be a durable nonce's.
 */
import { addressBytes, type TokenProgram, tokenAccountOf } from './solana-address.ts'

export const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111'
export const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'

/** What the protocol lets a seller write (`MAX_MEMO_BYTES` of @x402/svm). */
export const MAX_MEMO_BYTES = 256
/** As the protocol's own client asks for (`DEFAULT_COMPUTE_UNIT_LIMIT` of @x402/svm): some facilitators take no more. */
export const COMPUTE_UNITS = 20_000
/** Millionths of a lamport per unit that the fee payer may be asked for: fewer than 100 lamports in all. */
export const MAX_COMPUTE_UNIT_PRICE = 4_096

const UINT64_END = 2n ** 64n
const VERSION_0 = 0x80
const TRANSFER_CHECKED = 12
const SET_COMPUTE_UNIT_LIMIT = 2
const SET_COMPUTE_UNIT_PRICE = 3

/** A transfer of a token, to be signed by its owner and paid for and sent by somebody else. */
export interface SolanaTransfer {
  /** CAIP-2. */
  readonly network: string
  /** Address of the mint. */
  readonly mint: string
  readonly tokenProgram: TokenProgram
  readonly decimals: number
  /** The wallet that pays, and that signs. */
  readonly from: string
  /** The wallet that is paid; the money goes to its associated token account. */
  readonly to: string
  /** Atomic units. */
  readonly value: bigint
  /** 32 bytes, hex: the ledger's. */
  readonly nonce: `0x${string}`
  /** Who pays the fee and sends it; never the owner. */
  readonly feePayer: string
  /** What the seller wants as the memo; ours stands there where it wants none. */
  readonly memo?: string
  readonly blockhash: string
}

/**
 * The memo that the transaction carries: the seller's, or 16 bytes of the nonce in hex.
 * @throws RangeError for one of more than 256 bytes or none.
 */
export function memoOf({ memo, nonce }: Pick<SolanaTransfer, 'memo' | 'nonce'>): string {
  if (memo === undefined) return checkNonce(nonce).slice(2, 34)
  const bytes = Buffer.byteLength(memo)
  if (bytes === 0 || bytes > MAX_MEMO_BYTES) throw new RangeError(`a memo has 1 to ${MAX_MEMO_BYTES} bytes`)
  return memo
}

/** By the nonce, so that payments of one amount at one time are different bytes where their seller gives all of them one memo. */
export function computeUnitPriceOf(nonce: `0x${string}`): number {
  return 1 + (Number.parseInt(checkNonce(nonce).slice(34, 42), 16) % MAX_COMPUTE_UNIT_PRICE)
}

/**
 * The bytes that are signed.
 * @throws RangeError where a part is not of its kind, or the owner would pay the fee or be paid itself.
 */
export function compileTransfer(transfer: SolanaTransfer): Uint8Array {
  const { from, to, feePayer, mint, tokenProgram, value, decimals, nonce, blockhash } = transfer
  checkTransfer(transfer)
  const [source, destination] = [from, to].map((owner) => tokenAccountOf({ owner, mint, tokenProgram }))
  // Signers first, the writable before the readonly: the fee payer, its owner; then the two accounts; then what is only read.
  const accounts = [feePayer, from, source, destination, mint, tokenProgram, COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM].map((one) => one ?? '')
  if (new Set(accounts).size !== accounts.length) throw new RangeError('a transfer names an account twice')
  const instructions = [
    instruction(6, [], [SET_COMPUTE_UNIT_LIMIT, ...uint(COMPUTE_UNITS, 4)]),
    instruction(6, [], [SET_COMPUTE_UNIT_PRICE, ...uint(computeUnitPriceOf(nonce), 8)]),
    instruction(5, [2, 4, 3, 1], [TRANSFER_CHECKED, ...uint(value, 8), decimals]),
    instruction(7, [], Buffer.from(memoOf(transfer))),
  ]
  return Uint8Array.from([
    ...[VERSION_0, 2, 1, 4],
    ...[...shortLength(accounts.length), ...accounts.flatMap((account) => [...addressBytes(account)])],
    ...addressBytes(blockhash),
    ...[...shortLength(instructions.length), ...instructions.flat()],
    ...shortLength(0),
  ])
}

/**
 * The transaction with the owner's signature and a place for the fee payer's.
 * @param signature 64 bytes
 */
export function wireTransaction(message: Uint8Array, signature: Uint8Array): Uint8Array {
  if (signature.length !== 64) throw new RangeError('a signature has 64 bytes')
  return Uint8Array.from([...shortLength(2), ...new Uint8Array(64), ...signature, ...message])
}

function checkTransfer({ from, to, feePayer, value, decimals }: SolanaTransfer): void {
  if (feePayer === from) throw new RangeError('the fee payer would be the wallet that pays')
  if (to === from) throw new RangeError('the transfer would go to the wallet that pays')
  if (value <= 0n || value >= UINT64_END) throw new RangeError('an amount is more than nothing and within 64 bits')
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 255) throw new RangeError('decimals are 0 to 255')
}

function instruction(program: number, accounts: readonly number[], data: Iterable<number>): number[] {
  const bytes = [...data]
  return [program, ...shortLength(accounts.length), ...accounts, ...shortLength(bytes.length), ...bytes]
}

/** Little endian. */
function uint(value: number | bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn))
}

/** Solana's compact-u16; nothing here is as long as to need a third byte. */
function shortLength(length: number): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
}

function checkNonce(nonce: string): string {
  if (!/^0x[0-9a-f]{64}$/.test(nonce)) throw new RangeError('the nonce is not 32 bytes')
  return nonce
}
