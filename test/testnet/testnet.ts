/**
 * The testnet: a real chain of our own, a real facilitator, and the official paid servers, in this process and one child.
 * Nothing leaves the loopback; ports are the system's choice; everything ends with the process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { makeTestTls, type TestTls } from './certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from './chain.ts'
import { type Facilitator, startFacilitator } from './facilitator.ts'
import { type PaidServer, startExpressV1, startExpressV2, startHonoV2 } from './paid-servers.ts'

export interface TestnetOptions {
  /** What the official servers ask an authorization to live, in seconds. */
  readonly window_s?: number
}

export interface Testnet extends AsyncDisposable, Omit<Chain, 'client' | 'sender' | keyof AsyncDisposable> {
  readonly chainId: 84532
  readonly network: typeof NETWORK
  readonly usdc: Hex
  readonly facilitator: Facilitator
  /** POST /verify, POST /settle, GET /supported. */
  readonly facilitatorUrl: string
  /** Whom the official servers let themselves be paid. Nobody holds the key. */
  readonly merchant: Hex
  readonly servers: { readonly expressV2: PaidServer; readonly honoV2: PaidServer; readonly expressV1: PaidServer }
  /** PEM file of the authority that signed `localhost`. */
  readonly caFile: string
  readonly tls: TestTls
}

/** Takes about two seconds, two more where the contracts were never compiled on this machine. */
export async function startTestnet(options: TestnetOptions = {}): Promise<Testnet> {
  await using started = new AsyncDisposableStack()
  const tls = makeTestTls()
  const chain = started.use(await startChain())
  const facilitator = started.use(await startFacilitator(chain, tls))
  const merchant = privateKeyToAddress(generatePrivateKey())
  const plan = { facilitator, merchant, window_s: options.window_s ?? 60, tls }
  const servers = {
    expressV2: started.use(await startExpressV2(plan)),
    honoV2: started.use(await startHonoV2(plan)),
    expressV1: started.use(await startExpressV1(plan)),
  }
  const caFile = await writeCa(tls, started)
  const all = started.move()
  const { client: _, sender: __, ...facade } = chain
  return {
    ...facade,
    ...{ chainId: 84532, network: NETWORK, usdc: USDC, facilitator, facilitatorUrl: facilitator.url, merchant, servers, caFile, tls },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

async function writeCa(tls: TestTls, started: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-testnet-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'ca.pem')
  await writeFile(file, tls.ca)
  return file
}
