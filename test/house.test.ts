import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { openHouse, walletFingerprints } from '../src/house.ts'
import { checkFingerprints } from '../src/ledger/fingerprints.ts'
import { createLocalWallet } from '../src/wallet/local-key.ts'
import { createRotatedWallet } from '../src/wallet/rotated.ts'
import { temporaryFolder } from './config/folder.ts'

async function open(yaml: string) {
  await using started = new AsyncDisposableStack()
  const folder = started.use(await temporaryFolder())
  const config = await loadConfig({ file: await folder.write('purser.yaml', yaml), env: {} })
  const house = await openHouse(config, { logLevel: 'silent', env: {} }, started)
  const all = started.move()
  return { house, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

describe('the house', () => {
  it('makes the keys that nobody configured, each readable by its owner only', async () => {
    await using opened = await open('dataDir: ./data\n')
    const { dataDir } = opened.house.config
    for (const name of ['token.key', 'nonce.key', 'answer.key', 'receipt.key', 'wallet.key', 'admin.token']) {
      expect((await stat(join(dataDir, name))).mode & 0o777, name).toBe(0o600)
    }
  })

  it('names every variable that is not set at once, before anything is made', async () => {
    await using folder = await temporaryFolder()
    const keys = 'keys: { nonce: "env:NONCE", ca: { cert: "ca.pem", key: "env:CA" } }'
    const yaml = `${keys}\nwallet: { key: "env:WALLET", password: "env:PASSWORD" }\ngasWallet: { key: "env:GAS" }\nnetworks: [{ id: base-sepolia, rpc: "http://127.0.0.1:1" }]\n`
    const config = await loadConfig({ file: await folder.write('purser.yaml', yaml), env: {} })
    await using started = new AsyncDisposableStack()
    const opening = openHouse(config, { logLevel: 'silent', env: {} }, started)
    await expect(opening).rejects.toThrow('NONCE, CA, WALLET, PASSWORD and GAS are not set')
    await expect(stat(config.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('reads records on in the archive for people, and never for whoever pays', async () => {
    await using plain = await open('dataDir: ./data\n')
    expect(plain.house.records).toBe(plain.house.ledger)
    await using archived = await open('retention: { after: 90d, folder: ./archive }\n')
    const { ledger, records } = archived.house
    expect(records).not.toBe(ledger)
    expect(await records.payments({}, { limit: 1 })).toEqual({ items: [], next: null })
    expect((await records.verifyReceipts()).ok).toBe(true)
  })

  it('takes the keys that somebody configured', async () => {
    const key = 'ab'.repeat(32)
    await using opened = await open(`keys: { nonce: "${key}", receipt: "${key}" }\n`)
    expect(opened.house.keys.nonce.toString('hex')).toBe(key)
    expect(opened.house.signer.publicKey).toMatch(/^[0-9a-f]{64}$/)
  })

  it('asks the chains of those networks that have an rpc, and has gas only where it was given', async () => {
    await using opened = await open('networks: [{ id: base-sepolia, rpc: "http://127.0.0.1:1" }, { id: base-mainnet }]\n')
    expect(opened.house.chain.networks).toEqual(['eip155:84532'])
    expect(opened.house.networks).toEqual(['eip155:84532', 'eip155:8453'])
    expect(opened.house.gasWallet).toBeUndefined()
  })
})

describe('wallets that replicas compare', () => {
  const [first, second, third] = ['c1', 'c2', 'c3'].map((byte) => createLocalWallet({ key: `0x${byte.repeat(32)}` }))
  if (!first || !second || !third) throw new Error('there are three')

  it('R21: a replica that has not rotated yet brings a part of the same, and another key is found out', async () => {
    const before = await walletFingerprints(first)
    const rotated = await walletFingerprints(await createRotatedWallet(second, [first]))
    expect(checkFingerprints(before, rotated)).toEqual({ 'wallet after rotation 1': rotated['wallet after rotation 1'] })
    expect(checkFingerprints(rotated, before)).toEqual({})
    const other = await walletFingerprints(await createRotatedWallet(third, [first]))
    expect(() => checkFingerprints(rotated, other)).toThrow('The wallet after rotation 1 is not the one')
    const forgetful = await walletFingerprints(second)
    expect(() => checkFingerprints(rotated, forgetful)).toThrow('The wallet is not the one')
  })
})
