import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { presignPool } from '../src/presigning.ts'
import { knownAssets } from '../src/rails/x402/assets.ts'
import { readPresigned } from '../src/wallet/presigned-file.ts'
import { FROM, PAY_TO, START_S } from './wallet/presigned-at-hand.ts'
import { startTestSigner, type TestSigner } from './wallet/signer-at.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}` as const
const [asset] = knownAssets().filter(({ network, symbol }) => network === 'eip155:84532' && symbol === 'USDC')
let folder: string
let signer: TestSigner
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-presigning-'))
  signer = await startTestSigner(KEY)
})
afterAll(async () => {
  await signer[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function presigned(wallet: Record<string, unknown>, changes: Partial<Parameters<typeof presignPool>[2]> = {}) {
  if (!asset) throw new Error('the token is known')
  const file = join(folder, 'purser.yaml')
  await writeFile(file, JSON.stringify({ dataDir: folder, networks: [{ id: 'base-sepolia' }], wallet }))
  const order = { asset, to: PAY_TO, amountAtomic: 10_000n, count: 2, now: START_S * 1000, valid_ms: 3_600_000, ...changes } as const
  return presignPool(await loadConfig({ file, env: {} }), { KEY }, order)
}

describe('presignPool', () => {
  it.each(['local', 'remote'])('signs with the wallet of kind %s', async (kind) => {
    const wallet = kind === 'local' ? { kind, key: 'env:KEY' } : { kind, url: signer.url, address: FROM }
    const { text, from, until } = await presigned(wallet)
    expect([from, until]).toEqual([FROM, (START_S + 3_600) * 1000])
    expect(await readPresigned(text, FROM)).toMatchObject([
      { to: PAY_TO, value: 10_000n, validBefore: BigInt(START_S + 3_600), domain: { name: 'USDC', version: '2', chainId: 84532 } },
      { validAfter: BigInt(START_S - 600) },
    ])
  })

  it('signs nothing where the wallet has no key of its own, or would pay itself', async () => {
    const address = FROM
    await expect(presigned({ kind: 'pool', files: ['a'], address })).rejects.toThrow('which has no key. Nothing was signed.')
    await expect(presigned({ kind: 'signer', socket: 's', address })).rejects.toThrow('whose signer signs for payments of its ledger only')
    await expect(presigned({ kind: 'local', key: 'env:KEY' }, { to: FROM })).rejects.toThrow('is the wallet itself. Nothing was signed.')
  })

  it('signs nothing for Solana', async () => {
    if (!asset) throw new Error('the token is known')
    const there = { ...asset, network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' }
    await expect(presigned({ kind: 'local', key: 'env:KEY' }, { asset: there })).rejects.toThrow('nothing can be signed beforehand')
  })
})
