import { request as httpsRequest } from 'node:https'
import { describe, expect, it } from 'vitest'
import type { IdentityDoor } from '../../src/proxy/agent-door.ts'
import { alternativeNames, presentedIn } from '../../src/proxy/presented.ts'
import { clientCertificate } from '../identity/client-certificate.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { startProxy } from './exchange-rig.ts'

describe('what a request presents', () => {
  it('is the token of either header, once', () => {
    expect(presentedIn(['Proxy-Authorization', 'Bearer a.b.c'], undefined)).toEqual({ token: 'a.b.c' })
    expect(presentedIn(['Purser-Identity', 'a.b.c', 'proxy-authorization', 'bearer a.b.c'], undefined)).toEqual({ token: 'a.b.c' })
    expect(presentedIn(['Proxy-Authorization', 'Basic eDp5'], undefined)).toEqual({})
  })

  it('is refused where it says two things', () => {
    expect(presentedIn(['Purser-Identity', 'a.b.c', 'Proxy-Authorization', 'Bearer a.b.d'], undefined)).toMatchObject({
      code: 'request_invalid',
    })
    expect(presentedIn(['Purser-Identity', 'x'.repeat(9_000)], undefined)).toMatchObject({ code: 'request_invalid' })
  })

  it('reads the names of a certificate, URIs first, and none that could be read as several', () => {
    expect(alternativeNames('DNS:a.example, URI:spiffe://example.org/a, IP Address:10.0.0.1')).toEqual([
      'spiffe://example.org/a',
      'a.example',
    ])
    expect(alternativeNames('URI:"spiffe://example.org/a, URI:spiffe://example.org/b"')).toEqual([])
    expect(alternativeNames('')).toEqual([])
  })
})

const SVID = 'spiffe://example.org/ns/research/sa/planner'

/** What the door is told, asked over TLS with this certificate or none. */
async function toldOver(client: { cert?: string; key?: string }, clientCa: string | undefined): Promise<unknown> {
  const tls = makeTestTls()
  const identityDoor: IdentityDoor = async (presented) => Response.json(presented)
  const rig = await startProxy({ tls: { ...tls, ...(clientCa === undefined ? {} : { clientCa }) }, identityDoor })
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(
      {
        ...{ host: '127.0.0.1', port: rig.port, ca: tls.ca, servername: 'localhost', method: 'POST', agent: false, ...client },
        path: 'http://purser.internal/v1/session/credentials',
        headers: { host: 'purser.internal' },
      },
      async (answer) => {
        const chunks: Buffer[] = []
        for await (const chunk of answer) chunks.push(Buffer.from(chunk))
        resolve(JSON.parse(Buffer.concat(chunks).toString()))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

describe('a client certificate', () => {
  it('tells the names that the listener’s clientCa vouches for', async () => {
    const { ca, ...client } = await clientCertificate(SVID)
    expect(await toldOver(client, ca)).toEqual({ certificate: [SVID] })
  })

  it('of another authority proves nothing, nor does any where none is asked for', async () => {
    const [{ ca }, { ca: _, ...stranger }] = [await clientCertificate(SVID), await clientCertificate(SVID)]
    expect(await toldOver(stranger, ca)).toEqual({})
    expect(await toldOver({}, ca)).toEqual({})
    expect(await toldOver(stranger, undefined)).toEqual({})
  })
})
