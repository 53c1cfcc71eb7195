import { statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { close, listen } from '../testnet/doors.ts'
import { signalAt, spawnPurser, writeConfig } from './running-purser.ts'

describe('serve', () => {
  it('says where it listens and what belongs to it, and ends with 0 after SIGTERM', async () => {
    const { folder, configFile } = await writeConfig()
    const { code, out, err } = await spawnPurser(['serve', '--config', configFile], {
      seen: signalAt(/Ready\./, 'SIGTERM'),
    })
    expect(code).toBe(0)
    expect(out).toMatch(/^Proxy +http:\/\/127\.0\.0\.1:\d+\/?$/m)
    expect(out).toMatch(/^Admin +http:\/\/127\.0\.0\.1:\d+\/?$/m)
    expect(out).toMatch(/^Wallet +0x[0-9a-fA-F]{40}$/m)
    expect(out).toContain(join(folder, 'data', 'ca.pem'))
    expect(out).toContain(join(folder, 'data', 'admin.token'))
    expect(err).toContain('Stopping: what was signed is concluded first.')
    expect(statSync(join(folder, 'data', 'admin.token')).mode & 0o777).toBe(0o600)
    expect(out).not.toContain((await readFile(join(folder, 'data', 'admin.token'), 'utf8')).trim())
  })

  it('an older copy of the ledger is taken only by whoever says so', async () => {
    const { folder, configFile } = await writeConfig()
    const start = (...flags: string[]) =>
      spawnPurser(['serve', '--config', configFile, '--json', ...flags], {
        seen: signalAt('adminUrl', 'SIGTERM'),
      })
    const data = join(folder, 'data')
    expect((await start()).code).toBe(0)
    await rm(join(data, 'purser.db.mark'))
    expect((await start()).err).not.toContain('reconcile')
    const { code, out, err } = await start('--accept-restored-ledger')
    expect(code).toBe(0)
    expect(`${out}${err}`).toContain('purser reconcile')
  })

  it('the first signal lets what runs come to its end, a second one ends the process at once', async () => {
    const proxy = {
      listen: '127.0.0.1:0',
      unsafeAllowPrivateUpstreams: ['127.0.0.0/8'],
      authenticate: false,
      defaultSession: { agent: 'a', purpose: 'p', cap: '1.00', ttl: '1h' },
    }
    const { configFile } = await writeConfig({ proxy })
    let reached = () => {}
    const silent = createServer(() => reached())
    const path = `http://127.0.0.1:${await listen(silent)}/`
    let step = 0
    const { code, err } = await spawnPurser(['serve', '--config', configFile], {
      seen: (text, kill) => {
        if (step === 0 && text.includes('Ready.')) {
          step = 1
          reached = () => kill('SIGINT')
          const port = /^Proxy +http:\/\/127\.0\.0\.1:(\d+)/m.exec(text)?.[1] ?? ''
          get({ host: '127.0.0.1', port, path, agent: false }).on('error', () => {})
        }
        if (step === 1 && text.includes('Stopping:')) {
          step = 2
          kill('SIGTERM')
        }
      },
    })
    await close(silent)
    expect(err).toContain('A second signal ends at once.')
    expect(code).toBe(143)
  }, 20_000)

  it('every problem of the configuration is said at once, with its path', async () => {
    const { configFile } = await writeConfig({ mode: 'loose', proxy: { listen: 'nowhere', surprise: 1 } })
    const { code, err } = await spawnPurser(['serve', '--config', configFile])
    expect(code).toBe(1)
    expect(err).toContain(configFile)
    for (const path of ['mode', 'proxy.listen', 'surprise']) expect(err).toContain(path)
    expect(err).not.toMatch(/^\s+at /m)
  })

  it('does not start with a door beyond loopback that gives money or tokens away', async () => {
    const [shared, tls] = [
      { authenticate: false, defaultSession: { cap: '5.00', ttl: '24h' } },
      { cert: 'c.pem', key: 'k.pem' },
    ]
    const [clear, open] = ['listens beyond loopback without TLS', 'false is for listeners on loopback only']
    const doors = [
      [{ proxy: { listen: '0.0.0.0:0' } }, clear],
      [{ proxy: { listen: '[::]:0' } }, clear],
      [{ admin: { listen: '0.0.0.0:0' } }, clear],
      [{ proxy: { listen: '0.0.0.0:0', unsafePlainListener: true, ...shared } }, open],
      [{ proxy: { listen: '0.0.0.0:0', serverTls: tls, ...shared } }, open],
    ] as const
    const said = await Promise.all(
      doors.map(async ([more, why]) => {
        const { configFile } = await writeConfig(more)
        const { code, out, err } = await spawnPurser(['serve', '--config', configFile], {
          seen: signalAt(/^(Ready|Started)\./m, 'SIGTERM'),
        })
        return [code, out, err.includes(why)]
      }),
    )
    expect(said).toEqual(doors.map(() => [1, '', true]))
  }, 20_000)

  it('a configuration that is not there is named', async () => {
    const { code, err } = await spawnPurser(['serve', '--config', '/nowhere/purser.yaml'])
    expect(code).toBe(1)
    expect(err).toContain('/nowhere/purser.yaml')
  })

  it('with --json says the same in one value', async () => {
    const { configFile } = await writeConfig()
    const { code, out } = await spawnPurser(['serve', '--json', '--config', configFile], {
      seen: signalAt('walletAddress', 'SIGINT'),
    })
    expect(code).toBe(0)
    expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({
      proxyUrl: expect.any(String),
      adminUrl: expect.any(String),
      config: configFile,
    })
  })
})
