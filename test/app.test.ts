import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startApp } from '../src/app.ts'
import { loadConfig } from '../src/config/load.ts'
import { curl, has, run } from './e2e/agents.ts'
import { openConfig, type RunningPurser, startPurser } from './e2e/purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser(openConfig())
})
afterAll(() => purser?.[Symbol.asyncDispose]())

describe('the app', () => {
  it('makes its secrets at the first start, each readable by its owner only', async () => {
    for (const name of ['admin.token', 'wallet.key', 'nonce.key', 'token.key', 'ca.key', 'purser.db']) {
      expect((await stat(join(purser.dataDir, name))).mode & 0o777, name).toBe(0o600)
    }
    expect((await stat(purser.dataDir)).mode & 0o777).toBe(0o700)
  })

  it('is alive, ready, and shows its metrics without a token', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await fetch(purser.app.adminUrl + path)).status, path).toBe(200)
    expect(await (await fetch(`${purser.app.adminUrl}/metrics`)).text()).toContain('purser_exposure_usd 0')
  })

  it('G10: neither token, key nor secret of the data folder is in its log, metrics or answers', async () => {
    const session = await purser.openSession()
    await fetch(`${purser.app.proxyUrl}/nothing/here`, { headers: { 'purser-session': session.token } })
    const said = [...purser.log, await purser.text('/metrics'), await purser.text('/v1/sessions'), await purser.text('/v1/receipts')].join(
      '\n',
    )
    const secrets = [session.token, purser.adminToken]
    for (const name of ['wallet.key', 'nonce.key', 'token.key']) secrets.push((await readFile(join(purser.dataDir, name), 'utf8')).trim())
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20)
      expect(said).not.toContain(secret)
    }
  })

  it('G6: an agent’s token opens nothing on the admin door, and the admin’s token opens no proxy', async () => {
    const session = await purser.openSession()
    const asAgent = await fetch(`${purser.app.adminUrl}/v1/sessions`, { headers: { authorization: `Bearer ${session.token}` } })
    expect(asAgent.status).toBe(401)
    const asAdmin = await fetch(`${purser.app.proxyUrl}/.purser/v1/session`, { headers: { 'purser-session': purser.adminToken } })
    expect(asAdmin.status).toBe(401)
  })

  it('G11: none of its own doors can be reached through the proxy', async ({ skip }) => {
    skip(!has('curl'), 'curl is not on this machine')
    const session = await purser.openSession()
    for (const door of [purser.app.adminUrl, purser.app.proxyUrl]) {
      const got = await curl({ url: `${door}/healthz`, proxyUrl: session.proxyUrl, caFile: purser.app.caFile })
      expect(got.status).toBe(403)
      expect(got.body).toContain('destination_not_allowed')
    }
  })

  it('the agent’s own door answers for the caller through the proxy, and on reverse routes', async ({ skip }) => {
    skip(!has('curl'), 'curl is not on this machine')
    const session = await purser.openSession({ cap: '3' })
    const through = await run('curl', ['--silent', '--proxy', session.proxyUrl, 'http://purser.internal/v1/session'])
    expect(JSON.parse(through.stdout)).toMatchObject({ id: session.id, remaining: '3.00' })
    const beside = await fetch(`${purser.app.proxyUrl}/.purser/v1/session`, { headers: { 'purser-session': session.token } })
    expect(await beside.json()).toMatchObject({ id: session.id, cap: '3.00' })
  })

  it('a revocation holds from the next request on', async () => {
    const session = await purser.openSession()
    await purser.admin(`/v1/sessions/${session.id}/revoke`, { method: 'POST' })
    const answer = await fetch(`${purser.app.proxyUrl}/.purser/v1/session`, { headers: { 'purser-session': session.token } })
    expect(await answer.json()).toMatchObject({ code: 'session_revoked' })
  })

  it('a revocation ends a stream that is running', async () => {
    const upstream = createServer((_, response) => void response.write('data: first\n\n')).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const { port } = upstream.address() as AddressInfo
    const proxy = { ...(openConfig().proxy as object), routes: [{ prefix: '/stream/', upstream: `http://127.0.0.1:${port}/` }] }
    await using own = await startPurser({ ...openConfig(), proxy })
    const session = await own.openSession()
    const answer = await fetch(`${own.app.proxyUrl}/stream/`, { headers: { 'purser-session': session.token } })
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: first\n\n')
    await own.admin(`/v1/sessions/${session.id}/revoke`, { method: 'POST' })
    await expect(reader?.read()).rejects.toThrow()
    upstream.close()
  })

  it('R10: the default session is one durable row that a restart resumes and never refills', async () => {
    const folder = purser.dataDir.replace(/data$/, 'sidecar')
    const file = join(folder, '..', 'sidecar.yaml')
    const { writeFile } = await import('node:fs/promises')
    const proxy = { listen: '127.0.0.1:0', authenticate: false, defaultSession: { agent: 'pod', cap: '2.00', ttl: '1h' } }
    await writeFile(file, JSON.stringify({ dataDir: './sidecar', proxy, admin: { listen: '127.0.0.1:0' } }))
    const ids: unknown[] = []
    for (let start = 1; start <= 2; start++) {
      await using app = await startApp(await loadConfig({ file, env: {} }), { logLevel: 'silent' })
      const answer = (await (await fetch(`${app.proxyUrl}/.purser/v1/session`)).json()) as Record<string, unknown>
      expect(answer).toMatchObject({ agent: 'pod', cap: '2.00' })
      ids.push(answer.id)
      await app.drain()
    }
    expect(ids[0]).toBe(ids[1])
  })

  it('the example configurations of config/ start as they are, apart from their ports and folder', async () => {
    const names = (await readdir(join(import.meta.dirname, '../config'))).filter((name) => name.endsWith('.yaml'))
    expect(names).toContain('purser.yaml')
    for (const name of names) {
      const text = await readFile(join(import.meta.dirname, '../config', name), 'utf8')
      const example = parse(text) as Record<string, Record<string, unknown>>
      const listen = '127.0.0.1:0'
      await using running = await startPurser({ ...example, proxy: { ...example.proxy, listen }, admin: { listen }, dataDir: './data' })
      expect((await fetch(`${running.app.adminUrl}/readyz`)).status, name).toBe(200)
    }
  })
})
