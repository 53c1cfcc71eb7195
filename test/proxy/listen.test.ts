import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConfig, type RunningPurser, startPurser } from '../e2e/purser.ts'
import { challengeOf } from '../testnet/wire.ts'

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'

let upstream: Server
let held: PromiseWithResolvers<void>
let release: PromiseWithResolvers<void>
let purser: RunningPurser

beforeAll(async () => {
  held = Promise.withResolvers()
  release = Promise.withResolvers()
  upstream = createServer(async (_, response) => {
    held.resolve()
    await release.promise
    response.end('late but whole')
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  const config = openConfig()
  const routes = [{ prefix: '/slow/', upstream: `http://127.0.0.1:${port}/` }]
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes } })
})
afterAll(() => void upstream.close())

describe('stopping', () => {
  it('a drain takes no new connections and lets what runs end whole', async () => {
    const session = await purser.openSession()
    const running = fetch(`${purser.app.proxyUrl}/slow/`, { headers: { 'purser-session': session.token } })
    await held.promise
    const drained = purser.app.drain()
    await expect(fetch(`${purser.app.proxyUrl}/slow/`)).rejects.toThrow()
    release.resolve()
    expect(await (await running).text()).toBe('late but whole')
    await drained
    await purser[Symbol.asyncDispose]()
  })

  it('what still runs at the end is broken off: a payment without an answer is concluded as unknown, and nothing waits for the upstream', async () => {
    const out = Promise.withResolvers<void>()
    const { status, headers, body } = challengeOf(2, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: 'http://localhost/' })
    const silent = createServer((request, response) => {
      if (request.headers['payment-signature']) out.resolve()
      else response.writeHead(status, [...headers]).end(body)
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const config = openConfig()
    const routes = [{ prefix: '/silent/', upstream: `http://127.0.0.1:${port}/` }]
    const stopping = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes } })
    const session = await stopping.openSession()
    const broken = expect(fetch(`${stopping.app.proxyUrl}/silent/`, { headers: { 'purser-session': session.token } })).rejects.toThrow()
    await out.promise
    await stopping[Symbol.asyncDispose]()
    await broken
    silent.closeAllConnections()
    silent.close()
    expect(stopping.log.map((line) => JSON.parse(line))).toContainEqual(expect.objectContaining({ code: 'payment_unknown' }))
  })
})
