import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConfig, type RunningPurser, startPurser } from '../e2e/purser.ts'

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
})
