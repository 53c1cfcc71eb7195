/** A door in front of the chain's RPC that a test can shut, or that lies: for payers who cannot learn what became of a payment. */
import { z } from 'zod'
import type { TestTls } from './certificates.ts'
import { breakOff, openDoors, readBody } from './doors.ts'

export type GateState = 'open' | 'down' | 'error'

export interface RpcGate extends AsyncDisposable {
  readonly url: string
  /** Calls that came, whatever became of them. */
  readonly calls: readonly unknown[]
  /** down: connections are reset. error: 503. */
  set(state: GateState): void
  /** What the server answers instead of the truth, until the next call of this; undefined ends it. */
  lie(lie: Lie | undefined): void
}

/** The result that a call gets, given the true one. */
export type Lie = (call: { readonly method: string; readonly params: readonly unknown[] }, truth: unknown) => unknown

const callSchema = z.object({ method: z.string(), params: z.array(z.unknown()) })
const answerSchema = z.looseObject({ result: z.unknown().optional() })

export async function startRpcGate({ rpcUrl, tls }: { readonly rpcUrl: string; readonly tls: TestTls }): Promise<RpcGate> {
  const calls: string[] = []
  let state: GateState = 'open'
  let lie: Lie | undefined
  const told = (call: string, answer: string): string => {
    if (!lie) return answer
    const parsed = answerSchema.parse(JSON.parse(answer))
    return JSON.stringify({ ...parsed, result: lie(callSchema.parse(JSON.parse(call)), parsed.result) })
  }
  const doors = await openDoors((request, response) => {
    const forward = async () => {
      const body = await readBody(request)
      calls.push(body.toString())
      if (state === 'down') return breakOff(response)
      if (state === 'error') return void response.writeHead(503).end('no chain today')
      const answer = await fetch(rpcUrl, { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'application/json' } })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(told(body.toString(), await answer.text()))
    }
    forward().catch(() => response.destroy())
  }, tls)
  return {
    url: doors.url,
    calls,
    set: (next) => {
      state = next
    },
    lie: (next) => {
      lie = next
    },
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}
