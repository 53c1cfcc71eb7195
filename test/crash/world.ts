/** What all lanes share: the chain, the official paid servers, and one that misbehaves. Windows are as short as they can be. */
import { createServer } from 'node:http'
import { listen } from '../testnet/doors.ts'
import { type Misbehaving, startMisbehaving } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { challengeOf } from '../testnet/wire.ts'
import { type Hook, startHook } from './people.ts'

export const WINDOW_S = 10

export interface World extends AsyncDisposable {
  readonly testnet: Testnet
  readonly misbehaving: Misbehaving
  /** Where people get their notices. */
  readonly hook: Hook
  /** A URL of an official server that no other purchase has. */
  fresh(): string
  /** The same of a server that does this misdeed when it is paid; the proxy asks it over TLS. */
  evil(mode: string): string
  /** The same of a server that asks for a payment and is gone when it comes. */
  vanishing(): Promise<string>
}

export async function startWorld(): Promise<World> {
  await using started = new AsyncDisposableStack()
  const testnet = started.use(await startTestnet({ window_s: WINDOW_S }))
  const misbehaving = started.use(await startMisbehaving(testnet))
  const hook = started.use(await startHook())
  let count = 0
  const servers = Object.values(testnet.servers)
  const all = started.move()
  return {
    testnet,
    misbehaving,
    hook,
    fresh: () => {
      count += 1
      const path = count % 4 === 0 ? '/data' : '/weather'
      return `${servers[count % servers.length]?.url}${path}?n=${count}`
    },
    evil: (mode) => `${misbehaving.httpsUrl.replace('https:', 'http:')}/v${1 + (++count % 2)}/${mode}/${count}?window=${WINDOW_S}`,
    vanishing: () => openVanishing(testnet, ++count),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Every connection gets one 402 and its end; after the first one nobody listens any more. */
async function openVanishing({ merchant }: Testnet, count: number): Promise<string> {
  const server = createServer((request, response) => {
    const terms = { amount: '1000', payTo: merchant, window_s: WINDOW_S, resource: `http://${request.headers.host}${request.url}` }
    const { status, headers, body } = challengeOf(2, terms)
    server.close()
    response.writeHead(status, [...headers, 'connection', 'close']).end(body)
  })
  return `http://127.0.0.1:${await listen(server)}/gone?n=${count}`
}
