/** What proving needs around the payment rig: a chain that shows what the test says, or the real test chain, and warnings kept. */
import { z } from 'zod'
import type { Chain, ChainFinding, Incoming } from '../../src/chain/chain.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { testClock } from '../clock.ts'
import { chainTime, DOMAIN, type SignedPayment } from '../testnet/authorizations.ts'
import { NETWORK, startChain, type Chain as TestChain, USDC } from '../testnet/chain.ts'
import { answer, type Rig, type RigOptions, startRig } from './rig.ts'

export const CHAIN_TX = `0x${'cd'.repeat(32)}`

export interface ScriptedChain extends Pick<Chain, 'networks' | 'find' | 'incoming'> {
  /** What `find` shows for every payment from now on; a function may tell them apart, or fail. */
  shows: ChainFinding | ((nonce: string) => ChainFinding | Promise<ChainFinding>)
  /** Transfers in the blocks that have not been looked at; given out once, up to block `head`. */
  incomingTransfers: readonly Incoming[]
  head: bigint
  /** Nonces that were looked for. */
  readonly looked: string[]
}

export function scriptedChain(networks: readonly string[] = [NETWORK]): ScriptedChain {
  const chain: ScriptedChain = {
    ...{ networks, shows: { kind: 'open', reason: 'Unused so far.' }, incomingTransfers: [], head: 100n, looked: [] },
    find: async ({ nonce }) => {
      chain.looked.push(nonce)
      return typeof chain.shows === 'function' ? chain.shows(nonce) : chain.shows
    },
    incoming: async ({ after }) => {
      const transfers = chain.incomingTransfers.filter(({ block }) => after !== undefined && block > after && block <= chain.head)
      return { transfers, upTo: chain.head }
    },
  }
  return chain
}

/** Sentences that operators would read. */
export function warnings() {
  const said: string[] = []
  return { said, events: { warned: (sentence: string) => void said.push(sentence) } }
}

/** A payment that the server left in the dark: signed, sent, answered with 503. */
export async function unknownPayment(rig: Rig, url = 'https://api.example.com/dark'): Promise<Payment> {
  const outcome = await rig.pay(() => answer(503), { request: rig.request({ url }) })
  if (outcome.kind !== 'answer') throw new Error(`the payment ended otherwise: ${outcome.kind}`)
  await outcome.delivered({ status: 503, bytes: 5, complete: true })
  return newest(rig)
}

export async function newest({ ledger }: Rig): Promise<Payment> {
  const [payment] = (await ledger.payments({}, { limit: 1 })).items
  if (!payment) throw new Error('nothing was paid')
  return payment
}

export async function stateOf({ ledger }: Rig, id: string): Promise<Payment | undefined> {
  return ledger.payment(id)
}

export const FINALITY = 1

export interface ChainRig extends AsyncDisposable {
  readonly chain: TestChain
  readonly port: ReturnType<typeof createEvmChain>
  readonly rig: Rig
  readonly payer: `0x${string}`
  /** What the last payment carried, for whoever wants to take it. */
  lastSigned(): SignedPayment
  /** Moves the chain and the local clock to this second, and lets that be final. */
  passTo(time_s: number): Promise<void>
}

/** The payment flow beside the real test chain, at its time. */
export async function startChainRig(options: Omit<RigOptions, 'clock'> = {}): Promise<ChainRig> {
  await using started = new AsyncDisposableStack()
  const chain = started.use(await startChain())
  const start_s = await chainTime(chain)
  const clock = testClock(start_s * 1000)
  const rig = started.use(await startRig({ ...options, clock }))
  const payer = await rig.deps.wallet.address(null)
  await chain.fund(payer, 10_000_000n)
  const port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: FINALITY }] })
  const all = started.move()
  return {
    ...{ chain, port, rig, payer },
    lastSigned: () => signedIn(rig.sent.at(-1) ?? []),
    passTo: async (time_s) => {
      const now_s = Math.floor(clock.now() / 1000)
      if (time_s > now_s) clock.advance((time_s - now_s) * 1000)
      await chain.rpc('evm_setNextBlockTimestamp', [`0x${time_s.toString(16)}`])
      await chain.mine({ blocks: 1 + FINALITY })
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const hex = z.templateLiteral(['0x', z.string()])
const digits = z
  .string()
  .regex(/^[0-9]+$/)
  .transform(BigInt)
const carried = z.object({
  payload: z.object({
    signature: hex,
    authorization: z.object({ from: hex, to: hex, value: digits, validAfter: digits, validBefore: digits, nonce: hex }),
  }),
})

function signedIn([, header = '']: readonly string[]): SignedPayment {
  const { signature, authorization } = carried.parse(JSON.parse(Buffer.from(header, 'base64').toString())).payload
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const place = { network: NETWORK, token: USDC, payer: from, payTo: to, nonce, amountAtomic: value }
  const transfer = { ...place, validBefore_s: Number(validBefore), signedAt_s: Number(validAfter) + 600 }
  return { authorization: { domain: DOMAIN, ...authorization }, signature, transfer }
}
