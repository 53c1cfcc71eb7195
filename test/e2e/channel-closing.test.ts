/** A session pays through a channel at the official server, is closed, and what it did not use is its wallet's again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, startChain } from '../testnet/chain.ts'
import { CHANNEL_PRICE, type ChannelServer, startChannelServer } from '../testnet/channels.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

const FUNDS = 1_000_000n
let folder: string
let chain: Chain
let server: ChannelServer
let purser: RunningPurser
beforeAll(async () => {
  const tls = makeTestTls()
  chain = await startChain()
  server = await startChannelServer(chain, tls)
  folder = await mkdtemp(join(tmpdir(), 'purser-channel-'))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, tls.ca)
  const config = openConfig([caFile])
  purser = await startPurser({
    ...config,
    networks: [{ id: 'base-sepolia', rpc: chain.rpcUrl, finalityBlocks: 0 }],
    channels: { deposit: '0.05', maxDeposit: '0.10' },
    proxy: { ...(config.proxy as object), routes: [{ prefix: '/shop/', upstream: `${server.httpsUrl}/` }] },
  })
  await chain.fund(`0x${purser.app.walletAddress.slice(2)}`, FUNDS)
})
afterAll(async () => {
  for (const one of [purser, server, chain]) await one?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

it('many requests, one deposit, and the rest back when the session is closed', async () => {
  const session = await purser.openSession()
  for (let i = 0; i < 5; i++) {
    const answer = await fetch(`${purser.app.proxyUrl}/shop/tick`, { headers: { 'purser-session': session.token } })
    expect(answer.status).toBe(200)
  }
  const shown = () => purser.admin<{ spent: string; channels: Record<string, string>[] }>(`/v1/sessions/${session.id}`)
  expect(await shown()).toMatchObject({ spent: '0.05', channels: [{ state: 'open', deposited: '0.05', charged: '0.005' }] })
  await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
  await purser.admin(`/v1/sessions/${session.id}/close`, { method: 'POST', body: '{}' })
  await vi.waitFor(async () => expect((await shown()).channels[0]?.state).toBe('closed'))
  expect(await shown()).toMatchObject({ spent: '0.005', held: '0.00', channels: [{ charged: '0.005', returned: '0.045' }] })
  expect(await chain.balanceOf(`0x${purser.app.walletAddress.slice(2)}`)).toBe(FUNDS - 5n * CHANNEL_PRICE)
  expect(purser.log.some((line) => line.includes('"step":"closed"') && line.includes(session.id))).toBe(true)
})
