import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { openHouse } from '../src/house.ts'
import { startProof } from '../src/proof.ts'
import { temporaryFolder } from './config/folder.ts'
import { startTestnet, type Testnet } from './testnet/testnet.ts'

let testnet: Testnet
beforeAll(async () => {
  testnet = await startTestnet()
})
afterAll(() => testnet?.[Symbol.asyncDispose]())

describe('what runs beside the requests', () => {
  it('watches the wallet on every network with an rpc, and ends with the house', async () => {
    await using started = new AsyncDisposableStack()
    const folder = started.use(await temporaryFolder())
    const yaml = `networks: [{ id: base-sepolia, rpc: "${testnet.rpcUrl}", finalityBlocks: 0 }]\n`
    const config = await loadConfig({ file: await folder.write('purser.yaml', yaml), env: {} })
    const house = await openHouse(config, { logLevel: 'silent', env: {} }, started)
    const proof = await startProof(house, { beside: true }, started)
    const report = await proof.reconcile()
    expect(report).toMatchObject({ takenOver: 0, resolved: [], unmatched: [], unavailable: [], unrecorded: [] })
    expect(proof.clockReasons()).toEqual([])
    expect(proof.clockBar('eip155:84532')).toBeUndefined()
    await expect(proof.cancel('pay_none')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })
})
