import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../../src/identity/outward.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { serve } from './issuer.ts'

describe('asking an issuer', () => {
  it('follows no redirect: the answer of another place is not the issuer’s', async () => {
    const elsewhere = await serve(() => ({ status: 200, body: '{}' }))
    const issuer = createHttpServer((_, response) => response.writeHead(302, { location: elsewhere.url }).end())
    issuer.listen(0, '127.0.0.1')
    await once(issuer, 'listening')
    onTestFinished(() => void issuer.close())
    await expect(ask({ url: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/` })).rejects.toThrow()
    expect(elsewhere.heard).toEqual([])
  })

  it('reads a bounded answer only', async () => {
    const { url } = await serve(() => ({ status: 200, body: 'x'.repeat(300 * 1024) }))
    await expect(ask({ url })).rejects.toThrow()
  })

  it('trusts the roots that are given, and no others then', async () => {
    const tls = makeTestTls()
    const server = createServer({ cert: tls.cert, key: tls.key }, (_, response) => response.end('{}'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const folder = await mkdtemp(join(tmpdir(), 'purser-outward-'))
    onTestFinished(async () => {
      server.close()
      await rm(folder, { recursive: true })
    })
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, tls.ca)
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    const otherFile = join(folder, 'other.pem')
    await writeFile(otherFile, makeTestTls().ca)
    expect((await ask({ url, caFile })).status).toBe(200)
    await expect(ask({ url, caFile: otherFile })).rejects.toThrow()
    await expect(ask({ url })).rejects.toThrow()
  })
})
