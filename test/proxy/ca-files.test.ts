import { X509Certificate } from 'node:crypto'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CA_LIFETIME_MS } from '../../src/limits.ts'
import { openCaFiles } from '../../src/proxy/ca-files.ts'
import { isBoundTo } from '../../src/proxy/name-constraints.ts'
import { dataFolder } from './data-folder.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')

describe('the authority on disk', () => {
  it('is made at the first start: the key for its owner only, the certificate for everyone', async () => {
    const dataDir = join(await dataFolder(), 'new')
    const made = await openCaFiles({ dataDir, now: NOW })
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dataDir, 'ca.key'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(dataDir, 'ca.pem'))).mode & 0o777).toBe(0o644)
    expect(made.certFile).toBe(join(dataDir, 'ca.pem'))
    expect(await readFile(made.certFile, 'utf8')).toBe(made.certPem)
    expect((await readdir(dataDir)).sort()).toEqual(['ca.key', 'ca.pem'])
  })

  it('is the same after a restart', async () => {
    const dataDir = await dataFolder()
    const first = await openCaFiles({ dataDir, now: NOW })
    const second = await openCaFiles({ dataDir, now: NOW + 86_400_000 })
    expect(second.certPem).toBe(first.certPem)
    expect(second.key.equals(first.key)).toBe(true)
  })

  it.each([0o640, 0o604, 0o644, 0o660])('refuses to start with a key of mode %o, and says how to mend it', async (mode) => {
    const dataDir = await dataFolder()
    await openCaFiles({ dataDir, now: NOW })
    const file = join(dataDir, 'ca.key')
    await chmod(file, mode)
    await expect(openCaFiles({ dataDir, now: NOW })).rejects.toThrow(`${file} can be read by others. Run: chmod 600 '${file}'`)
  })

  it.each(['', 'not a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])('refuses a broken key: %j', async (text) => {
    const dataDir = await dataFolder()
    await writeFile(join(dataDir, 'ca.key'), text, { mode: 0o600 })
    await expect(openCaFiles({ dataDir, now: NOW })).rejects.toThrow('holds no P-256 private key')
  })

  it('refuses a certificate of another key, or something that is none', async () => {
    const [dataDir, other] = [await dataFolder(), await dataFolder()]
    await openCaFiles({ dataDir, now: NOW })
    const { certPem } = await openCaFiles({ dataDir: other, now: NOW })
    await writeFile(join(dataDir, 'ca.pem'), certPem)
    await expect(openCaFiles({ dataDir, now: NOW })).rejects.toThrow('does not belong to ca.key')
    await writeFile(join(dataDir, 'ca.pem'), 'nothing')
    await expect(openCaFiles({ dataDir, now: NOW })).rejects.toThrow('holds no certificate')
  })

  it('issues the certificate anew for the same key where it ends, or speaks for other names', async () => {
    const dataDir = await dataFolder()
    const first = await openCaFiles({ dataDir, now: NOW, permitted: ['a.example'] })
    const wider = await openCaFiles({ dataDir, now: NOW, permitted: ['a.example', 'b.example'] })
    expect(wider.certPem).not.toBe(first.certPem)
    expect(wider.key.equals(first.key)).toBe(true)
    expect(isBoundTo(new X509Certificate(wider.certPem), ['a.example', 'b.example'])).toBe(true)
    const later = await openCaFiles({ dataDir, now: NOW + CA_LIFETIME_MS, permitted: ['a.example', 'b.example'] })
    expect(new X509Certificate(later.certPem).validToDate.getTime()).toBe(NOW + 2 * CA_LIFETIME_MS)
    expect((await readdir(dataDir)).sort()).toEqual(['ca.key', 'ca.pem'])
  })

  it('finishes a first start that broke off after the key', async () => {
    const dataDir = await dataFolder()
    const first = await openCaFiles({ dataDir, now: NOW })
    const { unlink } = await import('node:fs/promises')
    await unlink(first.certFile)
    const second = await openCaFiles({ dataDir, now: NOW })
    expect(new X509Certificate(second.certPem).checkPrivateKey(first.key)).toBe(true)
  })
})
