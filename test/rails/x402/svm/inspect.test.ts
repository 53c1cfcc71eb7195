/** Each message here is one that a fault, or somebody in between, could put in the place of ours. */
import {
  AccountRole,
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransactionMessage,
  createTransactionMessage,
  decompileTransactionMessage,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  type Instruction,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit'
import { describe, expect, it } from 'vitest'
import { differenceIn } from '../../../../src/rails/x402/svm/inspect.ts'
import { encodeBase58, TOKEN_PROGRAM } from '../../../../src/solana-address.ts'
import { compileTransfer, type SolanaTransfer } from '../../../../src/solana-message.ts'
import { SOLANA, SOLANA_USDC } from '../../../testnet/solana.ts'
import { NONCE } from '../challenges.ts'
import { ANCHOR, FEE_PAYER, MERCHANT, PAYER, somebody } from './offers.ts'

const transfer: SolanaTransfer = {
  ...{ network: SOLANA, mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM, decimals: 6, from: PAYER, to: MERCHANT, value: 1_000n },
  ...{ nonce: NONCE, feePayer: FEE_PAYER, blockhash: ANCHOR.blockhash },
}
const message = compileTransfer(transfer)
const ours = decompileTransactionMessage(getCompiledTransactionMessageDecoder().decode(message)).instructions as readonly Instruction[]
const other = await somebody('other')

interface Written {
  readonly feePayer?: string
  readonly blockhash?: string
  readonly version?: 0 | 'legacy'
}

function write(instructions: readonly Instruction[], { feePayer = FEE_PAYER, blockhash = ANCHOR.blockhash, version = 0 }: Written = {}) {
  const lifetime = { blockhash: blockhash as Blockhash, lastValidBlockHeight: 1n }
  const empty = setTransactionMessageFeePayer(feePayer as Address, createTransactionMessage({ version: 0 }))
  const built = appendTransactionMessageInstructions(instructions, setTransactionMessageLifetimeUsingBlockhash(lifetime, empty))
  return Uint8Array.from(getCompiledTransactionMessageEncoder().encode({ ...compileTransactionMessage(built), version }))
}

const changed = (at: number, change: Partial<Instruction>) => ours.map((one, place) => (place === at ? { ...one, ...change } : one))
const bytes = (at: number, place: number, value: number) => changed(at, { data: Uint8Array.from(ours[at]?.data ?? []).with(place, value) })

function accounts(place: number, address: string): readonly Instruction[] {
  const list = ours[2]?.accounts?.map((one, at) => (at === place ? { ...one, address: address as Address } : one)) ?? []
  return changed(2, { accounts: list as NonNullable<Instruction['accounts']> })
}

const transferLamports: Instruction = {
  programAddress: '11111111111111111111111111111111' as Address,
  accounts: [
    { address: PAYER as Address, role: AccountRole.WRITABLE_SIGNER },
    { address: other as Address, role: AccountRole.WRITABLE },
  ],
  data: Uint8Array.from([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
}
const advanceNonce: Instruction = {
  programAddress: '11111111111111111111111111111111' as Address,
  accounts: [
    { address: other as Address, role: AccountRole.WRITABLE },
    { address: 'SysvarRecentB1ockHashes11111111111111111111' as Address, role: AccountRole.READONLY },
    { address: PAYER as Address, role: AccountRole.READONLY_SIGNER },
  ],
  data: Uint8Array.from([4, 0, 0, 0]),
}
const approve: Instruction = {
  programAddress: TOKEN_PROGRAM as Address,
  accounts: [
    { address: other as Address, role: AccountRole.WRITABLE },
    { address: FEE_PAYER as Address, role: AccountRole.READONLY },
    { address: PAYER as Address, role: AccountRole.READONLY_SIGNER },
  ],
  data: Uint8Array.from([4, 255, 255, 255, 255, 255, 255, 255, 255]),
}

/** A table from which one account more is taken. */
function withLookupTable(): Uint8Array {
  const table = Buffer.from(Buffer.alloc(32, 7))
  return Uint8Array.from([...message.subarray(0, -1), 1, ...table, 0, 1, 0])
}

describe('the message that is about to be signed', () => {
  it('passes where it is what was decided, whoever wrote it', async () => {
    expect(await differenceIn(message, transfer)).toBeUndefined()
    expect(await differenceIn(write(ours), transfer)).toBeUndefined()
    expect(await differenceIn(compileTransfer({ ...transfer, memo: 'order 7' }), { ...transfer, memo: 'order 7' })).toBeUndefined()
  })

  it.each<[string, Uint8Array, string]>([
    ['another fee payer', write(ours, { feePayer: other }), 'fee payer'],
    ['another blockhash', write(ours, { blockhash: encodeBase58(new Uint8Array(32).fill(8)) }), 'lifetime'],
    ['the old version', write(ours, { version: 'legacy' }), 'version'],
    ['a lookup table', withLookupTable(), 'lookup tables'],
    ['a transfer of lamports behind it', write([...ours, transferLamports]), 'accounts'],
    ['an allowance behind it', write([...ours, approve]), 'accounts'],
    ['a durable nonce', write([advanceNonce, ...ours]), 'accounts'],
    ['a second memo', write([...ours, ...ours.slice(3)]), 'number of instructions'],
    ['no memo', write(ours.slice(0, 3)), 'accounts'],
    ['a second transfer', write([...ours, ...ours.slice(2, 3)]), 'number of instructions'],
    ['the instructions in another order', write(ours.toReversed()), 'instruction 1'],
    ['a higher limit of units', write(bytes(0, 3, 9)), 'instruction 1'],
    ['a higher price of units', write(bytes(1, 5, 9)), 'instruction 2'],
    ['a larger amount', write(bytes(2, 3, 9)), 'instruction 3'],
    ['other decimals', write(bytes(2, 9, 9)), 'instruction 3'],
    ['an allowance in the place of the transfer', write(bytes(2, 0, 4)), 'instruction 3'],
    ['another source', write(accounts(0, other)), 'instruction 3'],
    ['another mint', write(accounts(1, other)), 'instruction 3'],
    ['another destination', write(accounts(2, other)), 'instruction 3'],
    ['another memo', write(bytes(3, 0, 90)), 'instruction 4'],
  ])('is stopped with %s', async (_, changedMessage, part) => {
    expect(await differenceIn(changedMessage, transfer)).toBe(part)
  })
})
