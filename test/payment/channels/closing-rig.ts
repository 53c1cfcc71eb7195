/**
 * Channels that are filled, used and closed with the official server and facilitator on the test chain and a real ledger.
 * The payment flow is not in it: each request is reserved, vouched for, sent and told of by the rig.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import type { Escrows } from '../../../src/chain/chain.ts'
import { createEscrows } from '../../../src/chain/escrows.ts'
import { createEvmChain } from '../../../src/chain/evm-chain.ts'
import { channelIdOf, depositNonceOf } from '../../../src/channel-digest.ts'
import type { Channel } from '../../../src/ledger/channels.ts'
import type { Ledger, Payment } from '../../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../../src/ledger/sqlite.ts'
import type { AskOut } from '../../../src/payment/channels/ask-back.ts'
import type { CloseDeps } from '../../../src/payment/channels/close.ts'
import { configOf } from '../../../src/payment/channels/heard.ts'
import { createClosingMemory } from '../../../src/payment/channels/patience.ts'
import { prove } from '../../../src/payment/prove.ts'
import { createRegistry, knownAssets } from '../../../src/rails/x402/assets.ts'
import { type ChannelOffer, channelOf, readChannelOffer } from '../../../src/rails/x402/channels/offer.ts'
import type { ChannelMessage } from '../../../src/rails/x402/channels/payload.ts'
import { payThroughChannel } from '../../../src/rails/x402/channels/payment.ts'
import { readStatement } from '../../../src/rails/x402/channels/statement.ts'
import { createTelemetry } from '../../../src/telemetry/telemetry.ts'
import { createLocalWallet } from '../../../src/wallet/local-key.ts'
import type { Hex } from '../../../src/wallet/wallet.ts'
import { countingIds, type TestClock, testClock } from '../../clock.ts'
import { promptDisk } from '../../ledger/disks.ts'
import { authorizationFor, CLAIMED, fixtures, termsOf } from '../../ledger/fixtures.ts'
import { chainTime } from '../../testnet/authorizations.ts'
import { makeTestTls } from '../../testnet/certificates.ts'
import { NETWORK, startChain, type Chain as TestChain } from '../../testnet/chain.ts'
import { CHANNEL_PRICE, type ChannelServer, startChannelServer } from '../../testnet/channels.ts'

export const CHAIN_ID = 84532
export const FUNDS = 1_000_000n
export const FINALITY = 1
const CAP = 10_000_000n
const registry = createRegistry({ assets: knownAssets(), networks: [NETWORK] })

export interface ClosingRig extends AsyncDisposable {
  readonly chain: TestChain
  readonly server: ChannelServer
  readonly ledger: Ledger
  readonly clock: TestClock
  readonly payer: Hex
  readonly escrows: Escrows
  /** Steps and warnings, in order. */
  readonly told: string[]
  deps(changes?: Partial<CloseDeps>): CloseDeps
  /** A channel with a deposit of this much, of which the first request has used its price. */
  open(deposit: bigint): Promise<Channel>
  /** One more request, which deposits so much more. */
  fill(channel: Channel, deposit: bigint): Promise<Channel>
  /** One more request; `lost`: its answer never came. */
  buy(channel: Channel, lost?: 'lost'): Promise<{ readonly channel: Channel; readonly payment: Payment }>
  /** What was signed is over and done with, and nothing new is bought. */
  endSession(): Promise<void>
  proveAll(): Promise<void>
  /** Blocks until what has happened is final, and the local clock moves on as far. */
  pass(seconds?: number): Promise<void>
  balance(): Promise<{ readonly spent: bigint; readonly held: bigint }>
  payments(): Promise<readonly Payment[]>
}

export async function startClosingRig({ wei = 10n ** 18n }: { readonly wei?: bigint } = {}): Promise<ClosingRig> {
  await using started = new AsyncDisposableStack()
  const chain = started.use(await startChain())
  const server = started.use(await startChannelServer(chain, makeTestTls()))
  const folder = await mkdtemp(join(tmpdir(), 'purser-closing-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const [clock, ids] = [testClock((await chainTime(chain)) * 1000), countingIds()]
  const networks = [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: FINALITY }]
  const { events } = createTelemetry({ level: 'silent' })
  const file = join(folder, 'purser.db')
  const ledger = started.use(
    await openSqliteLedger({ file, clock, ids, runId: 'run_1', flush: promptDisk, events, confirmable: [NETWORK] }),
  )
  const wallet = createLocalWallet({ key: generatePrivateKey() })
  const payer = await wallet.address(null)
  await chain.fund(payer, FUNDS)
  await chain.rpc('anvil_setBalance', [payer, numberToHex(wei)])
  const make = fixtures(ids, () => clock.now())
  const session = await ledger.openSession(make.session({ cap: CAP, expiresAt: clock.now() + 10 ** 10 }))
  const told: string[] = []
  const heard = {
    warned: (sentence: string) => void told.push(sentence),
    channelStepped: ({ step }: { step: string }) => void told.push(step),
  }
  const [escrows, port] = [createEscrows({ networks }), createEvmChain({ networks })]

  const word = (kind: string): Hex => `0x${Buffer.from(ids(kind)).toString('hex').padStart(64, '0')}`

  async function send(offer: ChannelOffer, message: ChannelMessage) {
    const { headers } = await payThroughChannel({ offer, message, walletName: null }, wallet)
    const [name = '', value = ''] = headers
    const response = await fetch(`${server.url}/tick`, { headers: { [name]: value } })
    const said = readStatement(headOf(response), {
      channelId: channelIdOf(message.channel, CHAIN_ID),
      network: NETWORK,
      kind: message.kind,
    })
    if (said?.kind !== 'charged') throw new Error(`the server charged nothing: ${response.status}`)
    return said
  }

  async function reserved(amount: bigint, method: 'deposit' | 'voucher', nonce: Hex) {
    const terms = termsOf(amount, { scheme: 'batch-settlement', method, payTo: server.merchant, payer })
    const request = { ...make.request(session.id, amount, { terms, nonce }), ...(method === 'deposit' && { counts: CHANNEL_PRICE }) }
    const result = await ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error(`nothing was reserved: ${JSON.stringify(result)}`)
    const now_s = Math.floor(clock.now() / 1000)
    const authorization = { ...authorizationFor(request), payer, validAfter_s: now_s - 600, validBefore_s: now_s + 60 }
    return { reservation: result.reservation, authorization, ...authorization }
  }

  const rig: Omit<ClosingRig, typeof Symbol.asyncDispose> = {
    ...{ chain, server, ledger, clock, payer, escrows, told },
    deps: (changes) => ({
      ...{ ledger, escrows, wallet, clock, registry, events: heard, memory: createClosingMemory(), ask: askAt },
      ...changes,
    }),
    async open(deposit) {
      const offer = offerIn(await fetch(`${server.url}/tick`))
      const salt = word('salt')
      const channel = channelOf({ offer, payer, salt })
      const row = await ledger.channels.open({
        ...{ sessionId: session.id, network: NETWORK, asset: channel.token, receiver: channel.receiver, salt, payer },
        ...{ receiverAuthorizer: channel.receiverAuthorizer, withdrawDelay_s: channel.withdrawDelay, id: channelIdOf(channel, CHAIN_ID) },
        ...{ url: `${server.url}/tick`, offer: offer.raw, decimals: 6, currency: 'USD' },
      })
      return rig.fill(row, deposit)
    },
    async fill(row, deposit) {
      const offer = offerIn(await fetch(`${server.url}/tick`))
      const [channel, salt, cumulative] = [configOf(row), word('deposit'), row.charged + CHANNEL_PRICE]
      const nonce = depositNonceOf({ channel, chainId: CHAIN_ID, salt })
      const { reservation, authorization, validAfter_s, validBefore_s } = await reserved(deposit, 'deposit', nonce)
      const { paymentId } = reservation
      const pending = present(await ledger.channels.vouch(row.id, { version: row.version, paymentId, cumulative, deposit }))
      await reservation.record(authorization)
      const terms = { amount: deposit, validAfter_s, validBefore_s, salt }
      const said = await send(offer, { kind: 'deposit', channel, chainId: CHAIN_ID, cumulative, deposit: terms })
      await reservation.post({ ...CLAIMED, transaction: said.transaction })
      const news = { state: 'open', deposited: row.deposited + deposit, charged: said.charge.cumulative, over: paymentId } as const
      return present(await ledger.channels.tell(row.id, pending.version, news))
    },
    async buy(channel, lost) {
      const offer = offerIn(await fetch(`${server.url}/tick`))
      const cumulative = channel.charged + CHANNEL_PRICE
      const { reservation, authorization } = await reserved(CHANNEL_PRICE, 'voucher', word('voucher'))
      const { paymentId } = reservation
      const pending = present(await ledger.channels.vouch(channel.id, { version: channel.version, paymentId, cumulative }))
      await reservation.record(authorization)
      const said = await send(offer, { kind: 'voucher', channel: configOf(channel), chainId: CHAIN_ID, cumulative })
      if (lost) await reservation.leaveUnknown('The answer was lost.')
      else await reservation.post({ ...CLAIMED, transaction: undefined })
      const news = lost ? {} : { charged: said.charge.cumulative, over: paymentId }
      const after = lost ? pending : present(await ledger.channels.tell(channel.id, pending.version, news))
      return { channel: after, payment: present(await ledger.payment(paymentId)) }
    },
    endSession: async () => void (await ledger.close(session.id)),
    async proveAll() {
      for (const payment of await rig.payments()) {
        if (['settled', 'unknown', 'sent'].includes(payment.state)) await prove({ ledger, chain: port, clock, events: heard }, payment)
      }
    },
    async pass(seconds = 1) {
      clock.advance(seconds * 1000)
      await chain.mine({ blocks: 1 + FINALITY, seconds })
    },
    balance: async () => {
      const { spent, held } = present(await ledger.session(session.id))
      return { spent, held }
    },
    payments: async () => (await ledger.payments({ session: session.id }, { limit: 100 })).items,
  }
  const all = started.move()
  return { ...rig, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Straight to the server, by its plain door. */
export const askAt: AskOut = async (_session, { url, set = [] }, signal) => {
  const [name, value] = set
  try {
    const response = await fetch(url, { signal, headers: name !== undefined && value !== undefined ? { [name]: value } : {} })
    return { kind: 'answer', answer: headOf(response) }
  } catch {
    return { kind: 'failed', refusal: { code: 'upstream_unreachable', detail: 'The server cannot be reached.' } }
  }
}

function headOf({ status, headers }: Response) {
  return { status, headers: [...headers].flat() }
}

function offerIn(response: Response): ChannelOffer {
  const [value] = JSON.parse(Buffer.from(response.headers.get('payment-required') ?? '', 'base64').toString('utf8')).accepts
  const offer = readChannelOffer({ value, raw: JSON.stringify(value) }, { index: 0, version: 2 }, registry, { maxWithdrawDelay_s: 86_400 })
  if ('code' in offer) throw new Error(offer.reason)
  return offer
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it had changed, or is not there')
  return value
}
