import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quote } from '../../src/cli/ca.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type RunningPurser, runHere, startPurser, writeConfig } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

describe('ca', () => {
  it('show names the file and the fingerprint that a person compares', async () => {
    const { code, out } = await purser.run('ca', 'show', '--config', purser.configFile)
    expect(code).toBe(0)
    expect(out).toContain(purser.app.caFile)
    expect(out).toMatch(/SHA-256 +([0-9A-F]{2}:){31}[0-9A-F]{2}/)
  })

  it('a shell that takes the lines of env trusts usual roots and the authority', async () => {
    const { out } = await purser.run('ca', 'env', '--config', purser.configFile)
    const bundle = execFileSync('/bin/sh', ['-c', 'eval "$LINES_OF_ENV"; cat "$SSL_CERT_FILE"'], {
      env: { PATH: process.env.PATH, LINES_OF_ENV: out },
    }).toString()
    expect(bundle).toContain((await readFile(purser.app.caFile, 'utf8')).trim())
    expect(out).toMatch(/^export NODE_EXTRA_CA_CERTS=\S+ca\.pem$/m)
  })

  it('where there is no authority yet, says what creates it', async () => {
    const { configFile } = await writeConfig()
    const { code, err } = await runHere(['ca', 'show', '--config', configFile])
    expect(code).toBe(1)
    expect(err).toContain('The first `purser serve` or `purser exec` creates it.')
  })

  it('a configured authority is the one that is shown and trusted, by every command', async () => {
    const { folder, configFile } = await writeConfig({ keys: { ca: { cert: './own.pem', key: 'file:./own.key' } } })
    const missing = await runHere(['ca', 'show', '--config', configFile])
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('keys.ca.cert names it: put it there.')])
    const { ca } = makeTestTls()
    await mkdir(join(folder, 'data'))
    await writeFile(join(folder, 'own.pem'), ca)
    await writeFile(join(folder, 'data', 'ca.pem'), await readFile(purser.app.caFile))
    const { out } = await runHere(['ca', 'show', '--config', configFile])
    expect(out).toContain(new X509Certificate(ca).fingerprint256)
    expect((await runHere(['ca', 'env', '--config', configFile])).out).toContain(`export NODE_EXTRA_CA_CERTS=${join(folder, 'own.pem')}\n`)
    expect(await readFile(join(folder, 'data', 'ca-bundle.pem'), 'utf8')).toContain(ca.trim())
    const installed = await runHere(['install', '--trust-only', '--dry-run', '--config', configFile], { HOME: folder })
    expect(installed.out).toContain(join(folder, 'own.pem'))
  })

  it.each(['/a b/c', "/it's", '/$HOME/`x`'])('the path %j survives a shell', (path) => {
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${quote(path)}`]).toString()).toBe(path)
  })

  it('plain paths stay readable', () => {
    expect(quote(join('/data', 'ca.pem'))).toBe('/data/ca.pem')
  })
})
