import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import { CA_LIFETIME_MS, LEAF_BACKDATE_MS, LEAF_LIFETIME_MS } from '../../src/limits.ts'
import { createLeafSigner, makeCaCertificate } from '../../src/proxy/certificates.ts'
import { isBoundTo, NAME_CONSTRAINTS_OID, nameConstraints } from '../../src/proxy/name-constraints.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

async function authority(permitted?: string[]) {
  const caKey = newKey()
  const leafKey = newKey()
  const caPem = await makeCaCertificate({ key: caKey, now: NOW, ...(permitted && { permitted }) })
  return { caKey, caPem, leafKey, signer: await createLeafSigner({ caPem, caKey, leafKey }) }
}

describe('the authority’s certificate', () => {
  it('can sign leaves and nothing deeper, and lasts from an hour ago', async () => {
    const { caKey, caPem } = await authority()
    const certificate = new X509Certificate(caPem)
    expect(certificate.subject).toMatch(/^CN=Purser local CA [0-9a-f]{8}$/)
    expect(certificate.ca).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.checkPrivateKey(caKey)).toBe(true)
    expect(certificate.validFromDate.getTime()).toBe(NOW - LEAF_BACKDATE_MS)
    expect(certificate.validToDate.getTime()).toBe(NOW + CA_LIFETIME_MS)
    const basicConstraints = Buffer.from('30120603551d130101ff040830060101ff020100', 'hex')
    expect(certificate.raw.includes(basicConstraints), 'critical basicConstraints with path length 0').toBe(true)
  })

  it('carries critical constraints: no address, and only the permitted names', async () => {
    for (const permitted of [undefined, ['a.example'], ['a.example', 'b.example']]) {
      const { caPem } = await authority(permitted)
      const extension = new x509.X509Certificate(caPem).getExtension(NAME_CONSTRAINTS_OID)
      expect([extension?.critical, extension && Buffer.from(extension.value)]).toEqual([true, nameConstraints(permitted)])
      const bounds = [undefined, ['a.example'], ['a.example', 'b.example']]
      const isBound = bounds.map((names) => isBoundTo(new X509Certificate(caPem), names))
      expect(isBound).toEqual(bounds.map((names) => names?.length === permitted?.length))
    }
  })

  it('has another name for another key', async () => {
    const names = await Promise.all([authority(), authority()])
    expect(new Set(names.map(({ caPem }) => new X509Certificate(caPem).subject)).size).toBe(2)
  })
})

describe('a leaf', () => {
  it('is for one DNS name, for servers only, and short-lived', async () => {
    const { caPem, leafKey, signer } = await authority()
    const leaf = await signer.sign('api.example.com', NOW)
    const certificate = new X509Certificate(leaf.pem)
    expect(certificate.subjectAltName).toBe('DNS:api.example.com')
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.ca).toBe(false)
    expect(certificate.checkPrivateKey(leafKey)).toBe(true)
    expect(certificate.checkIssued(new X509Certificate(caPem))).toBe(true)
    expect(certificate.verify(new X509Certificate(caPem).publicKey)).toBe(true)
    expect(certificate.validFromDate.getTime()).toBe(leaf.notBefore)
    expect(leaf.notBefore).toBe(NOW - LEAF_BACKDATE_MS)
    expect(leaf.notAfter).toBe(leaf.notBefore + LEAF_LIFETIME_MS)
  })

  it('has a serial number of its own', async () => {
    const { signer } = await authority()
    const leaves = await Promise.all(['a.example', 'a.example'].map((host) => signer.sign(host, NOW)))
    expect(new Set(leaves.map(({ pem }) => new X509Certificate(pem).serialNumber)).size).toBe(2)
  })

  it('never outlives the authority', async () => {
    const { caPem, signer } = await authority()
    const end = new X509Certificate(caPem).validToDate.getTime()
    expect((await signer.sign('late.example', end - 1_000)).notAfter).toBe(end)
  })

  it('is signed for a name longer than a common name may be', async () => {
    const { signer } = await authority()
    const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    expect(new X509Certificate((await signer.sign(host, NOW)).pem).checkHost(host)).toBe(host)
  })
})
