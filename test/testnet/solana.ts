/**
 * A Solana of one process: litesvm, which runs transactions as validators do (the real programs for tokens and memos),
 * behind the part of the JSON-RPC that payers, facilitators and provers use. Blocks pass when a test says so: one slot is
 * one block, final is what is 32 slots below the newest, and a blockhash lives for 150 blocks. Devnet's USDC stands at
 * its own address; accounts are put there as they are, because nobody here has its authority's key.
 */
import { type Address, getBase58Decoder, getCompiledTransactionMessageDecoder, getTransactionDecoder, lamports } from '@solana/kit'
import { LiteSVM } from 'litesvm'
import { z } from 'zod'
import {
  addressBytes,
  encodeBase58,
  TOKEN_2022_PROGRAM,
  TOKEN_PROGRAM,
  type TokenProgram,
  tokenAccountOf,
} from '../../src/solana-address.ts'
import { makeTestTls } from './certificates.ts'
import { openDoors, readBody } from './doors.ts'

export const SOLANA = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'
export const SOLANA_USDC = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'
/** Devnet's dollar of PayPal, kept by Token-2022. */
export const SOLANA_PYUSD = 'CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM'
const GENESIS = 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG'
const FINALITY = 32
const BLOCKHASH_LIFE = 150

/** A transaction that a block took. */
export interface Executed {
  readonly id: string
  readonly slot: number
  readonly time_s: number
  readonly signatures: readonly string[]
  readonly accounts: readonly string[]
  readonly memo: string | null
  readonly failed: boolean
  /** What it transfers, atomic units. */
  readonly amount: bigint
}

export interface TestSolana extends AsyncDisposable {
  readonly rpc: string
  readonly executed: readonly Executed[]
  /** Blocks pass; a blockhash that is older than its life is none any more. */
  pass(blocks: number): void
  /** Gives a wallet so much of a token, in its associated token account. Atomic units. */
  fund(owner: string, amount: bigint, token?: TestToken): void
  /** Gives somebody what fees are paid with. */
  fundFees(owner: string): void
  balanceOf(owner: string, token?: TestToken): bigint
  /** The answer to a method is changed, or fails, from now on. */
  answerOtherwise(method: string, change: (answer: unknown) => unknown): void
}

export interface TestToken {
  readonly mint: string
  readonly tokenProgram: TokenProgram
}

export const USDC_TOKEN: TestToken = { mint: SOLANA_USDC, tokenProgram: TOKEN_PROGRAM }
export const PYUSD_TOKEN: TestToken = { mint: SOLANA_PYUSD, tokenProgram: TOKEN_2022_PROGRAM }

interface World {
  readonly svm: LiteSVM
  readonly executed: Executed[]
  slot: number
  /** The slot of the newest blockhash. */
  hashSlot: number
  readonly now_s: () => number
}

/** @param now_s the chain's time, seconds since 1970 */
export async function startSolana(now_s: () => number = () => Math.floor(Date.now() / 1000)): Promise<TestSolana> {
  const world: World = { svm: new LiteSVM(), executed: [], slot: 1_000, hashSlot: 1_000, now_s }
  for (const token of [USDC_TOKEN, PYUSD_TOKEN]) putMint(world.svm, token)
  const changes = new Map<string, (answer: unknown) => unknown>()
  const doors = await openDoors((request, response) => {
    readBody(request)
      .then((body) => answer(world, callSchema.parse(JSON.parse(body.toString())), changes))
      .catch((fault: unknown) => ({ jsonrpc: '2.0', id: 1, error: { code: -32_000, message: String(fault) } }))
      .then((said) => response.setHeader('content-type', 'application/json').end(JSON.stringify(said)))
      .catch(() => response.destroy())
  }, makeTestTls())
  return {
    rpc: doors.url,
    executed: world.executed,
    pass: (blocks) => pass(world, blocks),
    fund: (owner, amount, token = USDC_TOKEN) => putTokens(world.svm, { owner, ...token }, amount),
    fundFees: (owner) => void world.svm.airdrop(owner as Address, lamports(10_000_000_000n)),
    balanceOf: (owner, token = USDC_TOKEN) => balanceOf(world.svm, { owner, ...token }),
    answerOtherwise: (method, change) => void changes.set(method, change),
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}

function pass(world: World, blocks: number): void {
  world.slot += blocks
  if (world.slot - world.hashSlot <= BLOCKHASH_LIFE) return
  world.svm.expireBlockhash()
  world.hashSlot = world.slot
}

/** `Mint` of the token programs: no authority, a supply, six decimals. */
function putMint(svm: LiteSVM, { mint, tokenProgram }: TestToken): void {
  const data = Buffer.alloc(82)
  data.writeBigUInt64LE(10n ** 15n, 36)
  data.writeUInt8(6, 44)
  data.writeUInt8(1, 45)
  put(svm, { address: mint, program: tokenProgram, data })
}

type Place = Parameters<typeof tokenAccountOf>[0]

/** `Account` of the token programs: mint, owner, amount, no delegate, initialized. */
function putTokens(svm: LiteSVM, place: Place, amount: bigint): void {
  const data = Buffer.alloc(165)
  data.set(addressBytes(place.mint))
  data.set(addressBytes(place.owner), 32)
  data.writeBigUInt64LE(amount, 64)
  data.writeUInt8(1, 108)
  put(svm, { address: tokenAccountOf(place), program: place.tokenProgram, data })
}

function put(
  svm: LiteSVM,
  { address, program, data }: { readonly address: string; readonly program: string; readonly data: Uint8Array },
): void {
  svm.setAccount({
    address: address as Address,
    programAddress: program as Address,
    data: Uint8Array.from(data),
    lamports: lamports(svm.minimumBalanceForRentExemption(BigInt(data.length))),
    space: BigInt(data.length),
    executable: false,
  } as Parameters<LiteSVM['setAccount']>[0])
}

function balanceOf(svm: LiteSVM, place: Place): bigint {
  const account = svm.getAccount(tokenAccountOf(place) as Address)
  return account.exists ? Buffer.from(account.data).readBigUInt64LE(64) : 0n
}

const callSchema = z.object({ id: z.unknown(), method: z.string(), params: z.array(z.unknown()).default([]) })
type Call = z.infer<typeof callSchema>

function answer(world: World, { id, method, params }: Call, changes: ReadonlyMap<string, (answer: unknown) => unknown>): unknown {
  const ask = METHODS[method]
  if (!ask) return { jsonrpc: '2.0', id, error: { code: -32_601, message: `no method ${method}` } }
  const said = ask(world, params)
  return { jsonrpc: '2.0', id, result: changes.get(method)?.(said) ?? said }
}

const finalSlot = ({ slot }: World) => Math.max(0, slot - FINALITY)
const optionsSchema = z.looseObject({
  commitment: z.string().optional(),
  limit: z.number().optional(),
  before: z.string().optional(),
  minContextSlot: z.number().optional(),
})
const slotAt = (world: World, options: unknown) =>
  optionsSchema.safeParse(options).data?.commitment === 'confirmed' ? world.slot : finalSlot(world)
const inContext = (world: World, value: unknown) => ({ context: { slot: world.slot }, value })

const METHODS: Readonly<Record<string, (world: World, params: readonly unknown[]) => unknown>> = {
  getGenesisHash: () => GENESIS,
  getLatestBlockhash: (world) =>
    inContext(world, { blockhash: world.svm.latestBlockhash(), lastValidBlockHeight: world.hashSlot + BLOCKHASH_LIFE }),
  getBlockHeight: (world, [options]) => slotAt(world, options),
  getSlot: (world, [options]) => slotAt(world, options),
  getEpochInfo: (world, [options]) => ({ absoluteSlot: slotAt(world, options), blockHeight: slotAt(world, options) }),
  getFirstAvailableBlock: () => 0,
  getBlockTime: (world) => world.now_s(),
  getAccountInfo: (world, [address]) => inContext(world, accountInfo(world, String(address))),
  sendTransaction: (world, [wire]) => send(world, String(wire)),
  simulateTransaction: (world, [wire, options]) => {
    const result = simulate(world, String(wire), z.looseObject({ sigVerify: z.boolean().optional() }).parse(options).sigVerify ?? false)
    return inContext(world, { err: result, logs: [], accounts: null, unitsConsumed: 0, returnData: null })
  },
  getSignatureStatuses: (world, [ids]) =>
    inContext(
      world,
      z
        .array(z.string())
        .parse(ids)
        .map((id) => statusOf(world, id)),
    ),
  getSignaturesForAddress: (world, [account, options]) => listOf(world, String(account), options),
  getTransaction: (world, [id]) => wholeOf(world, String(id)),
}

function decode(wire: string): Parameters<LiteSVM['sendTransaction']>[0] {
  return getTransactionDecoder().decode(Buffer.from(wire, 'base64')) as unknown as Parameters<LiteSVM['sendTransaction']>[0]
}

/** Where signatures are not looked at, the fee payer's may be missing. */
function simulate({ svm }: World, wire: string, sigVerify: boolean): string | null {
  const transaction = decode(wire)
  const signatures = Object.entries(transaction.signatures).map(([address, one]) => [address, one ?? new Uint8Array(64)])
  svm.withSigverify(sigVerify)
  try {
    const result = svm.simulateTransaction({ ...transaction, signatures: Object.fromEntries(signatures) })
    return 'err' in result ? result.toString() : null
  } finally {
    svm.withSigverify(true)
  }
}

/** What fails in a block is in it all the same; what no block can take never was. */
function send(world: World, wire: string): string {
  const transaction = decode(wire)
  const signatures = Object.values(transaction.signatures).map((one) => (one ? getBase58Decoder().decode(one) : ''))
  const [id = ''] = signatures
  const { staticAccounts, instructions } = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes) as {
    staticAccounts: readonly string[]
    instructions: readonly { readonly programAddressIndex: number; readonly data?: ArrayLike<number> }[]
  }
  const result = world.svm.sendTransaction(transaction)
  const failed = 'err' in result
  if (failed && /BlockhashNotFound|SignatureFailure|AlreadyProcessed|^[0-9]$/.test(String(result.err())))
    throw new Error(String(result.err()))
  const memo = instructions.find(({ programAddressIndex: at }) => staticAccounts[at]?.startsWith('Memo'))?.data ?? []
  const transfer = instructions.find(({ programAddressIndex: at }) => staticAccounts[at]?.startsWith('Token'))?.data
  world.executed.push({
    amount: transfer ? Buffer.from(transfer).readBigUInt64LE(1) : 0n,
    ...{ id, slot: world.slot, time_s: world.now_s(), signatures, accounts: staticAccounts, failed },
    memo: memo.length > 0 ? `[${memo.length}] ${Buffer.from(memo).toString()}` : null,
  })
  world.slot += 1
  return id
}

function accountInfo({ svm }: World, address: string): unknown {
  const account = svm.getAccount(address as Address)
  if (!account.exists) return null
  const { data, programAddress, lamports: held, executable } = account
  return {
    ...{ data: [Buffer.from(data).toString('base64'), 'base64'], owner: programAddress, lamports: Number(held), executable },
    ...{ rentEpoch: 0, space: data.length },
  }
}

function statusOf(world: World, id: string): unknown {
  const found = world.executed.find((one) => one.id === id)
  if (!found) return null
  const confirmationStatus = found.slot <= finalSlot(world) ? 'finalized' : 'confirmed'
  return { slot: found.slot, confirmations: null, err: found.failed ? 'failed' : null, status: { Ok: null }, confirmationStatus }
}

function listOf(world: World, account: string, options: unknown): unknown {
  const { before, limit = 1_000, minContextSlot = 0 } = optionsSchema.parse(options ?? {})
  if (minContextSlot > finalSlot(world)) throw new Error('Minimum context slot has not been reached')
  const all = world.executed.filter(({ accounts, slot }) => accounts.includes(account) && slot <= finalSlot(world)).toReversed()
  const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1
  return all.slice(from, from + limit).map(({ id, slot, memo, failed, time_s }) => ({
    ...{ signature: id, slot, memo, err: failed ? 'failed' : null, blockTime: time_s, confirmationStatus: 'finalized' },
  }))
}

function wholeOf(world: World, id: string): unknown {
  const found = world.executed.find((one) => one.id === id)
  if (!found) return null
  const { slot, time_s, signatures, accounts, failed } = found
  return {
    ...{ slot, blockTime: time_s, version: 0, meta: { err: failed ? 'failed' : null, innerInstructions: [] } },
    transaction: { signatures, message: { accountKeys: accounts } },
  }
}

export function randomAddress(): string {
  return encodeBase58(crypto.getRandomValues(new Uint8Array(32)))
}
