/** What the worlds of all rails share: one chain for EVM and one for Solana, a facilitator, a clock, and one Purser that pays at all of them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { erc20Abi, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createSolanaWallet } from '../../src/wallet/solana-key.ts'
import { openConfig, type RunningPurser, startPurser } from '../e2e/purser.ts'
import { makeTestTls, type TestTls } from '../testnet/certificates.ts'
import { type Call, type Chain, startChain, USDC } from '../testnet/chain.ts'
import { type Facilitator, type FacilitatorFault, startFacilitator } from '../testnet/facilitator.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { startSolana, type TestSolana } from '../testnet/solana.ts'
import type { Fault, RailSpec, RailWorld } from './rail-world.ts'

const SEED = '5ca1ab1e'.repeat(8)
const PURSE = 10_000_000n
/** Too little for any transfer, enough for its transaction to be in a block. */
const STARVED_GAS = 60_000n

export interface RailHouse {
  readonly tls: TestTls
  readonly chain: Chain
  readonly facilitator: Facilitator
  readonly solana: TestSolana
  readonly solanaPayer: string
  readonly time: Time
  /** Ends with the house. */
  keep<T extends AsyncDisposable>(started: T): T
  /** What worlds on the EVM chain have in common. */
  readonly evm: Pick<RailWorld, 'fault' | 'faults' | 'settled' | 'finalize' | 'passUntil'>
}

export interface OpenRailHouse extends AsyncDisposable {
  readonly purser: RunningPurser
  /** A rail's world, and where the proxy has its server. */
  at(rail: string): { readonly world: RailWorld; readonly url: string }
}

/** Everything of every rail, once. */
export async function openRailHouse(rails: readonly RailSpec[]): Promise<OpenRailHouse> {
  await using started = new AsyncDisposableStack()
  const time = movableTime()
  const key = generatePrivateKey()
  const house = await build(started, { time, payer: privateKeyToAddress(key) })
  const worlds = new Map<string, RailWorld>()
  for (const rail of rails) worlds.set(rail.name, await rail.start(house))
  const purser = started.use(await startPurser(await configOf(house, { started, worlds, key }), { clock: time.clock }))
  const all = started.move()
  const at = (rail: string) => {
    const world = worlds.get(rail)
    if (!world) throw new Error(`no world ${rail}`)
    return { world, url: `${purser.app.proxyUrl}/${[...worlds.keys()].indexOf(rail)}` }
  }
  return { purser, at, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

export interface Time {
  readonly clock: Clock
  forward(by_ms: number): void
}

function movableTime(): Time {
  let ahead_ms = 0
  return {
    clock: { now: () => systemClock.now() + ahead_ms, monotonic: () => systemClock.monotonic() + ahead_ms },
    forward: (by_ms) => {
      ahead_ms += by_ms
    },
  }
}

interface Foundations {
  readonly time: Time
  readonly payer: Hex
}

/** The payer has money on both chains, and lets Permit2 take it. */
async function build(started: AsyncDisposableStack, { time, payer }: Foundations): Promise<RailHouse> {
  const tls = makeTestTls()
  const chain = started.use(await startChain())
  await placePermit2(chain)
  await chain.fund(payer, PURSE)
  await allow(chain, payer, PURSE)
  const reverts = { next: 0 }
  const starving = async (call: Call) => {
    if (reverts.next === 0) return chain.sender.send(call)
    const hash = await chain.sender.send({ ...call, gas: STARVED_GAS })
    const { status } = await chain.client.waitForTransactionReceipt({ hash })
    if (status === 'reverted') reverts.next--
    return hash
  }
  const facilitator = started.use(await startFacilitator({ ...chain, sender: { address: chain.sender.address, send: starving } }, tls))
  const solana = started.use(await startSolana(() => Math.floor(time.clock.now() / 1000)))
  const solanaPayer = await createSolanaWallet(Buffer.from(SEED, 'hex')).address(null)
  solana.fund(solanaPayer, PURSE)
  const keep = <T extends AsyncDisposable>(one: T): T => started.use(one)
  return { tls, chain, facilitator, solana, solanaPayer, keep, time, evm: onEvm({ chain, facilitator, reverts, time, payer }) }
}

interface EvmParts {
  readonly chain: Chain
  readonly facilitator: Facilitator
  readonly reverts: { next: number }
  readonly time: Time
  readonly payer: Hex
}

function onEvm({ chain, facilitator, reverts, time, payer }: EvmParts): RailHouse['evm'] {
  return {
    fault: (fault) => {
      if (fault === 'settle: revert') reverts.next = 1
      else facilitator.failNext(FAULTS[fault])
    },
    faults: () => facilitator.faults.length + reverts.next,
    settled: async () => {
      const from = { address: USDC, abi: erc20Abi, eventName: 'Transfer', fromBlock: 0n, strict: true } as const
      const logs = await chain.client.getContractEvents({ ...from, args: { from: payer } })
      return logs.map(({ args }) => args.value)
    },
    finalize: () => chain.mine({ blocks: 1 }),
    passUntil: async (moment_ms) => {
      const seconds = Math.ceil((moment_ms - time.clock.now()) / 1000)
      time.forward(seconds * 1000)
      await chain.mine({ blocks: 1, seconds })
    },
  }
}

const FAULTS: Record<Exclude<Fault, 'settle: revert'>, FacilitatorFault> = {
  'verify: invalid': 'invalid',
  'settle: error': 'error-500',
  'settle: lost': 'settle-then-reset',
}

interface Furnished {
  readonly started: AsyncDisposableStack
  readonly worlds: ReadonlyMap<string, RailWorld>
  readonly key: Hex
}

async function configOf(house: RailHouse, { started, worlds, key }: Furnished): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-rails-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, house.tls.ca)
  const config = openConfig([caFile])
  const routes = [...worlds.values()].map(({ meddler }, number) => ({ prefix: `/${number}/`, upstream: `${meddler.url}/` }))
  return {
    ...{ ...config, circuitBreaker: null, loopGuard: null, channels: { deposit: '0.001', maxDeposit: '0.001' } },
    ...{ wallet: { kind: 'local', key, solana: { key: SEED } } },
    networks: [
      { id: 'base-sepolia', rpc: house.chain.rpcUrl, finalityBlocks: 0 },
      { id: 'solana-devnet', rpc: house.solana.rpc },
    ],
    proxy: { ...(config.proxy as object), routes },
  }
}
