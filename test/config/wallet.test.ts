import { describe, expect, it } from 'vitest'
import { completedWallet, missingInWallet, secretsOfWallet, walletSchema } from '../../src/config/wallet.ts'

const schema = walletSchema('/etc/purser')
const ENV = { kind: 'env', name: 'KEY' } as const

describe('a local wallet', () => {
  it('is what is meant where nothing is written, with its key in the data folder', () => {
    const file = { kind: 'file', path: '/data/wallet.key' }
    expect(completedWallet(schema.parse({}), '/data')).toEqual({ kind: 'local', key: file })
    expect(completedWallet(schema.parse({ kind: 'local', key: 'env:KEY' }), '/data')).toEqual({ kind: 'local', key: ENV })
  })

  it('names its secrets by the path at which they are written', () => {
    expect(secretsOfWallet({ kind: 'local', key: ENV }).map(([path]) => path)).toEqual(['wallet.key'])
    expect(secretsOfWallet({ kind: 'local', key: ENV, password: ENV }).map(([path]) => path)).toEqual(['wallet.key', 'wallet.password'])
  })

  it('with others before it names their secrets too, and knows some by their address alone', () => {
    const address = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
    const previous = [{ key: 'env:KEY' }, { seed: 'env:KEY', password: 'env:KEY' }, { address }]
    const read = completedWallet(schema.parse({ kind: 'derived', seed: 'env:KEY', previous }), '/data')
    expect(read).toEqual({ kind: 'derived', seed: ENV, previous: [{ key: ENV }, { seed: ENV, password: ENV }, { address }] })
    const paths = ['wallet.seed', 'wallet.previous[0].key', 'wallet.previous[1].seed', 'wallet.previous[1].password']
    expect(secretsOfWallet(read).map(([path]) => path)).toEqual(paths)
  })

  it('needs its key where replicas share it', () => {
    expect(missingInWallet(schema.parse({}))).toEqual(['wallet', 'key'])
    expect(missingInWallet(schema.parse({ key: 'env:KEY' }))).toBeUndefined()
  })
})

it.each([
  [{ kind: 'paper' }],
  [{ kind: null }],
  ['local'],
  [{ keys: 'env:KEY' }],
  [{ key: '' }],
  [{ kind: 'derived' }],
  [{ kind: 'derived', key: 'env:KEY' }],
  [{ previous: [{}] }],
])('%j is no wallet', (written) => {
  expect(schema.safeParse(written).success).toBe(false)
})
describe('a signer wallet', () => {
  const ADDRESS = '0x1111111111111111111111111111111111111111'
  const written = { kind: 'signer', socket: 'run/socket', address: ADDRESS }

  it('is named by socket and address, has no secret, and replicas share it as it stands', () => {
    const parsed = schema.parse(written)
    const wallet = { kind: 'signer', socket: '/etc/purser/run/socket', address: ADDRESS }
    expect(completedWallet(parsed, '/data')).toEqual(wallet)
    expect(secretsOfWallet(completedWallet(parsed, '/data'))).toEqual([])
    expect(missingInWallet(parsed)).toBeUndefined()
  })

  it.each([
    { kind: 'signer', socket: 'a' },
    { kind: 'signer', address: ADDRESS },
    { ...written, key: 'file:k' },
    { kind: 'local', socket: 'a' },
  ])('%o is refused', (wrong) => {
    expect(schema.safeParse(wrong).success).toBe(false)
  })
})

describe('a pool', () => {
  const ADDRESS = '0x1111111111111111111111111111111111111111'
  const written = { kind: 'pool', files: ['weather.json'], address: ADDRESS }

  it('is named by files and address, has no secret, and takes transfers of a day unless told otherwise', () => {
    const parsed = schema.parse(written)
    const wallet = { kind: 'pool', files: ['/etc/purser/weather.json'], address: ADDRESS, longest_ms: 86_400_000 }
    expect(completedWallet(parsed, '/data')).toEqual(wallet)
    expect(completedWallet(schema.parse({ ...written, maxWindow: '6d' }), '/data')).toEqual({ ...wallet, longest_ms: 6 * 86_400_000 })
    expect(secretsOfWallet(completedWallet(parsed, '/data'))).toEqual([])
    expect(missingInWallet(parsed)).toBeUndefined()
  })

  it.each([{ files: [] }, { files: 'weather.json' }, { address: 'weather' }, { maxWindow: '7d' }, { maxWindow: '0s' }, { key: 'env:KEY' }])(
    'with %j is none',
    (other) => {
      expect(schema.safeParse({ ...written, ...other }).success).toBe(false)
    },
  )
})

describe('a wallet at Coinbase', () => {
  const ADDRESS = '0x1111111111111111111111111111111111111111'
  const written = { kind: 'coinbase', address: ADDRESS, apiKeyId: 'id', apiKeySecret: 'env:KEY', walletSecret: 'env:KEY' }

  it('is named by account and credentials, and both secrets are known by their paths', () => {
    const wallet = completedWallet(schema.parse(written), '/data')
    const url = 'https://api.cdp.coinbase.com/platform'
    expect(wallet).toEqual({ ...written, url, apiKeySecret: ENV, walletSecret: ENV, timeout_ms: 10_000 })
    expect(secretsOfWallet(wallet).map(([path]) => path)).toEqual(['wallet.apiKeySecret', 'wallet.walletSecret'])
    expect(missingInWallet(schema.parse(written))).toBeUndefined()
  })

  it.each([
    { apiKeyId: '' },
    { apiKeyId: 7 },
    { walletSecret: '' },
    { url: 'http://coinbase.example/' },
    { timeout: '61s' },
    { address: 'own' },
  ])('with %j is none', (other) => {
    expect(schema.safeParse({ ...written, ...other }).success).toBe(false)
  })
})
