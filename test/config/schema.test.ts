import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configSchema, configShape } from '../../src/config/schema.ts'
import { issuesOf } from '../../src/session/issues.ts'

const schema = configSchema('/etc/purser')
const ADDRESS = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const ASSET = { network: 'base', address: ADDRESS, symbol: 'EURC', decimals: 6, eip712: { name: 'EURC', version: '2' } }

function issues(value: unknown) {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error)
}
const paths = (value: unknown) => issues(value).map(({ path }) => path)

describe('configSchema', () => {
  it('without anything written nothing is payable: no network, no tier, no recipient', () => {
    const config = schema.parse({})
    expect(config).toMatchObject({
      mode: 'enforce',
      dataDir: '/etc/purser/data',
      networks: [],
      assets: [],
      tiers: [],
      categories: [],
      recipients: { verified: [], blocked: [], blockedFiles: [] },
      priceDrift: { factor: 2_000_000n, over_ms: 2_592_000_000, on: 'report' },
      discovery: null,
      jurisdictions: { sanctioned: [] },
      metrics: { listen: null },
      people: [],
      approvals: { hold_ms: 30_000, vetoHold_ms: 60_000, webhooks: [] },
      log: { level: 'info' },
      telemetry: { traces: null },
    })
  })

  it('networks come out as CAIP-2, each once', () => {
    expect(schema.parse({ networks: [{ id: 'base-sepolia', rpc: 'https://sepolia.base.org' }] }).networks).toEqual([
      { id: 'eip155:84532', rpc: 'https://sepolia.base.org', finalityBlocks: 12 },
    ])
    expect(issues({ networks: [{ id: 'base' }, { id: 'eip155:8453' }] })).toEqual([
      { path: 'networks[1].id', message: 'eip155:8453 is listed twice' },
    ])
  })

  it('Solana is paid on with a key of its own and an rpc, or not at all', () => {
    const wallet = { solana: { key: 'env:SOLANA_KEY' } }
    const networks = [{ id: 'solana-devnet', rpc: 'https://api.devnet.solana.com' }]
    expect(schema.parse({ networks, wallet })).toMatchObject({
      ...{
        networks: [{ id: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' }],
        wallet: { solana: { key: { kind: 'env', name: 'SOLANA_KEY' } } },
      },
    })
    expect(paths({ networks })).toEqual(['wallet.solana'])
    expect(paths({ networks: [{ id: 'solana' }], wallet })).toEqual(['networks[0].rpc'])
    expect(paths({ networks: [{ id: 'solana:somewhere', rpc: 'https://example.com' }], wallet })).toEqual(['networks[0].id'])
  })

  it('a token of Solana says which program keeps it, every other one its EIP-712 domain', () => {
    const { eip712, ...bare } = ASSET
    const mint = { ...bare, network: 'solana-devnet', address: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', tokenProgram: 'token-2022' }
    expect(schema.parse({ assets: [mint] }).assets).toMatchObject([{ tokenProgram: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' }])
    const { tokenProgram, ...without } = mint
    expect(paths({ assets: [without] })).toEqual(['assets[0].tokenProgram'])
    expect(paths({ assets: [{ ...without, eip712, tokenProgram, address: ADDRESS }] })).toEqual(['assets[0].address'])
    expect(paths({ assets: [bare] })).toEqual(['assets[0].eip712'])
    expect(paths({ assets: [{ ...ASSET, address: mint.address }] })).toEqual(['assets[0].address'])
  })

  it('an asset is a dollar unless it says otherwise, and never free', () => {
    expect(schema.parse({ assets: [ASSET] }).assets).toEqual([{ ...ASSET, network: 'eip155:8453', currency: 'USD', rate: 1_000_000n }])
    expect(paths({ assets: [{ ...ASSET, rate: 0 }] })).toEqual(['assets[0].rate'])
    expect(paths({ assets: [ASSET, { ...ASSET, address: ADDRESS.toLowerCase(), network: 'eip155:8453' }] })).toEqual(['assets[1].address'])
    expect(
      paths({
        assets: [
          { ...ASSET, decimals: 37 },
          { ...ASSET, eip712: { name: 'x' } },
        ],
      }),
    ).toEqual(['assets[0].decimals', 'assets[1].eip712.version'])
  })

  it('an address without quotes is a number to YAML and refused with that hint', () => {
    expect(issues({ recipients: { verified: [{ host: 'x.example', payTo: 0x036cbd }] } })).toEqual([
      { path: 'recipients.verified[0].payTo', message: 'write the address in quotes, 0x and 40 hex digits' },
    ])
  })

  it('takes tiers that ask people', () => {
    const tiers = [approval('notify_with_veto', { vetoWindow: '30s' }), { ...approval('explicit_human', { timeout: '4h' }), name: 'two' }]
    expect(schema.parse({ tiers }).tiers.map((tier) => tier.approval)).toEqual(['notify_with_veto', 'explicit_human'])
  })

  it.each([
    ['proxy.parent', { proxy: { parent: 'corp:3128' } }, /write none, or a map/],
    ['ledger', { ledger: 'mysql://user@host/db' }, /write sqlite:PATH/],
    [
      'tiers[0].conditions.hours',
      { tiers: [{ name: 'a', approval: 'blocked', conditions: { hours: '9-17' } }] },
      /write them like "Mon-Fri 08:00-18:00 Europe\/Berlin"/,
    ],
  ])('%s is refused with a sentence that says so', (path, value, message) => {
    expect(issues(value)).toEqual([{ path, message: expect.stringMatching(message) }])
  })

  it.each([
    [{ mode: 'off' }, 'mode'],
    [{ data: './data' }, 'data'],
    [{ ledger: 'mysql://x' }, 'ledger'],
    [{ ledger: 'sqlite:' }, 'ledger'],
    [{ wallet: { kind: 'paper' } }, 'wallet.kind'],
    [{ wallet: { key: '' } }, 'wallet.key'],
    [{ networks: ['base-sepolia'] }, 'networks[0]'],
    [{ networks: [{ id: 'bitcoin' }] }, 'networks[0].id'],
    [{ recipients: { blocked: [{}] } }, 'recipients.blocked[0]'],
    [{ recipients: { verified: [{ payTo: ADDRESS }] } }, 'recipients.verified[0].host'],
    [{ recipients: { verified: [{ host: 'x', kind: 'robot' }] } }, 'recipients.verified[0].kind'],
    [{ categories: [{ host: 'x' }] }, 'categories[0].category'],
    [{ categories: [{ host: 'x', path: 'v1', category: 'c' }] }, 'categories[0].path'],
    [{ categories: [{ host: 'x', path: '/v1?q', category: 'c' }] }, 'categories[0].path'],
    [{ jurisdictions: { sanctioned: ['north korea'] } }, 'jurisdictions.sanctioned[0]'],
    [{ people: [{ id: 'ops', roles: ['king'] }] }, 'people[0].roles[0]'],
    [
      {
        people: [
          { id: 'ops', roles: [] },
          { id: 'ops', roles: [] },
        ],
      },
      'people[1].id',
    ],
    [{ approvals: { hold: 30 } }, 'approvals.hold'],
    [{ approvals: { webhooks: [{ url: 'http://ops.example/', secret: 'x' }] } }, 'approvals.webhooks[0].url'],
    [{ log: { level: 'loud' } }, 'log.level'],
    [{ metrics: { listen: 9090 } }, 'metrics.listen'],
    [{ admin: { listen: '127.0.0.1:4020' } }, 'admin.listen'],
    [{ metrics: { listen: '127.0.0.1:4021' } }, 'metrics.listen'],
    [{ proxy: { defaultSession: { cap: 1, ttl: '1h', networks: ['base'] } } }, 'proxy.defaultSession.networks'],
  ])('%j is refused at its path', (value, path) => {
    expect(paths(value)).toEqual([path])
  })

  it('reports problems of all sections at once', () => {
    expect(paths({ mode: 'off', proxy: { listen: 1 }, networks: [{}], tiers: [{ name: 'a', approval: 'none' }] })).toEqual([
      'mode',
      'proxy.listen',
      'networks[0].id',
      'tiers[0].conditions.maxAmount',
      'tiers[0].conditions.categories',
      'tiers[0].conditions.recipientTrust',
      'tiers[0].conditions.frequency',
    ])
  })

  it('any free port may be taken by several listeners', () => {
    expect(paths({ proxy: { listen: '127.0.0.1:0' }, admin: { listen: '127.0.0.1:0' } })).toEqual([])
  })

  it('lets only problems out, whatever is written', () => {
    const keys = fc.constantFrom(...Object.keys(configShape('/')))
    fc.assert(
      fc.property(keys, fc.jsonValue(), (key, value) => {
        schema.safeParse({ [key]: value })
      }),
    )
  })

  it('docs/configuration.md has a row for every setting', () => {
    const docs = readFileSync(resolve(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
    const rows = [...docs.matchAll(/^\| (`[^|]+) \|/gm)].map((match) => match[1] ?? '')
    const { proxy } = configShape('/')
    const parts = Object.keys(proxy.unwrap().shape).map((key) => `proxy.${key}`)
    const settings = [...Object.keys(configShape('/')), ...parts].filter((key) => key !== 'proxy')
    expect(settings.filter((key) => !rows.some((row) => row.includes(`\`${key}`)))).toEqual([])
  })
})

function approval(kind: string, span: Record<string, string>) {
  const conditions = { maxAmount: 1, categories: ['search'], recipientTrust: 'any', frequency: { max: 1, per: '1h' } }
  return { name: 'one', conditions, approval: kind, ...span }
}
