/**
 * The message as a stranger reads it: the bytes that are to be signed are taken apart by the official library, not by the
 * code that wrote them, and each part is compared with what was decided. One part more or less, and nothing is signed.
 */
import { isDeepStrictEqual } from 'node:util'
import { tokenAccountOf } from '../../../solana-address.ts'
import {
  COMPUTE_BUDGET_PROGRAM,
  COMPUTE_UNITS,
  computeUnitPriceOf,
  MEMO_PROGRAM,
  memoOf,
  type SolanaTransfer,
} from '../../../solana-message.ts'

/** An instruction in comparable form; `w` is a writable account, `s` a signer. */
interface Step {
  readonly program: string
  readonly accounts: readonly string[]
  /** Hex. */
  readonly data: string
}

const ROLES = ['', 'w', 's', 'ws'] as const

/** The first part of the message that is not what was decided; undefined where all are. */
export async function differenceIn(message: Uint8Array, transfer: SolanaTransfer): Promise<string | undefined> {
  const { decompileTransactionMessage, getCompiledTransactionMessageDecoder } = await import('@solana/kit')
  const compiled = getCompiledTransactionMessageDecoder().decode(message)
  if (compiled.version !== 0) return 'version'
  if ((compiled.addressTableLookups?.length ?? 0) > 0) return 'lookup tables'
  const { header, staticAccounts } = compiled
  if (header.numSignerAccounts !== 2 || staticAccounts.length !== 8) return 'accounts'
  const { feePayer, lifetimeConstraint, instructions } = decompileTransactionMessage(compiled)
  if (feePayer.address !== transfer.feePayer || transfer.feePayer === transfer.from) return 'fee payer'
  // The library calls it a nonce's where the first instruction advances one.
  if (!('blockhash' in lifetimeConstraint) || lifetimeConstraint.blockhash !== transfer.blockhash) return 'lifetime'
  const said = [...instructions].map(
    ({ programAddress, accounts = [], data }): Step => ({
      program: programAddress,
      accounts: [...accounts].map(({ address, role }) => `${address}${ROLES[role]}`),
      data: Buffer.from(data ?? []).toString('hex'),
    }),
  )
  const decided = stepsOf(transfer)
  const wrong = decided.findIndex((step, at) => !isDeepStrictEqual(said[at], step))
  if (wrong >= 0) return `instruction ${wrong + 1}`
  return said.length === decided.length ? undefined : 'number of instructions'
}

function stepsOf(transfer: SolanaTransfer): Step[] {
  const { from, to, mint, tokenProgram, value, decimals, nonce } = transfer
  const accountOf = (owner: string) => tokenAccountOf({ owner, mint, tokenProgram })
  const moved = Buffer.alloc(10, 12)
  moved.writeBigUInt64LE(value, 1)
  moved.writeUInt8(decimals, 9)
  const price = Buffer.alloc(9, 3)
  price.writeBigUInt64LE(BigInt(computeUnitPriceOf(nonce)), 1)
  const limit = Buffer.alloc(5, 2)
  limit.writeUInt32LE(COMPUTE_UNITS, 1)
  return [
    { program: COMPUTE_BUDGET_PROGRAM, accounts: [], data: limit.toString('hex') },
    { program: COMPUTE_BUDGET_PROGRAM, accounts: [], data: price.toString('hex') },
    { program: tokenProgram, accounts: [`${accountOf(from)}w`, mint, `${accountOf(to)}w`, `${from}s`], data: moved.toString('hex') },
    { program: MEMO_PROGRAM, accounts: [], data: Buffer.from(memoOf(transfer)).toString('hex') },
  ]
}
