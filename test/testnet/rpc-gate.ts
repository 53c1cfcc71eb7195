/** A door in front of the chain's RPC that a test can shut: for payers who cannot ask the chain what became of a payment. */
import type { TestTls } from './certificates.ts'
import { breakOff, openDoors, readBody } from './doors.ts'

export type GateState = 'open' | 'down' | 'error'

export interface RpcGate extends AsyncDisposable {
  readonly url: string
  /** Calls that came, whatever became of them. */
  readonly calls: readonly unknown[]
  /** down: connections are reset. error: 503. */
  set(state: GateState): void
}

export async function startRpcGate({ rpcUrl, tls }: { readonly rpcUrl: string; readonly tls: TestTls }): Promise<RpcGate> {
  const calls: string[] = []
  let state: GateState = 'open'
  const doors = await openDoors((request, response) => {
    const forward = async () => {
      const body = await readBody(request)
      calls.push(body.toString())
      if (state === 'down') return breakOff(response)
      if (state === 'error') return void response.writeHead(503).end('no chain today')
      const answer = await fetch(rpcUrl, { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'application/json' } })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    }
    forward().catch(() => response.destroy())
  }, tls)
  return {
    url: doors.url,
    calls,
    set: (next) => {
      state = next
    },
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}
