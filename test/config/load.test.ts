import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, type LoadOptions, loadConfig } from '../../src/config/load.ts'
import { FOUR_TIERS } from '../policy/fixtures.ts'
import { type Folder, temporaryFolder } from './folder.ts'

let folder: Folder
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder[Symbol.asyncDispose]())

async function problems(options: LoadOptions) {
  const error = await loadConfig(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ConfigError)) throw new Error('expected a ConfigError', { cause: error })
  return error.problems
}

const read = async (yaml: string) => loadConfig({ file: await folder.write('purser.yaml', yaml), env: {} })
const problemsOf = async (yaml: string) => problems({ file: await folder.write('purser.yaml', yaml), env: {} })

describe('loadConfig', () => {
  it('takes paths from the folder of the file, and puts into the data folder what was not put elsewhere', async () => {
    const config = await read('dataDir: ./state\nproxy: { tls: { caFiles: [certs/ca.pem] } }\n')
    expect(config.dataDir).toBe(join(folder.path, 'state'))
    expect(config.ledger).toEqual({ kind: 'sqlite', file: join(folder.path, 'state/purser.db') })
    expect(config.wallet).toEqual({ kind: 'local', key: { kind: 'file', path: join(folder.path, 'state/wallet.key') } })
    expect(config.proxy.tls.caFiles).toEqual([join(folder.path, 'certs/ca.pem')])
    expect(config.warnings).toEqual([])
  })

  it('leaves where they were put the ledger and the key', async () => {
    const config = await read('ledger: "sqlite:/var/lib/p.db"\nwallet: { key: "env:WALLET_KEY" }\n')
    expect(config.ledger).toEqual({ kind: 'sqlite', file: '/var/lib/p.db' })
    expect('key' in config.wallet && config.wallet.key).toEqual({ kind: 'env', name: 'WALLET_KEY' })
  })

  it('without a file the defaults hold, and they pay nothing', async () => {
    const config = await loadConfig({ env: {} })
    expect(config).toMatchObject({ networks: [], tiers: [], mode: 'enforce', dataDir: resolve('data') })
  })

  it('an empty file is a file without settings', async () => {
    expect(await read('# nothing\n')).toMatchObject({ mode: 'enforce', tiers: [] })
  })

  it('reads PURSER_CONFIG where no file is named', async () => {
    const file = await folder.write('other.yaml', 'mode: report\n')
    const named = await folder.write('purser.yaml', 'mode: open\n')
    expect((await loadConfig({ env: { PURSER_CONFIG: file } })).mode).toBe('report')
    expect((await loadConfig({ file: named, env: { PURSER_CONFIG: file } })).mode).toBe('open')
  })

  it('reports every problem at once, each with its path', async () => {
    const found = await problemsOf('mode: off\nproxy: { listen: 4020 }\ntiers: [{ name: a, approval: maybe }]\nmood: good\n')
    expect(found.map(({ path }) => path)).toEqual(expect.arrayContaining(['mode', 'proxy.listen', 'tiers[0].approval', 'mood']))
  })

  it('the error reads as a list of path and message', async () => {
    const file = await folder.write('purser.yaml', 'mode: off\nmood: good\n')
    const lines = ['mode: write one of open, report, enforce', 'mood: there is no such setting here']
    await expect(loadConfig({ file, env: {} })).rejects.toThrow(new RegExp(lines.join('\n')))
  })

  it.each([
    ['a key given twice', 'mode: open\nmode: enforce\n', /Map keys must be unique/],
    ['broken YAML', 'mode: [open\n', /purser\.yaml: .*at line/s],
    ['an unknown tag', 'mode: !secret open\n', /Unresolved tag/],
    ['two documents', 'mode: open\n---\nmode: open\n', /multiple documents/],
    ['a bomb of aliases', bomb(), /Excessive alias count|resource exhaustion/i],
    ['a list', '- mode: open\n', /write a map with mode/],
    ['a text', 'mode\n', /write a map with mode/],
  ])('refuses %s', async (_, yaml, message) => {
    const [first] = await problemsOf(yaml)
    expect(first?.message).toMatch(message)
  })

  it('a key called __proto__ is a problem and changes nothing', async () => {
    const found = await problemsOf('__proto__: { mode: open }\nproxy: { __proto__: { authenticate: false } }\n')
    expect(found.map(({ path }) => path).sort()).toEqual(['__proto__', 'proxy.__proto__'])
    expect('mode' in {}).toBe(false)
  })

  it('says what is wrong with a file that is not there, not a file or too large', async () => {
    const missing = join(folder.path, 'none.yaml')
    expect(await problems({ file: missing, env: {} })).toEqual([{ path: '', message: `there is no file ${missing}` }])
    await mkdir(join(folder.path, 'sub'))
    expect((await problems({ file: join(folder.path, 'sub'), env: {} }))[0]?.message).toMatch(/cannot be read/)
    const large = await folder.write('large.yaml', `# ${'x'.repeat(4 * 1024 * 1024)}\n`)
    expect((await problems({ file: large, env: {} }))[0]?.message).toMatch(/larger than/)
  })

  it('takes tiers from a file of their own, as a bare list or under their key', async () => {
    const tier = '{ name: never, approval: blocked, conditions: { categories: [gambling] } }'
    await folder.write('tiers.yaml', `- ${tier}\n`)
    expect((await read('tiers: { file: tiers.yaml }\n')).tiers.map(({ name }) => name)).toEqual(['never'])
    await folder.write('tiers.yaml', `tiers: [${tier}]\n`)
    expect((await read('tiers: { file: tiers.yaml }\n')).tiers.map(({ name }) => name)).toEqual(['never'])
  })

  it('a file of tiers has no right to be missing, broken or something else', async () => {
    expect((await problemsOf('tiers: { file: none.yaml }\n'))[0]?.message).toMatch(/there is no file .*none\.yaml/)
    await folder.write('tiers.yaml', '- { name: a, approval: none }\n')
    expect((await problemsOf('tiers: { file: tiers.yaml }\n'))[0]?.path).toBe('tiers[0].conditions.maxAmount')
    await folder.write('tiers.yaml', 'mode: open\n')
    expect((await problemsOf('tiers: { file: tiers.yaml }\n'))[0]?.path).toBe('tiers')
    expect((await problemsOf('tiers: { file: tiers.yaml, more: 1 }\n'))[0]?.path).toBe('tiers')
  })

  it('reads no secret, and shows none when it is printed', async () => {
    const config = await read('wallet: { key: "0xcanary" }\napprovals: { webhooks: [{ url: "https://ops.example/", secret: canary-2 }] }\n')
    expect(config.warnings).toEqual([
      'wallet.key stands in the configuration itself. Write env:NAME or file:PATH instead.',
      'approvals.webhooks[0].secret stands in the configuration itself. Write env:NAME or file:PATH instead.',
    ])
    expect(inspect(config, { depth: 20 })).not.toContain('canary')
    expect(JSON.stringify(config, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain('canary')
  })

  it('no message repeats a secret', async () => {
    const found = await problemsOf(
      'wallet: { kind: "canary" }\ngasWallet: { key: ["canary"] }\napprovals: { webhooks: [{ url: "https://u:canary@x/", secret: 1 }] }\n',
    )
    expect(found).toHaveLength(4)
    expect(JSON.stringify(found)).not.toContain('canary')
  })

  it('lets only its own error out, whatever the file says', async () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('mode: open', 'tiers:', '  - a', '&a [*a]', '? x', '!!binary "x"', '<<: *a', '%YAML 1.1'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
        try {
          await read(lines.join('\n'))
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('the four tiers of config/tiers.yaml are read as they stand there', async () => {
    const tiers = resolve(import.meta.dirname, '../../config/tiers.yaml')
    const config = await loadConfig({ file: await folder.write('purser.yaml', `tiers: { file: ${JSON.stringify(tiers)} }\n`), env: {} })
    expect(config.tiers).toStrictEqual(FOUR_TIERS)
    expect(config.warnings).toEqual([])
  })

  it.each(['purser.yaml', 'sidecar.yaml', 'reverse.yaml'])('config/%s starts as it is, on test networks only', async (name) => {
    const config = await loadConfig({ file: resolve(import.meta.dirname, '../../config', name), env: {} })
    expect(config.networks.map(({ id }) => id)).toEqual(['eip155:84532'])
    expect(config.tiers.map((tier) => tier.approval)).toEqual(['none', 'blocked'])
    expect(config.warnings).toEqual([])
    expect(config.mode).toBe('enforce')
  })
})

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`)
  return ['l0: &l0 [x]', ...levels].join('\n')
}
