import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { probe, TOOLS, versionOf } from '../../src/cli/doctor-tools.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { close, listen } from '../testnet/doors.ts'

const tls = makeTestTls()
const plain = createServer((_, response) => void response.writeHead(403).end('no'))
const secure = createTlsServer({ key: tls.key, cert: tls.cert }, (_, response) => void response.end('yes'))
let [url, httpsUrl] = ['', '']

beforeAll(async () => {
  url = `http://127.0.0.1:${await listen(plain)}/`
  httpsUrl = `https://localhost:${await listen(secure)}/`
})
afterAll(() => Promise.all([close(plain), close(secure)]))

const env = { PATH: process.env.PATH, HOME: process.env.HOME }

describe.each(TOOLS.map((tool) => [tool.name, tool] as const))('doctor runs %s for real', (_, tool) => {
  it('an answer of any status counts as one', async (ctx) => {
    if ((await versionOf(tool, env)) === undefined) return ctx.skip(`${tool.name} is not installed`)
    expect(await probe(tool, url, env)).toEqual({ kind: 'answered', status: 403 })
  })

  it('a certificate of an authority that it does not trust fails with its own words', async (ctx) => {
    if ((await versionOf(tool, env)) === undefined) return ctx.skip(`${tool.name} is not installed`)
    const result = await probe(tool, httpsUrl, env)
    expect(result).toMatchObject({
      kind: 'failed',
      why: expect.stringMatching(/certificate|self-signed|unknown authority|unable to verify/i),
    })
  })
})

describe('doctor tools', () => {
  it('a tool that is not installed is missing, not broken', async () => {
    const [tool] = TOOLS
    if (!tool) throw new Error('there are tools')
    const absent = { ...tool, file: 'no-such-tool-here' }
    expect(await versionOf(absent, env)).toBeUndefined()
    expect(await probe(absent, url, env)).toEqual({ kind: 'missing' })
  })
})
