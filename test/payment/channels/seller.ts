/** The official server of payment channels as the upstream of the payment flow's rig, with the rig's wallet funded on its chain. */
import { Readable } from 'node:stream'
import { generatePrivateKey } from 'viem/accounts'
import type { RawHeaders } from '../../../src/http.ts'
import type { SendResult, UnpaidAnswer } from '../../../src/session/exchange.ts'
import { createLocalWallet } from '../../../src/wallet/local-key.ts'
import { testClock } from '../../clock.ts'
import { makeTestTls } from '../../testnet/certificates.ts'
import { type Chain, startChain } from '../../testnet/chain.ts'
import { type ChannelServer, startChannelServer } from '../../testnet/channels.ts'
import { type Rig, type RigOptions, startRig } from '../rig.ts'

export const BOUNDS = { deposit: 20_000n, maxDeposit: 100_000n }
const FUNDS = 1_000_000n

export interface Seller extends AsyncDisposable {
  readonly chain: Chain
  readonly server: ChannelServer
  /** How often the facilitator was asked to settle anything. */
  settlements(): number
  /** A 402 of the server. */
  ask(): Promise<UnpaidAnswer>
  /** Carries what the flow sends to the server. */
  upstream(headers: RawHeaders): Promise<SendResult>
  /** The flow, with a wallet that holds `FUNDS`, on the chain's own time. */
  rig(options?: RigOptions): Promise<Rig>
}

export async function startSeller(): Promise<Seller> {
  await using started = new AsyncDisposableStack()
  const chain = started.use(await startChain())
  const server = started.use(await startChannelServer(chain, makeTestTls()))
  const all = started.move()
  const get = (headers: Record<string, string> = {}) => fetch(`${server.url}/tick`, { headers })
  return {
    ...{ chain, server },
    settlements: () => server.settlements.length,
    async ask() {
      const response = await get()
      return { status: response.status, headers: headersOf(response), body: new Uint8Array(await response.arrayBuffer()) }
    },
    async upstream([name = '', value = '']) {
      const response = await get({ [name]: value })
      return answerOf(response, await response.text())
    },
    async rig(options = {}) {
      const wallet = createLocalWallet({ key: generatePrivateKey() })
      const rig = await startRig({ clock: testClock(Date.now()), channels: BOUNDS, wallet, ...options })
      await chain.fund(await rig.deps.wallet.address(null), FUNDS)
      return rig
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export function answerOf(response: Response, text: string): SendResult {
  const body = Readable.from([Buffer.from(text)])
  return { kind: 'answer', answer: { status: response.status, statusText: '', headers: headersOf(response), body, trailers: () => [] } }
}

function headersOf({ headers }: Response): RawHeaders {
  return [...headers].flat()
}
