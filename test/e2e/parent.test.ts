import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openAuthority } from '../../src/proxy/authority.ts'
import { dataFolder } from '../proxy/data-folder.ts'
import { startParent } from '../proxy/parent-rig.ts'
import { challengeOf } from '../testnet/wire.ts'
import { run } from './agents.ts'
import { openConfig, startPurser } from './purser.ts'

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'

/** Sells something for a payment header. Its name is known to the parent alone. */
async function startShop(): Promise<{ port: number; caFile: string }> {
  const authority = await openAuthority({ dataDir: await dataFolder(), clock: systemClock })
  const context = await authority.contextFor('shop.example')
  const { status, headers, body } = challengeOf(2, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: 'https://shop.example/' })
  const server = createServer({ SNICallback: (_, done) => done(null, context) }, (request, response) => {
    if (request.headers['payment-signature']) response.end('sold')
    else response.writeHead(status, [...headers]).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, caFile: authority.certFile }
}

describe('behind a parent proxy', () => {
  it('a payment and our own questions go through it, and the start says so', async () => {
    const [shop, parent] = [await startShop(), await startParent({ authorization: `Basic ${btoa('pur:ser')}` })]
    const config = openConfig([shop.caFile])
    const secret = join(await dataFolder(), 'secret')
    await writeFile(secret, 'ser', { mode: 0o600 })
    const roles = [{ claim: 'email', value: 'anna@example.com', role: 'approver' }]
    const way = { url: `http://127.0.0.1:${parent.port}`, user: 'pur', password: `file:${secret}` }
    await using purser = await startPurser({
      ...config,
      proxy: { ...(config.proxy as object), connectPorts: [shop.port], parent: way },
      recipients: { verified: [{ host: 'shop.example' }] },
      admin: {
        listen: '127.0.0.1:0',
        oidc: { issuer: 'https://login.example', clientId: 'purser', clientSecret: `file:${secret}`, roles },
      },
      networks: [{ id: 'base-sepolia', rpc: 'http://rpc.example:8545/' }],
    })
    expect(purser.app.warnings.join()).toContain(`through the parent proxy ${way.url} (proxy.parent)`)
    const { proxyUrl } = await purser.openSession()
    const said = await run('curl', ['-sS', '-x', proxyUrl, '--cacert', purser.app.caFile, `https://shop.example:${shop.port}/x`])
    expect(said).toMatchObject({ stdout: 'sold' })
    expect(parent.asked).toContain(`CONNECT shop.example:${shop.port}`)
    expect(parent.asked).toContain('POST http://rpc.example:8545/')
    await fetch(`${purser.app.adminUrl}/console/oidc`, { redirect: 'manual' })
    expect(parent.asked).toContain('CONNECT login.example:443')
    expect(parent.tunnelled()).not.toMatch(/payment/i)
  })
})
