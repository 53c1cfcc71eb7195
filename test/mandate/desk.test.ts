import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openMandateDesk } from '../../src/mandate/desk.ts'
import { claimsAt, ISSUER, issue, keySet, newKey } from './issuer.ts'

const folder = await mkdtemp(join(tmpdir(), 'purser-desk-'))
afterAll(() => rm(folder, { recursive: true }))
const issuer = await newKey()

async function desk(text: string) {
  const keys = join(folder, 'keys.json')
  await writeFile(keys, text)
  return openMandateDesk({
    audience: 'purser',
    issuers: [{ issuer: ISSUER, keys, unsafeIgnoreReference: false }],
    secret: new Uint8Array(32),
  })
}

describe('the desk', () => {
  it('reads mandates of the issuers whose keys it has', async () => {
    const { read, audience } = await desk(JSON.stringify(keySet(issuer)))
    expect(audience).toBe('purser')
    expect(await read(await issue(issuer, claimsAt(Date.now())), Date.now())).toMatchObject({ issuer: ISSUER })
  })

  it.each([
    ['no JSON', 'keys'],
    ['no keys', '{"keys":[]}'],
    ['a shared secret', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'],
    ['a private key', '{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"secret"}]}'],
  ])('does not open with a file that holds %s, and never shows it', async (_, text) => {
    await expect(desk(text)).rejects.toThrow('holds no JWK set of public EC or OKP keys')
  })
})
