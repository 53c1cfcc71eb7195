import { createServer } from 'node:http'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRpc, RpcAnswerTooLong, RpcError } from '../../src/chain/rpc.ts'
import { MAX_RPC_ANSWER_BYTES } from '../../src/limits.ts'
import { anyText } from '../any-text.ts'
import { close, listen } from '../testnet/doors.ts'

interface Answer {
  readonly status?: number
  readonly body: string | undefined
}

/** A server that answers every call so; without a body it never answers. */
async function serve(answer: () => Answer) {
  const seen: { authorization: string | undefined; body: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ authorization: request.headers.authorization, body: Buffer.concat(chunks).toString() })
      const { status = 200, body } = answer()
      if (body !== undefined) response.writeHead(status).end(body)
    })
  })
  const port = await listen(server)
  return { url: `http://127.0.0.1:${port}/v2/SECRET`, port, seen, [Symbol.asyncDispose]: () => close(server) }
}

const text = z.string()
const faultOf = (promise: Promise<unknown>) => promise.then(() => undefined).catch((fault: unknown) => fault)

describe('an RPC call', () => {
  it('asks once, by JSON-RPC, and gives the result in its shape', async () => {
    await using server = await serve(() => ({ body: '{"jsonrpc":"2.0","id":1,"result":"0x1"}' }))
    expect(await createRpc(server).call('eth_chainId', ['a'], text)).toBe('0x1')
    expect(server.seen).toEqual([{ authorization: undefined, body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["a"]}' }])
  })

  it('carries credentials of the URL in a header', async () => {
    await using server = await serve(() => ({ body: '{"result":"0x1"}' }))
    await createRpc({ url: `http://user:p%40ss@127.0.0.1:${server.port}/` }).call('eth_chainId', [], text)
    expect(server.seen[0]?.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  })

  it.each([
    [
      'an error of the server',
      { body: '{"error":{"code":3,"message":"execution reverted:\\u0007no"}}' },
      'refused eth_call: execution reverted: no',
    ],
    ['no JSON', { body: '<html>' }, 'no JSON-RPC'],
    ['a status without an answer', { status: 503, body: 'busy' }, 'answered 503'],
    ['a result of another shape', { body: '{"result":{"a":1}}' }, 'another shape'],
    ['no result at all', { body: '{}' }, 'another shape'],
    ['a redirect', { status: 302, body: '' }, 'no answer'],
  ] as const)('fails with a reason for %s', async (_, answer, reason) => {
    await using server = await serve(() => answer)
    const fault = await faultOf(createRpc(server).call('eth_call', [], text))
    expect(fault).toBeInstanceOf(RpcError)
    expect(String(fault)).toContain(reason)
  })

  it('reads no more of an answer than its bound', async () => {
    await using server = await serve(() => ({ body: JSON.stringify({ result: 'x'.repeat(MAX_RPC_ANSWER_BYTES) }) }))
    const fault = await faultOf(createRpc(server).call('eth_getLogs', [], text))
    expect(fault).toBeInstanceOf(RpcAnswerTooLong)
    expect(String(fault)).toContain(`longer than ${MAX_RPC_ANSWER_BYTES} bytes`)
  })

  it('waits no longer than its bound', async () => {
    await using server = await serve(() => ({ body: undefined }))
    await expect(createRpc({ url: server.url, timeout_ms: 50 }).call('eth_call', [], text)).rejects.toThrow('no answer to eth_call')
  })

  it('names the host in its faults, and nothing else of the URL', async () => {
    await using server = await serve(() => ({ body: 'nonsense' }))
    const gone = `http://canary:SECRET@127.0.0.1:1/SECRET`
    for (const url of [server.url, gone]) {
      const fault = await faultOf(createRpc({ url }).call('eth_call', [], text))
      expect(inspect(fault, { depth: 10 })).toContain('127.0.0.1:')
      expect(inspect(fault, { depth: 10 })).not.toMatch(/SECRET|canary/)
    }
    expect(() => createRpc({ url: 'SECRET' })).toThrow('not a URL')
  })

  it('lets only its own fault out, whatever comes', async () => {
    let body = ''
    await using server = await serve(() => ({ body }))
    const rpc = createRpc(server)
    const holds = fc.asyncProperty(fc.oneof(fc.json(), anyText()), async (drawn) => {
      body = drawn
      const fault = await faultOf(rpc.call('eth_call', [], text))
      if (fault !== undefined) expect(fault).toBeInstanceOf(RpcError)
    })
    await fc.assert(holds, { numRuns: 100 })
  })
})
