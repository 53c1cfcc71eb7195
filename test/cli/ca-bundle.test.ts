import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { caFileOf, existingCaOf, readCa, writeBundle } from '../../src/cli/ca-bundle.ts'
import { makeTestTls } from '../testnet/certificates.ts'

async function folderWithCa(): Promise<{ dataDir: string; caFile: string; pem: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-bundle-'))
  const caFile = join(dataDir, 'ca.pem')
  const pem = makeTestTls().ca
  await writeFile(caFile, pem)
  return { dataDir, caFile, pem }
}

it('the authority is the configured one, else that of the data folder', () => {
  expect(caFileOf({ dataDir: '/data', keys: {} })).toBe('/data/ca.pem')
  const keys = { ca: { cert: '/keys/own.pem', key: { kind: 'env', name: 'CA' } as const } }
  expect(caFileOf({ dataDir: '/data', keys })).toBe('/keys/own.pem')
  expect(() => existingCaOf({ dataDir: '/nowhere', keys })).toThrow('There is no authority at /keys/own.pem yet.')
})

describe('ca bundle', () => {
  it('holds every usual root and the local authority, each once and readable', async () => {
    const { dataDir, caFile, pem } = await folderWithCa()
    const bundle = await writeBundle({ dataDir, caFile })
    const blocks = (await readFile(bundle, 'utf8')).match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
    expect(bundle).toBe(join(dataDir, 'ca-bundle.pem'))
    expect(blocks.length).toBeGreaterThan(rootCertificates.length)
    expect(new Set(blocks).size).toBe(blocks.length)
    expect(blocks.at(-1)).toBe(pem.trim())
    for (const block of blocks) expect(new X509Certificate(block).subject).toBeTypeOf('string')
  })

  it('goes into a temporary folder where the data folder cannot be written', async () => {
    const { caFile } = await folderWithCa()
    const bundle = await writeBundle({ dataDir: '/nowhere/at/all', caFile })
    expect(bundle.startsWith(tmpdir())).toBe(true)
    expect(await readFile(bundle, 'utf8')).toContain('BEGIN CERTIFICATE')
  })

  it('reads what a person compares before trusting it', async () => {
    const { caFile, pem } = await folderWithCa()
    expect(await readCa(caFile)).toMatchObject({ file: caFile, fingerprint: new X509Certificate(pem).fingerprint256 })
  })
})
