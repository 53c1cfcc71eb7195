/**
 * A lane: one Purser with one ledger and one wallet, killed and started again, over and over, while agents buy through
 * it. It remembers every order and what its agent got, so that in the end all can be compared with the chain.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'
import { type AskOptions, ask, type Got, type Order } from './agent.ts'
import { approveAll, governance } from './people.ts'
import { type Place, type Plan, PurserProcess } from './process.ts'
import { WINDOW_S, type World } from './world.ts'

export interface LaneOptions {
  readonly world: World
  /** `ledger:` of the configuration, and what belongs to it. */
  readonly ledger: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

export interface Bought {
  readonly order: Order
  readonly credentials: string
  readonly got: Got[]
}

export interface OrderOptions {
  readonly keyed?: boolean
  readonly headers?: readonly string[]
  readonly credentials?: string
  readonly reset?: boolean
}

const openedSchema = z.looseObject({ id: z.string(), token: z.string() })

export class Lane implements AsyncDisposable {
  readonly world: World
  readonly purchases: Bought[] = []
  /** Between this Purser and the chain. */
  readonly gate: RpcGate
  /** Purchases whose outcome the server kept to itself and whose window has closed meanwhile. */
  readonly stale: Bought[] = []
  readonly #place: Place
  readonly #folder: string
  #process: PurserProcess | undefined
  #credentials = ''
  #lastSigned_ms = 0
  #orders = 0

  private constructor(world: World, { place, folder, gate }: { place: Place; folder: string; gate: RpcGate }) {
    this.world = world
    this.gate = gate
    this.#place = place
    this.#folder = folder
  }

  static async open(options: LaneOptions): Promise<Lane> {
    const { world, ledger, env = {} } = options
    const folder = await mkdtemp(join(tmpdir(), 'purser-crash-'))
    const configFile = join(folder, 'purser.yaml')
    const gate = await startRpcGate(world.testnet)
    await writeFile(configFile, JSON.stringify({ ...configOf(world, gate.url), ...ledger }))
    const lane = new Lane(world, { folder, gate, place: { configFile, dataDir: join(folder, 'data'), env } })
    await lane.start()
    await world.testnet.fund(lane.process.walletAddress as `0x${string}`, 10_000_000n)
    lane.#credentials = await lane.openSession()
    return lane
  }

  get process(): PurserProcess {
    if (!this.#process) throw new Error('no purser is running')
    return this.#process
  }

  /** Starts without a plan; what was running has ended. */
  async start(): Promise<void> {
    this.#process = await PurserProcess.start(this.#place)
    if (this.#process) void approveAll(this.#process)
  }

  /** Starts with a plan for its first moments, and waits until it is dead. @throws Error where it lives on. */
  async startDoomed(plan: Plan): Promise<void> {
    const doomed = await PurserProcess.start(this.#place, plan)
    if (!doomed || (await doomed.within(PATIENCE_MS)) === 'SIGKILL') return
    const { log } = doomed
    doomed.kill()
    throw new Error(`“${plan.waypoint}” was not passed at start: ${log}`)
  }

  /** @returns `id:token`. */
  async openSession(): Promise<string> {
    const body = { agent: 'tester', purpose: 'crash', cap: '5.00', ttl: '1h' }
    const { id, token } = openedSchema.parse(await this.process.admin('/v1/sessions', { method: 'POST', body }))
    return `${id}:${token}`
  }

  order(url: string, { keyed = false, headers = [] }: OrderOptions = {}): Order {
    this.#orders += 1
    return { url, headers: ['Connection', 'keep-alive', ...(keyed ? ['Idempotency-Key', `order-${this.#orders}`] : []), ...headers] }
  }

  /** The chain can be asked again; what was kept from it is not stale any more. */
  openGate(): void {
    this.gate.set('open')
    this.stale.length = 0
  }

  /** A new purchase. */
  buy(url: string, options: OrderOptions = {}): Promise<Got> {
    const bought = { order: this.order(url, options), credentials: options.credentials ?? this.#credentials, got: [] }
    this.purchases.push(bought)
    return this.askFor(bought, options)
  }

  /** The agent asks, or asks again. */
  async askFor(bought: Bought, { reset = false, patience = PENDING_TRIES }: AskFor = {}): Promise<Got> {
    this.#lastSigned_ms = Date.now()
    const got = await ask(bought.order, { proxyUrl: this.process.proxyUrl, credentials: bought.credentials, reset })
    bought.got.push(got)
    // Its window goes on without it for a second or two.
    if (got.kind !== 'refused' || got.code !== 'approval_pending' || patience === 0) return got
    await new Promise((resolve) => setTimeout(resolve, PENDING_PAUSE_MS))
    return this.askFor(bought, { patience: patience - 1 })
  }

  /** Every agent that heard nothing asks again. */
  async askAgain(): Promise<void> {
    await Promise.all(this.purchases.filter(({ got }) => got.at(-1)?.kind === 'broken').map((bought) => this.askFor(bought)))
  }

  /** Whoever does not have the goods yet, and may still get them, asks once more. */
  async askAgainInTheEnd(): Promise<void> {
    const waiting = this.purchases.filter(
      ({ got }) => !got.some(({ kind }) => kind === 'goods') && !got.some((one) => one.kind === 'refused' && DONE.has(one.code)),
    )
    await Promise.all(waiting.map((bought) => this.askFor(bought)))
  }

  /** By the wall clock: nothing that was signed so far can be taken any more. */
  async untilWindowsClosed(): Promise<void> {
    const left_ms = this.#lastSigned_ms + WINDOW_S * 1_000 + 1_500 - Date.now()
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, left_ms)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill()
    await this.#process?.ended
    await this.gate[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** There is nothing to be had by asking again. */
const DONE = new Set(['paid_not_delivered', 'payment_not_allowed', 'tier_prohibited'])

interface AskFor extends Pick<AskOptions, 'reset'> {
  /** How often it asks again while people have not decided. */
  readonly patience?: number
}

const PENDING_PAUSE_MS = 500
const PENDING_TRIES = 30

/** How long a planned death may take: a round of recovery is the slowest way to it. */
export const PATIENCE_MS = 8_000

/** What all processes on this world have in common. */
export function configOf({ testnet, hook }: World, rpc: string): Record<string, unknown> {
  return {
    mode: 'enforce',
    dataDir: './data',
    proxy: {
      listen: '127.0.0.1:0',
      unsafeAllowPrivateUpstreams: ['127.0.0.0/8', '::1/128'],
      tls: { caFiles: [testnet.caFile] },
      // An agent without certificates: what it asks over http leaves over TLS.
      upgradeToHttps: ['localhost'],
    },
    admin: { listen: '127.0.0.1:0' },
    networks: [{ id: 'base-sepolia', rpc, finalityBlocks: 0 }],
    recipients: { verified: [{ host: 'localhost' }, { host: '127.0.0.1' }] },
    ...governance(hook.url),
    log: { level: 'warn' },
  }
}
